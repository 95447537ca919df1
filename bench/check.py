"""How many counterfactuals the checker judges per CPU second of one process, given nothing but their texts.

    .venv/bin/python bench/check.py [STUDIES]

A verdict is `audit_pair`: two raw texts are split, read, aligned and judged; nothing comes from the build.
Printed are the medians and the best of five runs, each with a lexicon that has read nothing yet:

- pairs of one study in a row, as data sets come: the factual text of the last pairs is remembered;
- one pair of each study: both texts of every pair are new;
- rows of a file of them, as `ccf-build check FILE --out` does, with what it loads first.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.counterfactual.plan.removal import abnormal_concepts
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.quality.check_pairs import audit
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import FINDING_LABELS, Pair, Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings

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
    rates = [rate_of_file(pairs) for _ in range(RUNS)]
    print(f"  rows of a file                         {statistics.median(rates):10,.0f}{max(rates):8,.0f}")


def measure(pairs: list[Pair]) -> tuple[int, list[float]]:
    graph = load_graph()
    rates = []
    for _ in range(RUNS):
        forget()
        lexicon = Lexicon.from_graph(graph.file)
        with seldom_collected():  # as `audit` does
            begun = time.process_time()
            accepted = sum(audit_pair(pair, graph, lexicon).accepted for pair in pairs)
            rates.append(len(pairs) / (time.process_time() - begun))
    return accepted, rates


def forget() -> None:
    """What was remembered of texts and sentences, whoever remembers it."""
    for name, module in sys.modules.items():
        if name.startswith(("ccf_pipeline.counterfactual.", "ccf_pipeline.reader.sentences")):
            for function in vars(module).values():
                if hasattr(function, "cache_clear") and function is not abnormal_concepts:
                    function.cache_clear()


def rate_of_file(pairs: list[Pair]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file, out = Path(folder) / "pairs.jsonl", Path(folder) / "verdicts.jsonl"
        rows = ({"id": pair.pair_id, **pair.model_dump(exclude={"pair_id"})} for pair in pairs)
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        forget()
        begun = time.process_time()
        with out.open("w", encoding="utf-8") as verdicts:
            for row in audit(file, {}, None):
                verdicts.write(row.model_dump_json() + "\n")
        return len(pairs) / (time.process_time() - begun)


def made_pairs(studies: int) -> list[Pair]:
    """What the rules expert makes of a demo corpus."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        write_demo_corpus(corpus, studies=studies, as_zip=True, images=False)
        out = Path(folder) / "build"
        summary = walk.build(BuildSettings(out=out, corpus=CorpusSettings(kind="demo", path=corpus)))
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
