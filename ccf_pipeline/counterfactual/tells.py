"""A reader of words alone that tells a counterfactual from a written report, its findings masked.

It learns from pairs of some patients and scores pairs of others: best of n keeps the wording that it tells
least, and the selection of a data set drops the pairs that it tells best.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.counterfactual.masking import mask_findings
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES, Direction, Mention

BUCKETS = 1 << 16
STRENGTH = 0.1  # of the model, as scikit-learn's C: weak enough not to learn single reports by heart
TOKEN = r"[^\W\d_]+(?:'[a-z]+)?|\d+|[^\w\s]"
FEWEST_TEXTS = 2
SCALE = 1_000_000
"""Scores are whole millionths, so that the last bits of a float decide nothing."""


def kind_of_change(direction: Direction, target: str) -> str:
    """Name the changes that are told by the same words: of devices, to No Finding, or by direction."""
    if direction == "swap":
        return "swap to No Finding" if target in (NO_FINDING, "No Finding") else "swap"
    is_of_device = target in (SUPPORT_DEVICES, "Support Devices")
    return f"{direction} devices" if direction == "add" and is_of_device else direction


@dataclass(frozen=True)
class MaskedPair:
    """The two texts of a pair without their findings."""

    pair_id: str
    patient: str
    kind: str
    chosen: str
    rejected: str


def mask_pair(
    pair_id: str,
    patient: str,
    kind: str,
    chosen: tuple[str, Iterable[Mention]],
    rejected: tuple[str, Iterable[Mention]],
) -> MaskedPair:
    """Mask the findings that the reader found in either text."""
    return MaskedPair(pair_id, patient, kind, mask_findings(*chosen), mask_findings(*rejected))


def word_features(texts: Sequence[str]) -> Any:
    """Return which words, and which two words in a row, each text has; one row a text, in hashed columns."""
    return _make_hasher("word").transform(texts)


def letter_features(texts: Sequence[str]) -> Any:
    """Return which runs of three to six letters each text has: what a selection by words has never seen."""
    return _make_hasher("letters").transform(texts)


@cache
def _make_hasher(kind: str) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    shared: dict[str, Any] = {"n_features": BUCKETS, "binary": True, "alternate_sign": False, "norm": None}
    if kind == "letters":
        return HashingVectorizer(analyzer="char", ngram_range=(3, 6), **shared)
    return HashingVectorizer(token_pattern=TOKEN, ngram_range=(1, 2), **shared)


@dataclass(frozen=True)
class Discriminator:
    """The weight of each column for the rejected side."""

    weights: NDArray[np.float64]

    def scores(self, features: Any) -> NDArray[np.int64]:
        """Return how much each text looks like a counterfactual, in millionths."""
        exact: NDArray[np.float64] = features @ self.weights
        return np.rint(exact * SCALE).astype(np.int64)


def fit_discriminator(chosen: Any, rejected: Any) -> Discriminator:
    """Learn to tell rows of features of the two sides apart."""
    from scipy.sparse import vstack
    from sklearn.linear_model import LogisticRegression

    both = vstack([chosen, rejected]).tocsr()
    # What a single text has tells nothing of others, and most columns are empty: leaving them out is ten
    # times as fast.
    used = np.flatnonzero(np.bincount(both.indices, minlength=both.shape[1]) >= FEWEST_TEXTS)
    weights = np.zeros(both.shape[1])
    if not used.size:
        return Discriminator(weights)
    sides = np.repeat(np.array([0, 1]), [chosen.shape[0], rejected.shape[0]])
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not yet converged is good enough to tell sides apart
        model.fit(both[:, used], sides)
    weights[used] = model.coef_[0]
    return Discriminator(weights)
