"""Read a report: the concepts it asserts, denies or doubts, where, and the phrase that decided.

lexicon = Lexicon.from_graph(graph)
mentions = read_text("FINDINGS: No effusion. Mild left basilar atelectasis.", lexicon)
labels = read_labels(mentions, lexicon)
"""

from ccf_pipeline.reader.conventions import CCF, CHEXPERT, NEGEX, ReadingConventions
from ccf_pipeline.reader.labels import read_labels
from ccf_pipeline.reader.lexicon import Lexicon, abnormal_in
from ccf_pipeline.reader.reader import read_report, read_text

__all__ = [
    "CCF",
    "CHEXPERT",
    "NEGEX",
    "Lexicon",
    "ReadingConventions",
    "abnormal_in",
    "read_labels",
    "read_report",
    "read_text",
]
