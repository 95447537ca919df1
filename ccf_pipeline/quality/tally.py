"""Count all rows in one pass; only numbers are kept of a row."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.quality.figures import (
    AttemptYield,
    Balance,
    BalanceCell,
    EditFigures,
    FindingBalance,
    Yield,
)
from ccf_pipeline.quality.flips import DIRECTIONS, FlipCount, leaving
from ccf_pipeline.quality.rates import cliffs_delta, cramers_v, rate, rounded, spread
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    Direction,
    Label,
    PlanSummary,
    Polarity,
    ReasonCount,
    Record,
)


@dataclass
class Tally:
    """Counts over accepted and rejected rows, as they stream by."""

    graph: ConceptGraph
    judged: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    experts: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    directions: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str, str, Direction]] = field(default_factory=Counter)
    present: Counter[tuple[str, str]] = field(default_factory=Counter)
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    distances: array[float] = field(default_factory=lambda: array("d"))
    kept: array[float] = field(default_factory=lambda: array("d"))
    length_changes: array[float] = field(default_factory=lambda: array("d"))
    chosen_lengths: array[float] = field(default_factory=lambda: array("d"))
    rejected_lengths: array[float] = field(default_factory=lambda: array("d"))
    flips: FlipCount = field(init=False)
    asked_flips: FlipCount = field(init=False)

    def __post_init__(self) -> None:
        self.flips = FlipCount("the build's own reader, accepted pairs", self.graph)
        self.asked_flips = FlipCount("the build's own reader, every answer", self.graph)

    def add(self, record: Record) -> None:
        """Count one judged row."""
        self.judged[record.attempt] += 1
        self.experts[f"{record.expert} ({record.model})" if record.model else record.expert] += 1
        self.tokens.update({"in": record.tokens_in, "cached": record.tokens_cached, "out": record.tokens_out})
        codes = {(problem.level, problem.code) for problem in record.problems}
        self.warnings.update(code for level, code in codes if level == "warn")
        factual, counterfactual = states(record.factual_labels), states(record.counterfactual_labels)
        self.asked_flips.add(record, factual, counterfactual)
        if not record.accepted:
            self.reasons.update(code for level, code in codes if level == "block")
            return
        self.accepted[record.attempt] += 1
        self.flips.add(record, factual, counterfactual)
        self._add_edit(record)
        self._add_balance(record, factual, counterfactual)

    def _add_edit(self, record: Record) -> None:
        chosen = record.chosen_text or record.factual_text
        self.distances.append(record.scores.token_distance)
        self.kept.append(record.scores.sentences_kept)
        lengths = len(chosen.split()), len(record.counterfactual_text.split())
        self.length_changes.append(abs(math.log(max(1, lengths[1]) / max(1, lengths[0]))))
        self.chosen_lengths.append(lengths[0])
        self.rejected_lengths.append(lengths[1])

    def _add_balance(
        self, record: Record, factual: dict[str, Polarity], counterfactual: dict[str, Polarity]
    ) -> None:
        self.directions[record.direction] += 1
        gone = leaving(record)
        for lost in gone or ("",):
            target = "" if record.direction == "remove" else record.target
            self.changes[lost, target, record.direction] += 1
        for label in FINDING_LABELS.values():
            before, after = factual.get(label) == "present", counterfactual.get(label) == "present"
            self.present["chosen", label] += before
            self.present["rejected", label] += after
            self.moved["gained", label] += after and not before
            self.moved["lost", label] += before and not after

    # --- what it comes to ---------------------------------------------------------------------

    def yields(self, plan: PlanSummary) -> Yield:
        accepted, judged = self.accepted.total(), self.judged.total()
        spent = self.tokens["in"] + self.tokens["out"]
        return Yield(
            studies_read=plan.studies_read,
            studies_skipped=plan.studies_skipped,
            studies_without_target=plan.studies_without_target,
            studies_planned=plan.studies_planned,
            planned=plan.plans,
            judged=judged,
            accepted=rate(accepted, judged),
            reasons=ranked(self.reasons),
            warnings=ranked(self.warnings),
            attempts=tuple(
                AttemptYield(attempt=attempt, rate=rate(self.accepted[attempt], self.judged[attempt]))
                for attempt in sorted(self.judged)
            ),
            experts=ranked(self.experts),
            tokens_in=self.tokens["in"],
            tokens_cached=self.tokens["cached"],
            tokens_out=self.tokens["out"],
            tokens_per_accepted=rounded(spent / accepted) if accepted else None,
        )

    def edits(self) -> EditFigures:
        return EditFigures(
            token_distance=spread(self.distances),
            sentences_kept=spread(self.kept),
            length_change=spread(self.length_changes),
            cliffs_delta=cliffs_delta(self.rejected_lengths, self.chosen_lengths),
        )

    def balance(self) -> Balance:
        labels = [label for finding, label in FINDING_LABELS.items() if finding != NO_FINDING]
        sides = [[self.present[side, label] for label in labels] for side in ("chosen", "rejected")]
        chi_square, association = cramers_v(sides)
        order = list(FINDING_LABELS.values())

        def place(change: tuple[str, str, Direction]) -> tuple[int, int, int]:
            lost, target, direction = change
            return (
                order.index(lost) if lost else -1,
                order.index(target) if target else -1,
                DIRECTIONS.index(direction),
            )

        return Balance(
            directions=ranked(self.directions),
            cells=tuple(
                BalanceCell(lost=lost, target=target, direction=direction, count=self.changes[change])
                for change in sorted(self.changes, key=place)
                for lost, target, direction in (change,)
            ),
            findings=tuple(
                FindingBalance(
                    finding=label,
                    chosen=self.present["chosen", label],
                    rejected=self.present["rejected", label],
                    gained=self.moved["gained", label],
                    lost=self.moved["lost", label],
                )
                for label in order
            ),
            chi_square=chi_square,
            cramers_v=association,
        )


def states(labels: tuple[Label, ...]) -> dict[str, Polarity]:
    return {label.finding: label.state for label in labels}


def ranked(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    """The most frequent first; equal ones by their names."""
    ordered = sorted(((n, c) for n, c in counts.items() if c), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)
