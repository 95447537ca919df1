"""Of the faults planted in good pairs of the demo corpus, the share that is caught with its code.

.venv/bin/python bench/faults.py [CASES]
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from check import made_pairs  # noqa: E402

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair  # noqa: E402
from ccf_pipeline.graph.load import load_graph  # noqa: E402
from ccf_pipeline.reader import Lexicon  # noqa: E402
from tests.counterfactual.planting import plant_faults  # noqa: E402


def main(cases: int, shown: int = 0) -> None:
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)
    planted: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    chance = random.Random(7)
    for pair in made_pairs(max(200, cases // 3)):
        for fault in plant_faults(pair, chance):
            if planted.total() >= cases:
                break
            verdict = audit_pair(fault.pair, graph, lexicon)
            codes = {problem.code for problem in verdict.problems if problem.level == "block"}
            planted[fault.fault] += 1
            caught[fault.fault] += bool(codes & fault.codes)
            if not codes & fault.codes and shown > 0:
                shown -= 1
                print(fault.fault, pair.direction, pair.target, sorted(codes))
                print("  ", pair.factual.replace("\n", " / "))
                print("  ", fault.pair.candidate.replace("\n", " / "))
    for name, count in planted.items():
        print(f"{name:24} {count:6} {caught[name] / count:.1%}")
    print(f"{'all':24} {planted.total():6} {caught.total() / planted.total():.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000, int(sys.argv[2]) if len(sys.argv) > 2 else 0)
