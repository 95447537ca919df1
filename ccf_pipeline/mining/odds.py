"""Odds ratios over strata: smoothed, with confidence intervals, and false discoveries kept in check."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

# Half a study in each cell (Haldane, Anscombe): no infinite odds, and little said of little seen.
PSEUDO_COUNT = 0.5
Z_95 = 1.959964


@dataclass(frozen=True)
class Odds:
    """For many pairs at once: how often together, how often by chance, and the log odds ratio."""

    together: Numbers
    expected: Numbers
    log_ratio: Numbers
    error: Numbers
    score: Numbers
    """Mantel and Haenszel's deviate, without pseudo-counts: large also where a cell is empty."""

    @property
    def z(self) -> Numbers:
        return self.log_ratio / self.error

    @property
    def low(self) -> Numbers:
        return self.log_ratio - Z_95 * self.error

    @property
    def high(self) -> Numbers:
        return self.log_ratio + Z_95 * self.error


def pooled_odds(both: Numbers, with_a: Numbers, with_b: Numbers, studies: Numbers) -> Odds:
    """The Mantel–Haenszel odds ratio of pairs, their strata along the first axis.

    Its variance is that of Robins, Breslow and Greenland; the pseudo-counts are shared out among the
    strata by their size, so that one stratum gives Haldane's estimate.
    """
    studies = np.broadcast_to(studies, both.shape)
    some = np.maximum(studies, 1.0)
    expected = (with_a * with_b / some).sum(axis=0)
    rest_a, rest_b = studies - with_a, studies - with_b
    spread = (with_a * with_b * rest_a * rest_b / (some * some * np.maximum(studies - 1, 1.0))).sum(axis=0)
    score = (both.sum(axis=0) - expected) / np.sqrt(np.maximum(spread, 1e-9))
    added = PSEUDO_COUNT * studies / np.maximum(studies.sum(axis=0), 1.0)
    a, b, c = both + added, with_a - both + added, with_b - both + added
    d = rest_a - with_b + both + added
    n = np.maximum(studies + 4 * added, 1e-9)
    concordant, discordant = a * d / n, b * c / n
    r, s = concordant.sum(axis=0), discordant.sum(axis=0)
    p, q = (a + d) / n, (b + c) / n
    variance = (
        (p * concordant).sum(axis=0) / (2 * r * r)
        + (p * discordant + q * concordant).sum(axis=0) / (2 * r * s)
        + (q * discordant).sum(axis=0) / (2 * s * s)
    )
    return Odds(both.sum(axis=0), expected, np.log(r / s), np.sqrt(variance), score)


def singles(pairs: Numbers) -> Numbers:
    """For each pair, how often its first concept is asserted: what stands on the diagonal of the strata."""
    alone: Numbers = np.einsum("sii->si", pairs)
    return np.broadcast_to(alone[:, :, None], pairs.shape)


def two_sided_p(z: Numbers) -> Numbers:
    """Return how likely a normal deviate is to be as far from zero."""
    from scipy.special import erfc

    probabilities: Numbers = erfc(abs(z) / math.sqrt(2))
    return probabilities
