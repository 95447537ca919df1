"""The weights by which a corpus gains and loses each finding about as often.

A first pass over the corpus keeps of each study its lot and the number of its state; studies of one state
share their options. The weights are then found by drawing every study again and again, a step at a time:
a finding gained more often than lost is made a little less welcome as a target.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ccf_pipeline.counterfactual.plan.changes import Change, changes_open_to
from ccf_pipeline.counterfactual.plan.choose import UNIT, Option, lot, lot_values
from ccf_pipeline.counterfactual.plan.study_states import StudyState
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS

FINDINGS = tuple(FINDING_LABELS)
ROUNDS = 80
NEAR_ENOUGH = 0.01
MOST_WEIGHT = 8 * UNIT
"""Odds of about 3,000: a finding that cannot be lost is hardly ever gained, but it is."""

Whole = npt.NDArray[np.int64]


@dataclass
class Census:
    """The states of a corpus, compactly: twelve bytes a study. The order of the studies changes nothing."""

    seed: int
    lots: array[int] = field(default_factory=lambda: array("Q"))
    numbers: array[int] = field(default_factory=lambda: array("I"))
    states: dict[StudyState, int] = field(default_factory=dict)

    def add(self, study_id: str, state: StudyState) -> None:
        self.lots.append(lot(self.seed, study_id))
        self.numbers.append(self.states.setdefault(state, len(self.states)))


def find_weights(census: Census, graph: ConceptGraph, per_study: int) -> dict[str, int]:
    """The weight of every finding, in thousandths of a unit of log-odds.

    Of all the rounds those weights count under which the worst finding is the least uneven.
    """
    draws = _Draws.of(census, graph)
    weights = np.zeros(len(FINDINGS), dtype=np.int64)
    if not draws.lengths.size:
        return dict.fromkeys(FINDINGS, 0)
    best, least = weights, math.inf
    for number in range(ROUNDS):
        gained, lost = draws.count(weights, per_study)
        gaps = [_measure_gap(int(came), int(went)) for came, went in zip(gained, lost, strict=True)]
        unevenness = sum(gap * gap for gap in gaps)
        if unevenness < least:
            best, least = weights, unevenness
        if max(map(abs, gaps)) < NEAR_ENOUGH:
            break
        # Shorter steps in the second half: with long ones the weights of findings that compete swing for
        # ever.
        stride = UNIT * (0.6 if number < ROUNDS // 2 else 0.3)
        steps = np.array([round(-stride * gap) for gap in gaps], dtype=np.int64)
        weights = np.clip(weights + steps, -MOST_WEIGHT, MOST_WEIGHT)
    return {finding: int(weight) for finding, weight in zip(FINDINGS, best, strict=True)}


def _measure_gap(gained: int, lost: int) -> float:
    """Return how far apart the two are, as the logarithm of their ratio."""
    # One more on both sides: a finding that was never lost has a gap, and not an infinite one.
    return math.log((gained + 1) / (lost + 1))


@dataclass(frozen=True)
class _Draws:
    """The options of all studies, one study after the other."""

    starts: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    worth: npt.NDArray[np.int32]
    keys: npt.NDArray[np.int8]
    effects: npt.NDArray[np.int32]
    gains: Whole
    losses: Whole

    @classmethod
    def of(cls, census: Census, graph: ConceptGraph) -> _Draws:
        shared = _Shared()
        blocks = [shared.block(changes_open_to(state, graph, "balanced")) for state in census.states]
        sizes = np.array([len(block.keys) for block in blocks], dtype=np.int64)
        numbers = np.frombuffer(census.numbers, dtype=np.dtype(f"u{census.numbers.itemsize}"))
        lots = np.frombuffer(census.lots, dtype=np.uint64)
        open_ones = sizes[numbers] > 0 if len(numbers) else np.zeros(0, dtype=bool)
        numbers, lots = numbers[open_ones], lots[open_ones]
        lengths = sizes[numbers] if len(numbers) else np.zeros(0, dtype=np.int64)
        chosen = [blocks[number] for number in numbers]
        codes = _join_arrays([block.codes for block in chosen], np.uint64)
        chance = np.array(lot_values(), dtype=np.int32)[
            _hash_words(np.repeat(lots, lengths) ^ codes) >> np.uint64(50)
        ]
        return cls(
            starts=np.cumsum(lengths) - lengths,
            lengths=lengths,
            worth=_join_arrays([block.pulls for block in chosen], np.int32) + chance,
            keys=_join_arrays([block.keys for block in chosen], np.int8),
            effects=_join_arrays([block.effects for block in chosen], np.int32),
            gains=shared.table(0),
            losses=shared.table(1),
        )

    def count(self, weights: Whole, per_study: int) -> tuple[Whole, Whole]:
        """Return how often each finding is gained and lost when every study draws under these weights."""
        worth = self.worth + ((self.gains - self.losses) @ weights).astype(np.int32)[self.effects]
        times = np.zeros(len(self.gains), dtype=np.int64)
        spent = np.iinfo(np.int32).min
        for _ in range(per_study):
            best = np.maximum.reduceat(worth, self.starts)
            at = np.flatnonzero(worth == np.repeat(best, self.lengths))
            of_study = np.searchsorted(self.starts, at, side="right") - 1
            # Several options of a study may be equally good: the first counts, as in `choose`.
            _, first = np.unique(of_study, return_index=True)
            picked = at[first]
            times += np.bincount(self.effects[picked[best > spent]], minlength=len(times))
            # What was drawn is spent, and with it every option of the same target.
            worth[self.keys == np.repeat(self.keys[picked], self.lengths)] = spent
        return times @ self.gains, times @ self.losses


@dataclass(frozen=True)
class _Block:
    """The options of one state, as columns."""

    codes: npt.NDArray[np.uint64]
    pulls: npt.NDArray[np.int32]
    keys: npt.NDArray[np.int8]
    effects: npt.NDArray[np.int32]


@dataclass
class _Shared:
    """Numbers for what options have in common: which findings they gain and lose."""

    effects: dict[tuple[tuple[str, ...], tuple[str, ...]], int] = field(default_factory=dict)

    def block(self, options: Sequence[Option[Change]]) -> _Block:
        effects = [self.effects.setdefault((o.gained, o.lost), len(self.effects)) for o in options]
        return _Block(
            codes=np.array([option.code for option in options], dtype=np.uint64),
            pulls=np.array([option.pull for option in options], dtype=np.int32),
            keys=np.array([FINDINGS.index(option.key) for option in options], dtype=np.int8),
            effects=np.array(effects, dtype=np.int32),
        )

    def table(self, side: int) -> Whole:
        """A row of noughts and ones per effect: the findings gained (side 0) or lost (side 1)."""
        rows = [[int(finding in effect[side]) for finding in FINDINGS] for effect in self.effects]
        return np.array(rows, dtype=np.int64).reshape(len(rows), len(FINDINGS))


def _join_arrays(parts: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=kind)


def _hash_words(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """`choosing.mix`, for many words at once."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = words ^ (words >> np.uint64(31))
    return mixed
