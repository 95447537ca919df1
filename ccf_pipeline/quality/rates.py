"""Shares with their intervals, and the middle of many numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ccf_pipeline.quality.figures import Rate, Spread

Z_95 = 1.959963984540054
DIGITS = 4


def rate(hits: int, of: int) -> Rate:
    """A share with Wilson's score interval, which holds near 0 and 1 too."""
    if of == 0:
        return Rate(hits=0, of=0, share=None, low=None, high=None)
    share, square = hits / of, Z_95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    reach = Z_95 * math.sqrt(share * (1 - share) / of + square / (4 * of**2)) / (1 + square / of)
    # At 0 and 1 the interval ends there; rounding would leave it a hair inside.
    low = 0.0 if hits == 0 else max(0.0, middle - reach)
    high = 1.0 if hits == of else min(1.0, middle + reach)
    return Rate(hits=hits, of=of, share=rounded(share), low=rounded(low), high=rounded(high))


def spread(values: Sequence[float]) -> Spread:
    """Median, tenth and ninetieth percentile."""
    if not len(values):
        return Spread(median=None, tenth=None, ninetieth=None)
    tenth, median, ninetieth = np.quantile(np.asarray(values), (0.1, 0.5, 0.9))
    return Spread(median=rounded(median), tenth=rounded(tenth), ninetieth=rounded(ninetieth))


def cliffs_delta(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Return how much oftener a value of `left` exceeds one of `right` than the reverse, from -1 to 1."""
    if not len(left) or not len(right):
        return None
    from scipy.stats import mannwhitneyu

    # Mann and Whitney's U counts the pairs in which the left value is greater, half of each tie with them.
    greater = mannwhitneyu(left, right, method="asymptotic").statistic
    return rounded(2 * greater / (len(left) * len(right)) - 1)


def cramers_v(table: Sequence[Sequence[int]]) -> tuple[float | None, float | None]:
    """Chi-square of a table of counts, and Cramér's V: 0 where rows and columns have nothing to do."""
    counts = np.asarray(table, dtype=float)
    if counts.size == 0 or not counts.sum():
        return None, None
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    least = min(counts.shape) - 1
    if least < 1:
        return 0.0, 0.0
    from scipy.stats import chi2_contingency

    chi_square = float(chi2_contingency(counts, correction=False).statistic)
    return rounded(chi_square), rounded(math.sqrt(chi_square / (counts.sum() * least)))


def rounded(value: float) -> float:
    """A figure as it is published; minus zero is zero."""
    return round(float(value), DIGITS) + 0.0
