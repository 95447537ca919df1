"""Selection against artefacts: rounds that drop the pairs whose forged side a reader of words tells best.

In the manner of AFLite (Le Bras et al. 2020), but within each kind of change, since kinds cancel in the
mixture, and only while a kind is told better than written reports that differ in the same findings: what
these are told by is medicine. Every round ends with evening out, so that no finding comes to stand on one
side; devices, which are gained oftener than lost, are left apart. The figures are taken from other folds
than the rounds used, and by runs of letters, which no round saw.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.counterfactual.tells import (
    MaskedPair,
    fit_discriminator,
    letter_features,
    word_features,
)
from ccf_pipeline.records import FINDING_LABELS, SUPPORT_DEVICES
from ccf_pipeline.records.words import Noun

SEED = 7
AIMED_EXCESS = 0.025
"""Half of what the quality check tolerates: fresh folds tell a kind a little better than the rounds do."""
STEP = 0.1
"""Of the pairs of a kind so many may go in one round."""
LEAST_OF_A_KIND = 0.5
MOST_ROUNDS = 8
FOLDS = 5
FEWEST_PAIRS = 40
LEARNT_PAIRS = 2_000
"""A reader learns little from more; the others are scored all the same."""
MEASURED_PAIRS = 4_000
"""Of a kind so many are measured, by lot: the letters of more would fill the memory."""

Features = Callable[[Sequence[str]], Any]
Even = Callable[[frozenset[str]], frozenset[str]]
"""Which of these pairs stay once every finding is to be gained as often as lost."""


class KindFigures(Noun):
    """How one kind of change is told apart before and after, with its floor and the control of the same size.

    All are areas under the curve with the findings masked; None where there are too few pairs. `floor` is
    that of written reports that differ in the same findings, `unseen` that of letters, which no round saw.
    """

    kind: str
    pairs: int
    kept: int
    before: float | None
    after: float | None
    control: float | None
    unseen: float | None
    unseen_control: float | None
    floor: float | None


class Selected(Noun):
    """Which pairs were dropped, in how many rounds of a kind at most, and what that brought for each."""

    keep: float
    seed: int
    rounds: int
    pairs: int
    dropped: tuple[str, ...]
    kinds: tuple[KindFigures, ...]


@dataclass(frozen=True)
class Candidate:
    """A pair to select from: its masked texts and the findings that either asserts."""

    masked: MaskedPair
    study: str
    shown: frozenset[str]
    would_show: frozenset[str]


def select_candidates(
    candidates: Sequence[Candidate], *, keep: float, seed: int = SEED, even: Even | None = None
) -> Selected:
    """Drop the most telling pairs of each kind, round by round, but never below `keep` of all pairs.

    Args:
        even: is asked after each round; what it takes out counts as dropped. Without it, each finding comes
            to be gained as often as lost.
    """
    even = even or (lambda ids: even_findings([one for one in candidates if one.masked.pair_id in ids], seed))
    by_kind = {kind: _Rows.of_pairs(some, word_features) for kind, some in _group_by_kind(candidates).items()}
    floors = {kind: measure_floor(rows.of, candidates, seed=seed) for kind, rows in by_kind.items()}
    everything = frozenset(one.masked.pair_id for one in candidates)
    kept = everything & even(everything)
    # Nothing that evening out alone takes away is put down to the rounds.
    sizes = {kind: len(rows.only(kept).of) for kind, rows in by_kind.items()}
    rounds = 0
    # The smallest kinds first: of them least can go, and it brings most.
    for kind in sorted(by_kind, key=lambda kind: (sizes[kind], kind)):
        step, fewest = math.ceil(STEP * sizes[kind]), math.ceil(LEAST_OF_A_KIND * sizes[kind])
        for number in range(MOST_ROUNDS):
            left = by_kind[kind].only(kept)
            # No round takes more than a step, nor leaves fewer than the kind or the whole selection has to
            # keep.
            spare = min(step, len(left.of) - fewest, len(kept) - math.ceil(keep * len(everything)))
            gone = _pick_most_telling(left, floors[kind], spare, lot=f"{seed} round {number}")
            fewer = kept & even(kept - frozenset(gone))
            # A round whose evening out would cost more pairs than may go is not begun; the rounds before it
            # stand.
            if not gone or len(fewer) < keep * len(everything):
                break
            kept, rounds = fewer, max(rounds, number + 1)
    return Selected(
        keep=keep,
        seed=seed,
        rounds=rounds,
        pairs=len(everything),
        dropped=tuple(sorted(everything - kept)),
        kinds=tuple(
            _measure_kind(kind, rows, kept, floors[kind], seed) for kind, rows in sorted(by_kind.items())
        ),
    )


def even_findings(candidates: Sequence[Candidate], seed: int) -> frozenset[str]:
    """Return the pairs that stay once some, drawn by lot, went that gain what is gained too often."""
    ordered = sorted(candidates, key=lambda one: _draw_lot(f"{seed} even", one.masked.pair_id))
    net: Counter[str] = Counter()
    for one in ordered:
        net.update(_find_effects(one))
    kept = set()
    for one in ordered:
        effects = _find_effects(one)
        # A pair goes only if the sum of all imbalances gets smaller without it: a swap that gains a finding
        # too many and loses one too few would do as much harm as good.
        nearer = sum(abs(net[finding]) - abs(net[finding] - change) for finding, change in effects.items())
        if nearer > 0:
            net.subtract(effects)
        else:
            kept.add(one.masked.pair_id)
    return frozenset(kept)


def _find_effects(one: Candidate) -> dict[str, int]:
    """Return 1 for each finding that a pair gains and -1 for each that it loses, devices apart."""
    gained, lost = one.would_show - one.shown, one.shown - one.would_show
    effects = dict.fromkeys(gained, 1) | dict.fromkeys(lost, -1)
    effects.pop(FINDING_LABELS[SUPPORT_DEVICES], None)
    return effects


def _group_by_kind(candidates: Iterable[Candidate]) -> Mapping[str, list[Candidate]]:
    by_kind: defaultdict[str, list[Candidate]] = defaultdict(list)
    for one in sorted(candidates, key=lambda one: one.masked.pair_id):
        by_kind[one.masked.kind].append(one)
    return by_kind


@dataclass(frozen=True)
class _Rows:
    """Pairs with the features of both sides, a row a pair."""

    of: Sequence[Candidate]
    chosen: Any
    rejected: Any

    @classmethod
    def of_pairs(cls, some: Sequence[Candidate], features: Features) -> _Rows:
        texts = ([getattr(one.masked, side) for one in some] for side in ("chosen", "rejected"))
        return cls(some, *(features(side) for side in texts))

    def only(self, kept: frozenset[str]) -> _Rows:
        """The rows of these pairs."""
        rows = [n for n, one in enumerate(self.of) if one.masked.pair_id in kept]
        return _Rows([self.of[n] for n in rows], self.chosen[rows], self.rejected[rows])

    def area(self, lot: str) -> float | None:
        """The area under the curve by folds of this lot; None where there are too few pairs."""
        if len(self.of) < FEWEST_PAIRS or len({one.masked.patient for one in self.of}) < FOLDS:
            return None
        return round(_measure_area(*self.scores(lot)), 4)

    def scores(self, lot: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Score both sides of every pair by a reader that learnt from other patients."""
        patients = [one.masked.patient for one in self.of]
        # Patients and not pairs are dealt to the folds: a reader that had seen one study of a patient would
        # know the other's phrases, and the area would be too good.
        ranks = {
            name: n for n, name in enumerate(sorted(set(patients), key=lambda name: _draw_lot(lot, name)))
        }
        folds = np.array([ranks[name] % FOLDS for name in patients])
        scores = np.zeros((2, len(patients)), dtype=np.int64)
        for fold in range(FOLDS):
            judged, learnt = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
            learnt = learnt[:: max(1, len(learnt) // LEARNT_PAIRS)]
            reader = fit_discriminator(self.chosen[learnt], self.rejected[learnt])
            scores[0, judged] = reader.scores(self.chosen[judged])
            scores[1, judged] = reader.scores(self.rejected[judged])
        return scores[0], scores[1]


def _pick_most_telling(rows: _Rows, floor: float | None, spare: int, *, lot: str) -> list[str]:
    """Return the pairs of one kind that go in this round; none if written reports are told about as well."""
    if spare <= 0 or len(rows.of) < FEWEST_PAIRS:
        return []
    chosen, rejected = rows.scores(lot)
    if _measure_area(chosen, rejected) <= (floor or 0.5) + AIMED_EXCESS:
        return []
    ids = [one.masked.pair_id for one in rows.of]
    order = sorted(zip((chosen - rejected).tolist(), ids, strict=True))
    return [pair_id for _, pair_id in order[:spare]]


# --- figures ----------------------------------------------------------------------------------


def _measure_kind(
    kind: str, rows: _Rows, kept: frozenset[str], floor: float | None, seed: int
) -> KindFigures:
    fresh = f"{seed} figures"
    by_lot = sorted(
        (one.masked.pair_id for one in rows.of), key=lambda pair_id: _draw_lot(f"{seed} control", pair_id)
    )
    left = [pair_id for pair_id in by_lot if pair_id in kept]
    # The control keeps as many pairs, drawn by lot: what both figures have lost is due to the smaller number.
    control = rows.only(frozenset(by_lot[: len(left)][:MEASURED_PAIRS]))
    after = rows.only(frozenset(left[:MEASURED_PAIRS]))
    return KindFigures(
        kind=kind,
        pairs=len(rows.of),
        kept=len(left),
        before=rows.only(frozenset(by_lot[:MEASURED_PAIRS])).area(fresh),
        after=after.area(fresh),
        control=control.area(fresh),
        unseen=_Rows.of_pairs(after.of, letter_features).area(fresh),
        unseen_control=_Rows.of_pairs(control.of, letter_features).area(fresh),
        floor=floor,
    )


def measure_floor(some: Sequence[Candidate], candidates: Iterable[Candidate], *, seed: int) -> float | None:
    """Return how well written reports are told apart that differ in findings as these pairs do."""
    written: defaultdict[tuple[int, frozenset[str]], dict[str, Candidate]] = defaultdict(dict)
    for one in candidates:
        written[_assign_block(one, seed), one.shown][one.study] = one
    pairs = []
    for one in some:
        alike = written.get((_assign_block(one, seed), one.would_show), {})
        others = sorted(study for study, other in alike.items() if other.masked.patient != one.masked.patient)
        if others:
            other = alike[others[_draw_lot(f"{seed} written", one.masked.pair_id) % len(others)]]
            both = MaskedPair(
                pair_id=one.masked.pair_id,
                # A report may be on one side of one pair and on the other of another: both are of one block.
                patient=str(_assign_block(one, seed)),
                kind=one.masked.kind,
                chosen=one.masked.chosen,
                rejected=other.masked.chosen,
            )
            pairs.append(Candidate(both, one.study, one.shown, one.would_show))
    return _Rows.of_pairs(pairs, word_features).area(f"{seed} figures") if pairs else None


def _measure_area(chosen: NDArray[np.int64], rejected: NDArray[np.int64]) -> float:
    from sklearn.metrics import roc_auc_score

    sides = np.repeat(np.array([0, 1]), [len(chosen), len(rejected)])
    return float(roc_auc_score(sides, np.concatenate([chosen, rejected])))


def _assign_block(one: Candidate, seed: int) -> int:
    # Both reports of such a pair are of one block, and blocks are not parted between folds: none is seen
    # twice.
    return _draw_lot(f"{seed} block", one.masked.patient) % (2 * FOLDS)


def _draw_lot(*names: str) -> int:
    # Joined by a letter that no id holds: "a" + "bc" and "ab" + "c" draw different lots.
    return int.from_bytes(hashlib.blake2b("\x1f".join(names).encode(), digest_size=8).digest(), "big")
