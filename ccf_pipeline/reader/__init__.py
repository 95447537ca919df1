"""Read a report: the concepts it asserts, denies or doubts, where, and the phrase that decided.

lexicon = Lexicon.from_graph(graph)
mentions = read_text("FINDINGS: No effusion. Mild left basilar atelectasis.", lexicon)
labels = read_labels(mentions, lexicon)
"""

from ccf_pipeline.reader.anaphora import find_anaphors
from ccf_pipeline.reader.antecedents import Continuation, find_continuations, kin_of, leading_concepts
from ccf_pipeline.reader.conventions import CCF, CHEXPERT, NEGEX, ReadingConventions
from ccf_pipeline.reader.labels import read_labels
from ccf_pipeline.reader.lexicon import Lexicon, abnormal_in
from ccf_pipeline.reader.reader import read_report, read_text

__all__ = [
    "CCF",
    "CHEXPERT",
    "NEGEX",
    "Continuation",
    "Lexicon",
    "ReadingConventions",
    "abnormal_in",
    "find_anaphors",
    "find_continuations",
    "kin_of",
    "leading_concepts",
    "read_labels",
    "read_report",
    "read_text",
]
