"""List the changes that a study is open to, and the findings that each gains and loses."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from ccf_pipeline.counterfactual.plan.choose import Option, in_units
from ccf_pipeline.counterfactual.plan.study_states import DISEASES, TARGETS, StudyState
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES, Direction, Element, Statement

if TYPE_CHECKING:
    from ccf_pipeline.settings import PlanPreset

# Before the corpus has its say, every direction has its share, however many changes it offers.
DIRECTION_SHARES: dict[Direction, float] = {"add": 0.25, "swap": 0.5, "remove": 0.25}
# Hard neighbours first, but not only: a change between findings of relevance 0.5 is drawn about seven
# times as often as one between findings with nothing in common.
RELEVANCE_PULL = 4.0
# Under the preset `paper` relevance decides, and chance only between equals.
PAPER_PULL = 10_000.0


@dataclass(frozen=True)
class Change:
    """A direction, what is to appear, and what is to give way for it.

    Of an `alter`, `element` is what differs, `old` is what is said of it and `new` is what is to be said.
    """

    direction: Direction
    target: str
    gives_way: tuple[str, ...]
    element: Element | None = None
    old: Statement | None = None
    new: Statement | None = None
    only_diagnosis: bool = False


@lru_cache(maxsize=100_000)
def changes_open_to(state: StudyState, graph: ConceptGraph, preset: PlanPreset) -> tuple[Option[Change], ...]:
    """Every eligible change with what it gains, loses and is worth before weights and chance."""
    changes = list(_iter_additions(state) if preset == "paper" else _iter_changes(state, graph))
    offered = Counter(change.direction for change in changes)
    return tuple(
        Option(
            change=change,
            key=change.target,
            code=_hash_change(change),
            pull=_weigh_change(change, state, graph, preset, offered[change.direction]),
            gained=_list_gained(change, state),
            lost=_list_lost(change, state),
        )
        for change in changes
    )


def _iter_changes(state: StudyState, graph: ConceptGraph) -> Iterator[Change]:
    for finding in state.may_go:
        yield Change("remove", finding, (finding,))
    for target in TARGETS:
        if target in state.closed:
            continue
        yield Change("add", target, ())
        for finding in state.may_go:
            if SUPPORT_DEVICES not in (target, finding) and target not in graph.descendants(finding):
                yield Change("swap", target, (finding,))
    if state.may_be_normal and state.last is None:
        # With a single finding, its removal is what makes the report normal.
        yield Change("swap", NO_FINDING, tuple(f for f in state.asserted if f != SUPPORT_DEVICES))


def _iter_additions(state: StudyState) -> Iterator[Change]:
    """The paper's scheme: other diseases beside what is there, and a diagnosis line that names them alone."""
    for target in DISEASES:
        if target not in state.closed:
            yield Change("add", target, (), only_diagnosis=True)


def _list_gained(change: Change, state: StudyState) -> tuple[str, ...]:
    if change.direction == "remove":
        return (NO_FINDING,) if change.target == state.last else ()
    return (change.target,)


def _list_lost(change: Change, state: StudyState) -> tuple[str, ...]:
    if state.is_normal and change.target in DISEASES:
        return (*change.gives_way, NO_FINDING)
    return change.gives_way


def _weigh_change(
    change: Change, state: StudyState, graph: ConceptGraph, preset: PlanPreset, offered: int
) -> int:
    beside = change.gives_way or tuple(f for f in state.asserted if f != SUPPORT_DEVICES)
    near = relevance_of(change, beside, graph)
    if preset == "paper":
        return round(1000 * PAPER_PULL * near)
    return in_units(DIRECTION_SHARES[change.direction] / offered) + round(1000 * RELEVANCE_PULL * near)


def relevance_of(change: Change, beside: tuple[str, ...], graph: ConceptGraph) -> float:
    """Return how hard the target is to tell from what it replaces, or else from what is there."""
    if change.direction == "remove":
        return 0.0
    return max((graph.relevance(change.target, finding) for finding in beside), default=0.0)


def _hash_change(change: Change) -> int:
    """A number that stands for the change, whatever else a study is open to."""
    named = "\x1f".join((change.direction, change.target, *change.gives_way))
    return int.from_bytes(hashlib.sha256(named.encode()).digest()[:8], "big")
