"""How many counterfactuals the checker judges per CPU second of one process, given nothing but their texts.

    .venv/bin/python bench/check.py [STUDIES]

A verdict is `audit_pair`: two raw texts are split, read, aligned and judged; nothing comes from the build.
Printed are the medians and the best of five runs, each with a lexicon that has read nothing yet:

- pairs of one study in a row, as data sets come: the factual text of the last pairs is remembered;
- one pair of each study: both texts of every pair are new.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline import pipeline
from ccf_pipeline.io.builds import BuildFolder
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.records import FINDING_LABELS, Pair, Record
from ccf_pipeline.sentences import split_report
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.steps.aligning import number_sentences, same_words
from ccf_pipeline.steps.auditing import audit_pair
from ccf_pipeline.steps.reading import Lexicon

IDS = {label: finding for finding, label in FINDING_LABELS.items()}
RUNS = 5


def main(studies: int) -> None:
    pairs = made_pairs(studies)
    firsts = list({pair.factual: pair for pair in reversed(pairs)}.values())
    accepted, rates = measure(pairs)
    print(f"pairs                                       {len(pairs)}, {accepted / len(pairs):.1%} accepted")
    print("verdicts per CPU second, from raw text       median    best")
    print(f"  pairs of one study in a row            {statistics.median(rates):10,.0f}{max(rates):8,.0f}")
    _, rates = measure(firsts)
    print(f"  one pair of each study                 {statistics.median(rates):10,.0f}{max(rates):8,.0f}")


def measure(pairs: list[Pair]) -> tuple[int, list[float]]:
    graph = load_graph()
    rates = []
    for _ in range(RUNS):
        for remembering in (split_report, number_sentences, same_words):
            remembering.cache_clear()
        lexicon = Lexicon.from_graph(graph.file)
        begun = time.process_time()
        accepted = sum(audit_pair(pair, graph, lexicon).accepted for pair in pairs)
        rates.append(len(pairs) / (time.process_time() - begun))
    return accepted, rates


def made_pairs(studies: int) -> list[Pair]:
    """What the rules expert makes of a demo corpus."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        write_demo_corpus(corpus, studies=studies, as_zip=True, images=False)
        out = Path(folder) / "build"
        summary = pipeline.build(BuildSettings(out=out, corpus=CorpusSettings(kind="demo", path=corpus)))
        return [pair_of(record) for record in BuildFolder(out).accepted_records(summary.plan.shards)]


def pair_of(record: Record) -> Pair:
    return Pair(
        pair_id=record.record_id,
        factual=record.factual_text,
        candidate=record.counterfactual_text,
        target=IDS[record.target],
        direction=record.direction,
        swap_from=tuple(IDS[finding] for finding in record.swap_from),
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
