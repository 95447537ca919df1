"""How many counterfactuals the checker judges per CPU second, given nothing but the two texts of each.

.venv/bin/python bench/check.py [STUDIES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline import pipeline
from ccf_pipeline.io.builds import BuildFolder
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.records import FINDING_LABELS, Pair, Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.steps.auditing import audit_pair
from ccf_pipeline.steps.reading import Lexicon

IDS = {label: finding for finding, label in FINDING_LABELS.items()}


def main(studies: int) -> None:
    pairs = made_pairs(studies)
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)
    audit_pair(pairs[0], graph, lexicon)
    begun = time.process_time()
    accepted = sum(audit_pair(pair, graph, lexicon).accepted for pair in pairs)
    seconds = time.process_time() - begun
    print(f"pairs                    {len(pairs)}, {accepted / len(pairs):.1%} accepted")
    print(f"verdicts per CPU second  {len(pairs) / seconds:.0f}")


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
