"""Selection against artefacts: what is dropped, what is spared, and that it is the same in any order."""

from __future__ import annotations

import random
from dataclasses import replace

from ccf_pipeline.counterfactual.tells import MaskedPair
from ccf_pipeline.datasets.adversarial import Candidate, Selected, even_findings, select_candidates

WORDS = ["the", "heart", "lung", "base", "apex", "contour", "margin", "field", "zone", "hilum", "rib"]


def candidates(kind: str, count: int, tell: str, share: float, *, seed: int = 1) -> list[Candidate]:
    """Pairs of random words; in a share of them the rejected side holds one word more."""
    chance = random.Random(f"{seed}{kind}")
    made = []
    for number in range(count):
        chosen, rejected = (" ".join(chance.choices(WORDS, k=8)) for _ in range(2))
        forged = f"{rejected} {tell}" if chance.random() < share else rejected
        name = f"{kind} {number}"
        shown = frozenset({"A"} if number % 2 else {"B"})
        masked = MaskedPair(name, f"patient of {name}", kind, chosen, forged)
        made.append(Candidate(masked, f"study of {name}", shown, frozenset("AB") - shown))
    return made


def keep_all(ids: frozenset[str]) -> frozenset[str]:
    return ids


def select(some: list[Candidate], keep: float = 0.6) -> Selected:
    return select_candidates(some, keep=keep, seed=7, even=keep_all)


def test_pairs_that_give_themselves_away_are_dropped_and_the_kind_is_told_less() -> None:
    some = candidates("swap", 150, "conspicuous", 0.4)

    selected = select(some)

    texts = {one.masked.pair_id: one.masked.rejected for one in some}
    dropped = [texts[pair_id] for pair_id in selected.dropped]
    assert sum("conspicuous" in text for text in dropped) >= 0.6 * len(dropped) >= 8
    (figures,) = selected.kinds
    assert figures.before is not None
    assert figures.after is not None
    assert figures.control is not None
    assert figures.after < figures.control - 0.05
    assert figures.unseen is not None


def test_never_more_than_the_share_is_dropped_nor_half_of_any_kind() -> None:
    selected = select([*candidates("swap", 100, "new", 1.0), *candidates("add", 50, "seen", 1.0)], keep=0.7)

    assert {figures.kind: figures.kept for figures in selected.kinds} == {"swap": 70, "add": 35}

    selected = select([*candidates("swap", 90, "new", 1.0), *candidates("add", 110, "", 0.0)], keep=0.5)

    assert {figures.kind: figures.kept for figures in selected.kinds}["swap"] == 45


def test_devices_are_left_apart_where_findings_are_evened_out() -> None:
    some = candidates("add devices", 20, "new", 0.0)
    some += [replace(one, shown=frozenset(), would_show=frozenset({"Support Devices"})) for one in some[:10]]
    edema = [replace(one, shown=frozenset(), would_show=frozenset({"Edema"})) for one in some[:10]]

    assert len(even_findings(some[20:], seed=7)) == 10
    assert not even_findings(edema, seed=7)


def test_a_kind_that_is_told_no_better_than_written_reports_is_left_alone() -> None:
    chance, some = random.Random(3), []
    for number in range(160):
        plain, other = (" ".join(chance.choices(WORDS, k=8)) for _ in range(2))
        gains, has, lacks = number % 2 == 0, frozenset("B"), frozenset("A")
        kind, name = ("add", "remove")[number % 2], f"{number}"
        chosen, rejected = (plain, f"{other} sign") if gains else (f"{plain} sign", other)
        masked = MaskedPair(f"{kind} {name}", name, kind, chosen, rejected)
        some.append(Candidate(masked, name, lacks if gains else has, has if gains else lacks))

    selected = select(some)

    assert selected.dropped == ()
    assert all((figures.before or 0) > 0.9 and (figures.floor or 0) > 0.9 for figures in selected.kinds)


def test_each_round_is_evened_out() -> None:
    some = candidates("swap", 100, "new", 0.5)
    both = {one.masked.pair_id: one.shown for one in some}

    def as_many_each_way(ids: frozenset[str]) -> frozenset[str]:
        ways = [sorted(name for name in ids if both[name] == frozenset(way)) for way in "AB"]
        fewest = min(map(len, ways))
        return frozenset(name for way in ways for name in way[:fewest])

    selected = select_candidates(some, keep=0.6, seed=7, even=as_many_each_way)

    left = [shown for name, shown in both.items() if name not in selected.dropped]
    assert left.count(frozenset("A")) == left.count(frozenset("B")) > 20


def test_the_order_of_the_pairs_changes_nothing() -> None:
    some = candidates("swap", 60, "new", 0.5)

    assert select(some) == select(some[::-1])
