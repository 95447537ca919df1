"""Verdicts on made-up edits around sentences that only continue a finding: the share that is right.

.venv/bin/python bench/dependents.py [SHOWN]
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair  # noqa: E402
from ccf_pipeline.graph.load import load_graph  # noqa: E402
from ccf_pipeline.reader import Lexicon  # noqa: E402
from tests.counterfactual.orphaning import make_cases  # noqa: E402


def main(shown: int) -> None:
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)
    made: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    for case in make_cases():
        verdict = audit_pair(case.pair, graph, lexicon)
        place = case.kind, case.edit
        made[place] += 1
        right[place] += verdict.accepted == case.accepted
        if verdict.accepted != case.accepted and shown > 0:
            shown -= 1
            reasons = [(p.code, p.message) for p in verdict.problems if p.level == "block"]
            print(
                case.pair.pair_id,
                case.where,
                case.pair.target,
                "accept" if case.accepted else "refuse",
                reasons,
            )
            print("  ", case.pair.factual.replace("\n", " / "))
            print("  ", case.pair.candidate.replace("\n", " / "))
    for place, count in sorted(made.items()):
        print(f"{place[0]:14} {place[1]:8} {count:5} {right[place] / count:7.1%}")
    print(f"{'all':23} {made.total():5} {right.total() / made.total():7.1%}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
