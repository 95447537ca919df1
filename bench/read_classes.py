"""How right the reader is on hard sentences, class by class: the first table of docs/reading.md.

    .venv/bin/python bench/read_classes.py [CLASS]

With the name of a class, or a part of it, the sentences that are read wrong are printed too.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon, read_report
from tests.reader.generated import generate, judge
from tests.reader.generated.frames import Case
from tests.reader.handwritten import read_handwritten


def main(asked: str | None) -> None:
    lexicon = Lexicon.from_graph(load_graph().file)
    print("Generated\n")
    report(lexicon, generate(), asked)
    print("\nWritten by hand\n")
    report(lexicon, read_handwritten(), asked)


def report(lexicon: Lexicon, cases: tuple[Case, ...], asked: str | None) -> None:
    wrong: defaultdict[str, list[str]] = defaultdict(list)
    total: defaultdict[str, int] = defaultdict(int)
    for case in cases:
        total[case.kind] += 1
        faults = judge(case, *read_report(case.text, lexicon))
        if faults:
            wrong[case.kind].append(f"{case.text} | {'; '.join(faults)}")
    print("| class | sentences | read wrong | right |\n|---|---|---|---|")
    for kind, number in total.items():
        print(f"| {kind} | {number} | {len(wrong[kind])} | {1 - len(wrong[kind]) / number:.3f} |")
    sentences, missed = sum(total.values()), sum(map(len, wrong.values()))
    print(f"| all | {sentences:,} | {missed} | {1 - missed / sentences:.3f} |")
    for kind in total:
        if asked is not None and asked in kind:
            print("", *wrong[kind], sep="\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
