"""Count how often each finding is gained and lost over a plan, and what keeps the two apart."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ccf_pipeline.counterfactual.plan.changes import changes_open_to
from ccf_pipeline.counterfactual.plan.study_states import StudyState
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, ChangeCount, Direction, FindingBalance, Plan

if TYPE_CHECKING:
    from ccf_pipeline.settings import PlanPreset

EVEN_WITHIN = 0.10

Standing = Literal["even", "limited", "uneven"]


@dataclass
class PlanTally:
    """Counts plans as they are made."""

    graph: ConceptGraph
    per_study: int
    preset: PlanPreset
    weights: Mapping[str, int]
    plans: int = 0
    studies: Counter[str] = field(default_factory=Counter)
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    most_gained: Counter[str] = field(default_factory=Counter)
    most_lost: Counter[str] = field(default_factory=Counter)
    least_lost: Counter[str] = field(default_factory=Counter)
    directions: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[Direction, str, str]] = field(default_factory=Counter)

    def add(self, state: StudyState, plans: Sequence[Plan]) -> None:
        """Count the plans of one study, and what its state would have allowed."""
        self.studies.update((*state.asserted, NO_FINDING) if state.is_normal else state.asserted)
        if self.preset != "minimal":
            most_gained, most_lost, least_lost = _compute_bounds(
                state, self.graph, self.preset, self.per_study
            )
            self.most_gained.update(most_gained)
            self.most_lost.update(most_lost)
            self.least_lost.update(least_lost)
        for plan in plans:
            self.plans += 1
            self.directions[plan.direction] += 1
            self.gained.update(plan.gained)
            self.lost.update(plan.lost)
            pairs = itertools.product((plan.direction,), plan.lost or ("",), plan.gained or ("",))
            self.changes.update(pairs)

    def change_counts(self) -> tuple[ChangeCount, ...]:
        """Return what is lost for what, by the names of the findings, in the order of their tables."""
        order = {finding: number for number, finding in enumerate(("", *FINDING_LABELS))}
        ordered = sorted(self.changes, key=lambda entry: (entry[0], order[entry[1]], order[entry[2]]))
        return tuple(
            ChangeCount(
                direction=direction,
                lost=FINDING_LABELS.get(lost, ""),
                target=FINDING_LABELS.get(gained, ""),
                count=self.changes[direction, lost, gained],
            )
            for direction, lost, gained in ordered
        )

    def balance(self) -> tuple[FindingBalance, ...]:
        """Every finding's account."""
        return tuple(self._balance_of(finding) for finding in FINDING_LABELS)

    def _balance_of(self, finding: str) -> FindingBalance:
        standing, limit = self._judge_standing(finding)
        return FindingBalance(
            finding=FINDING_LABELS[finding],
            studies=self.studies[finding],
            gained=self.gained[finding],
            lost=self.lost[finding],
            most_gained=self.most_gained[finding],
            most_lost=self.most_lost[finding],
            least_lost=self.least_lost[finding],
            weight=self.weights.get(finding, 0),
            standing=standing,
            limit=limit,
        )

    def _judge_standing(self, finding: str) -> tuple[Standing, str]:
        """True if gains and losses are within a tenth of each other, and if not, whether they could be."""
        gained, lost = self.gained[finding], self.lost[finding]
        if is_even(gained, lost):
            return "even", ""
        if self.preset != "balanced":
            return "uneven", f"the preset `{self.preset}` does not balance"
        if gained > lost and lost >= (1 - EVEN_WITHIN) * self.most_lost[finding]:
            return "limited", f"can be lost {self.most_lost[finding]} times at most"
        if lost > gained and gained >= (1 - EVEN_WITHIN) * self.most_gained[finding]:
            return "limited", f"can be gained {self.most_gained[finding]} times at most"
        if lost > gained and not is_even(self.most_gained[finding], self.least_lost[finding]):
            forced, most = self.least_lost[finding], self.most_gained[finding]
            if forced > most:
                return "limited", f"must be lost {forced} times, can be gained {most} times at most"
        return "uneven", "nothing keeps the two apart"


def is_even(gained: int, lost: int) -> bool:
    """True if two counts are within a tenth of the greater one."""
    return abs(gained - lost) <= EVEN_WITHIN * max(gained, lost)


Bounds = tuple[Counter[str], Counter[str], Counter[str]]


@lru_cache(maxsize=100_000)
def _compute_bounds(state: StudyState, graph: ConceptGraph, preset: PlanPreset, per_study: int) -> Bounds:
    """Return how often at most a study can gain and lose each finding, and how often it cannot but lose it.

    No two counterfactuals of a study share a target, so targets are what is counted.
    """
    options = changes_open_to(state, graph, preset)
    targets = {option.key for option in options}
    asked = min(per_study, len(targets))
    most_gained: Counter[str] = Counter()
    most_lost: Counter[str] = Counter()
    least_lost: Counter[str] = Counter()
    for finding in FINDING_LABELS:
        gaining = {option.key for option in options if finding in option.gained}
        losing = {option.key for option in options if finding in option.lost}
        sparing = {option.key for option in options if finding not in option.lost}
        most_gained[finding] = min(per_study, len(gaining))
        most_lost[finding] = min(per_study, len(losing))
        least_lost[finding] = max(0, asked - len(sparing))
    return +most_gained, +most_lost, +least_lost
