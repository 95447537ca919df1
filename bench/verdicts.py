"""How often the checker takes unrelated words, refuses good edits, and breaks its law, by class.

    .venv/bin/python bench/verdicts.py [EVERY]

The generators of tests/counterfactual/check make the cases; of the graph's forms every so many is taken.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Direction, Pair
from tests.counterfactual.check.good_edits import additions, removals, swaps
from tests.counterfactual.check.law import choices
from tests.counterfactual.check.unrelated import GLUED, UNRELATED, glue_on, insertions
from tests.counterfactual.check.unrelated_too import GLUED_TOO, UNRELATED_TOO

GRAPH = load_graph()
LEXICON = Lexicon.from_graph(GRAPH.file)


def main(every: int) -> None:
    tell("unrelated sentences accepted", insertions(UNRELATED, places=6), wanted=True)
    tell("a second set of them accepted", insertions(UNRELATED_TOO, places=6), wanted=True)
    tell("words hung on a good sentence accepted", glue_on(GLUED), wanted=True)
    tell("a second set of them accepted", glue_on(GLUED_TOO), wanted=True)
    good = ((style, "", pair) for style, pair in (*additions(), *removals(), *swaps()))
    tell("good edits refused", good, wanted=False)
    for direction in ("add", "remove"):
        tell_law(direction, every)


def accepts(pair: Pair) -> bool:
    return audit_pair(pair, GRAPH, LEXICON).accepted


def tell(title: str, cases: Iterable[tuple[str, str, Pair]], *, wanted: bool) -> None:
    """Print how many cases of each class got the verdict that is counted."""
    judged: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for kind, _, pair in cases:
        judged[kind] += 1
        found[kind] += accepts(pair) is wanted
    print(f"{title}: {sum(found.values())} of {sum(judged.values())}")
    for kind, count in found.most_common():
        if count:
            print(f"  {kind:45} {count:5} of {judged[kind]}")


def tell_law(direction: Direction, every: int) -> None:
    """Print how many sentences may both stay and go, and how many may do neither."""
    both: Counter[str] = Counter()
    neither = count = 0
    for choice in choices(GRAPH, direction, every):
        kept, replaced = accepts(choice.kept), accepts(choice.replaced)
        count += 1
        neither += not kept and not replaced
        both[choice.concept] += kept and replaced
    print(f"sentences to {direction}: {count}, refused both ways {neither}, either {sum(both.values())}")
    for concept, number in both.most_common(8):
        print(f"  {concept:45} {number:5}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 12)
