"""Did the finding that was to change do so, and did the others stay? By the labels of any judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import get_args

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.quality.figures import FlipCell, Flips, NamedRate
from ccf_pipeline.quality.rates import rate
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Direction, Polarity, Record

States = Mapping[str, Polarity]
"""Findings by their CheXpert names; one that is not spoken of is missing."""

IDS = {label: finding for finding, label in FINDING_LABELS.items()}
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)


def leaving(record: Record) -> tuple[str, ...]:
    """The findings that are to go."""
    return (record.target,) if record.direction == "remove" else record.swap_from


@dataclass
class FlipCount:
    """Counts pairs as one judge sees them."""

    judge: str
    graph: ConceptGraph
    independent: bool = False
    pairs: int = 0
    uncertain: int = 0
    withdrawn: int = 0
    right: Counter[tuple[str, Direction]] = field(default_factory=Counter)
    asked: Counter[tuple[str, Direction]] = field(default_factory=Counter)
    changed: Counter[str] = field(default_factory=Counter)
    free: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record, factual: States, counterfactual: States) -> None:
        """One pair with both sides' labels."""
        cell = (record.target, record.direction)
        self.pairs += 1
        self.asked[cell] += 1
        if has_flipped(record, counterfactual):
            self.right[cell] += 1
        elif counterfactual.get(record.target) == "uncertain":
            self.uncertain += 1
        implied = implied_by_change(self.graph, record.target, leaving(record))
        for label in FINDING_LABELS.values():
            if label not in implied:
                self.free[label] += 1
                before, after = factual.get(label), counterfactual.get(label)
                self.changed[label] += _read_state(before) != _read_state(after)
                self.withdrawn += before == "absent" and after is None

    def figures(self) -> Flips:
        def over(direction: Direction) -> NamedRate:
            chosen = [cell for cell in self.asked if cell[1] == direction]
            return NamedRate(
                name=direction,
                rate=rate(sum(self.right[c] for c in chosen), sum(self.asked[c] for c in chosen)),
            )

        return Flips(
            judge=self.judge,
            independent=self.independent,
            pairs=self.pairs,
            success=rate(self.right.total(), self.pairs),
            uncertain=self.uncertain,
            directions=tuple(
                over(direction) for direction in DIRECTIONS if any(d == direction for _, d in self.asked)
            ),
            cells=tuple(
                FlipCell(finding=label, direction=direction, rate=rate(self.right[cell], self.asked[cell]))
                for label in FINDING_LABELS.values()
                for direction in DIRECTIONS
                if (cell := (label, direction)) in self.asked
            ),
            collateral=tuple(
                NamedRate(name=label, rate=rate(self.changed[label], self.free[label]))
                for label in FINDING_LABELS.values()
                if self.free[label]
            ),
            denials_withdrawn=rate(self.withdrawn, self.free.total()),
        )


def _read_state(state: Polarity | None) -> Polarity | None:
    """Return the state if the finding is asserted or doubted; a denial counts as silence."""
    return None if state == "absent" else state


def has_flipped(record: Record, counterfactual: States) -> bool:
    """True if the gained finding is asserted and the lost ones are neither asserted nor doubted."""
    gone = all(counterfactual.get(label) not in ("present", "uncertain") for label in leaving(record))
    return gone and (record.direction == "remove" or counterfactual.get(record.target) == "present")


@lru_cache(maxsize=512)
def implied_by_change(graph: ConceptGraph, target: str, gone: tuple[str, ...]) -> frozenset[str]:
    """The labels that may follow the change: of its kin, of its signs, and of what excludes it.

    No Finding follows every change.
    """
    concepts = {NO_FINDING}
    for finding in (IDS[label] for label in (target, *gone)):
        signs = [relation.other(finding) for relation in graph.supports(finding)]
        near = [
            kin
            for concept in (finding, *graph.excluded(finding), *signs)
            for kin in (concept, *graph.ancestors(concept))
        ]
        for concept in (*near, *graph.descendants(finding)):
            concepts |= {concept, *(graph.concept(concept).sets_labels if concept in graph else ())}
    return frozenset(label for label, finding in IDS.items() if finding in concepts)
