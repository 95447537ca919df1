"""Explaining away: whether two concepts go together only because both go with a third.

Kerley lines and perihilar haze meet in the same reports because both are signs of edema; among reports
with edema, and among those without, they hardly know of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ccf_pipeline.mining.counts import Tally
from ccf_pipeline.mining.mined import Thresholds
from ccf_pipeline.mining.odds import Odds, pooled_odds, singles

Pair = tuple[int, int]
CANDIDATES = 3
# A third concept explains a pair if it takes at least half of their log odds ratio away.
SHARE_LEFT = 0.5


@dataclass(frozen=True)
class Explanation:
    """The third concept, and the log odds ratio that is left among reports alike in it."""

    concept: int
    log_ratio: float


@dataclass(frozen=True)
class Explanations:
    """Finds explanations. Sides are left aside here: whole studies are compared."""

    tally: Tally
    odds: Odds

    @classmethod
    def of(cls, tally: Tally) -> Explanations:
        both = tally.pairs.astype(np.float64)
        with_a = singles(both)
        studies = tally.studies[:, None, None].astype(np.float64)
        return cls(tally, pooled_odds(both, with_a, with_a.transpose(0, 2, 1), studies))

    def of_pair(self, pair: Pair, thresholds: Thresholds) -> Explanation | None:
        """The concept that leaves least of the association, if what it leaves is no clear relation."""
        found = [self._explain_by(concept, pair, thresholds) for concept in self._find_candidates(pair)]
        told = [explanation for explanation in found if explanation is not None]
        return min(told, key=lambda explanation: abs(explanation.log_ratio), default=None)

    def _find_candidates(self, pair: Pair) -> list[int]:
        """The strongest common neighbours that pull the same way, each tie stronger than the pair's own.

        The weakest side of a triangle is the one explained, so that no two pairs explain each other away.
        """
        a, b = pair
        z = self.odds.score
        weaker = np.minimum(abs(z[a]), abs(z[b]))
        same_way = np.sign(z[a] * z[b]) == np.sign(z[pair])
        weaker = np.where(same_way & (weaker > abs(z[pair])), weaker, 0.0)
        weaker[[a, b]] = 0.0
        best = np.argsort(-weaker, kind="stable")[:CANDIDATES]
        return [int(concept) for concept in best if weaker[concept] > 0]

    def _explain_by(self, concept: int, pair: Pair, thresholds: Thresholds) -> Explanation | None:
        whole = float(self.odds.log_ratio[pair])
        partial = self._compute_odds_given(concept, pair)
        left = float(partial.log_ratio)
        still_positive = partial.low >= math.log(thresholds.min_ratio)
        still_exclusive = partial.high <= math.log(thresholds.max_ratio)
        if left * whole > 0 and (abs(left) > SHARE_LEFT * abs(whole) or still_positive or still_exclusive):
            return None
        return Explanation(concept, left)

    def _compute_odds_given(self, concept: int, pair: Pair) -> Odds:
        """The odds of a pair among reports that assert a concept and among those that do not."""
        tally, (a, b) = self.tally, pair
        given = tally.triples[:, concept]
        asserting = given[:, a, b], given[:, a, a], given[:, b, b], given[:, concept, concept]
        whole = tally.pairs[:, a, b], tally.pairs[:, a, a], tally.pairs[:, b, b], tally.studies
        both, with_a, with_b, studies = (
            np.concatenate([some, every - some]).astype(np.float64)
            for some, every in zip(asserting, whole, strict=True)
        )
        return pooled_odds(both, with_a, with_b, studies)
