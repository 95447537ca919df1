"""The artefact test: can a linear model tell the sides apart without understanding a word?

It learns on some patients and judges others. What it finds in the raw words may be medicine, since a mix of
findings that differs between the sides is one as well; what it finds with the findings blotted out is the
manner of writing, and what it finds in the wrapper is a mistake of the export.
"""

from __future__ import annotations

import math
import random
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.quality.figures import ArtefactView, TellTale
from ccf_pipeline.quality.rates import rounded

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Kind = Literal["words", "shape", "characters", "common characters"]
"""The part of a text that the model sees: its words, its length and punctuation, or runs of characters.

Of long texts only the runs that several share are looked at: all of them would fill the memory.
"""

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The pairs to learn from, and the pairs to judge."""

FOLDS = 5
FEWEST_PAIRS, FEWEST_PATIENTS = 40, 10
SHUFFLES, SHUFFLED_PAIRS = 20, 1000
WORDS_SHOWN = 20
MOST_RUNS = 100_000
STRENGTH = 0.1  # of the model, as scikit-learn's C: weak enough not to learn single reports by heart
_TOKEN = r"[^\W\d_]+(?:'[a-z]+)?|\d+|[^\w\s]"
_MARKS = ".,:;()/-\n"


@dataclass(frozen=True)
class Sides:
    """Both texts of many pairs, in one view, with the patients they belong to."""

    view: str
    kind: Kind
    chosen: Sequence[str]
    rejected: Sequence[str]
    patients: Sequence[str]

    @cached_property
    def texts(self) -> list[str]:
        """Chosen and rejected in turns."""
        return [text for pair in zip(self.chosen, self.rejected, strict=True) for text in pair]

    def shortened(self, pairs: int) -> Sides:
        return Sides(self.view, self.kind, self.chosen[:pairs], self.rejected[:pairs], self.patients[:pairs])


def measure_preference(sides: Sides) -> float | None:
    """Return how often a model that learnt preferences from texts alone prefers the chosen side."""
    if _are_too_few(sides):
        return None
    features, _ = _extract_features(sides)
    return (
        0.5
        if features.shape[1] == 0
        else rounded(_measure_preference(features, _split_folds(sides.patients)))
    )


def split_patients(patients: Sequence[str]) -> Fold | None:
    """Return the pairs to learn from and those to judge; None where there are too few."""
    are_too_few = len(patients) < FEWEST_PAIRS or len(set(patients)) < FEWEST_PATIENTS
    return None if are_too_few else _split_folds(patients)[0]


def measure_view(sides: Sides, *, seed: int) -> ArtefactView:
    """Measure how well the sides are told apart, what chance would give, and which words tell them apart."""
    pairs = len(sides.patients)
    if _are_too_few(sides):
        return _make_empty_view(sides.view, pairs)
    features, names = _extract_features(sides)
    if features.shape[1] == 0:
        # Both sides are the same to the letter: there is nothing to tell them apart by.
        return _make_empty_view(sides.view, pairs, auc=0.5)
    folds = _split_folds(sides.patients)
    auc, pairwise = _tell_apart(features, folds, _list_sides(pairs))
    null = _measure_null(sides.shortened(SHUFFLED_PAIRS), features[: 2 * min(pairs, SHUFFLED_PAIRS)], seed)
    return ArtefactView(
        view=sides.view,
        pairs=pairs,
        auc=rounded(auc),
        pairwise=rounded(pairwise),
        preference=rounded(_measure_preference(features, folds)),
        null_mean=rounded(float(np.mean(null))),
        null_high=rounded(float(np.quantile(null, 0.95))),
        words=_find_telltales(features, names),
    )


def _are_too_few(sides: Sides) -> bool:
    return len(sides.patients) < FEWEST_PAIRS or len(set(sides.patients)) < FEWEST_PATIENTS


def _make_empty_view(view: str, pairs: int, auc: float | None = None) -> ArtefactView:
    return ArtefactView(
        view=view, pairs=pairs, auc=auc, pairwise=auc, preference=auc, null_mean=auc, null_high=auc, words=()
    )


# --- what the model sees ----------------------------------------------------------------------


def _extract_features(sides: Sides) -> tuple[csr_matrix, list[str]]:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer

    if sides.kind == "shape":
        counts = np.array([_measure_shape(text) for text in sides.texts])
        scaled = (counts - counts.mean(axis=0)) / np.where(counts.std(axis=0) > 0, counts.std(axis=0), 1.0)
        return csr_matrix(scaled), list(_SHAPE_NAMES)
    if sides.kind == "characters":
        words = CountVectorizer(analyzer="char", ngram_range=(3, 6), lowercase=False, binary=True)
    elif sides.kind == "common characters":
        words = CountVectorizer(
            analyzer="char", ngram_range=(3, 5), binary=True, min_df=5, max_features=MOST_RUNS
        )
    else:
        # A word of one or two reports tells of them, not of a side; and keeps names out of the figures.
        words = CountVectorizer(token_pattern=_TOKEN, ngram_range=(1, 2), binary=True, min_df=5)
    try:
        features = words.fit_transform(sides.texts).astype(np.float64)
    except ValueError:  # no word is left
        return csr_matrix((len(sides.texts), 0)), []
    # What every text holds tells nothing apart.
    held = np.asarray(features.sum(axis=0))[0]
    telling = np.flatnonzero(held < features.shape[0])
    names = words.get_feature_names_out()
    return features[:, telling], [str(names[number]) for number in telling]


_SHAPE_NAMES = (
    *("characters", "words", "sentences", "letters per word", "capitals", "digits", "log characters"),
    *(f"mark {mark!r}" for mark in _MARKS),
)


def _measure_shape(text: str) -> tuple[float, ...]:
    words = text.split()
    return (
        len(text),
        len(words),
        len(re.findall(r"\.(?:\s|$)", text)),
        sum(map(len, words)) / max(1, len(words)),
        sum(character.isupper() for character in text),
        sum(character.isdigit() for character in text),
        math.log1p(len(text)),
        *(float(text.count(mark)) for mark in _MARKS),
    )


# --- learning and judging ---------------------------------------------------------------------


def _list_sides(pairs: int) -> NDArray[np.int64]:
    return np.tile(np.array([0, 1]), pairs)


def _split_folds(patients: Sequence[str]) -> list[Fold]:
    """Pairs to learn from and pairs to judge; all pairs of a patient are on the same side of it."""
    from sklearn.model_selection import GroupKFold

    numbers = np.zeros(len(patients))
    return list(GroupKFold(FOLDS).split(numbers, groups=np.asarray(patients)))


def _make_model(**settings: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0, **settings)


def _list_row_numbers(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.stack([2 * pairs, 2 * pairs + 1], axis=1).ravel()


def _tell_apart(
    features: csr_matrix,
    folds: Sequence[Fold],
    sides: NDArray[np.int64],
) -> tuple[float, float]:
    """The area under the curve, and how often the rejected text of a pair scores higher."""
    from sklearn.metrics import roc_auc_score

    scores = np.zeros(len(sides))
    for learnt, judged in folds:
        model = _fit_model(features[_list_row_numbers(learnt)], sides[_list_row_numbers(learnt)])
        scores[_list_row_numbers(judged)] = model.decision_function(features[_list_row_numbers(judged)])
    # Where the lot turned a pair round, its first row is the rejected one.
    swapped = sides[0::2] == 1
    gap = np.where(swapped, scores[0::2] - scores[1::2], scores[1::2] - scores[0::2])
    return float(roc_auc_score(sides, scores)), _share_above(gap)


def _measure_preference(features: csr_matrix, folds: Sequence[Fold]) -> float:
    """Return how often a model that learnt preferences from text alone prefers the chosen side."""
    from scipy.sparse import diags

    difference = (features[1::2] - features[0::2]).tocsr()
    gaps = np.zeros(difference.shape[0])
    for learnt, judged in folds:
        # Half of the differences are turned round: else there would be one class, and nothing to learn.
        signs = np.where(np.arange(len(learnt)) % 2, 1.0, -1.0)
        model = _fit_model((diags(signs, dtype=np.float64) @ difference[learnt]), signs, fit_intercept=False)
        gaps[judged] = difference[judged] @ model.coef_[0]
    return _share_above(gaps)


def _share_above(gaps: NDArray[np.float64]) -> float:
    # A tie counts half, as in the area under the curve.
    return float(np.mean((gaps > 0) + 0.5 * (gaps == 0)))


def _fit_model(features: Any, sides: NDArray[Any], **settings: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # not yet converged is good enough to tell sides apart
        return _make_model(**settings).fit(features, sides)


def _measure_null(sides: Sides, features: csr_matrix, seed: int) -> list[float]:
    """The areas that come out where the sides of each pair are drawn by lot."""
    pairs = len(sides.patients)
    folds = _split_folds(sides.patients)
    areas = []
    for shuffle in range(SHUFFLES):
        chance = random.Random(f"{seed}\x1f{shuffle}")
        drawn = np.array(
            [side for _ in range(pairs) for side in ((0, 1) if chance.random() < 0.5 else (1, 0))]
        )
        areas.append(_tell_apart(features, folds, drawn)[0])
    return areas


# --- what gives it away -----------------------------------------------------------------------


def _find_telltales(features: csr_matrix, names: Sequence[str]) -> tuple[TellTale, ...]:
    """The words with the largest say: their weight times how much oftener one side has them."""
    pairs = features.shape[0] // 2
    weights = _fit_model(features, _list_sides(pairs)).coef_[0]
    chosen = np.asarray(features[0::2].mean(axis=0)).ravel()
    rejected = np.asarray(features[1::2].mean(axis=0)).ravel()
    say = weights * (rejected - chosen)
    # Rounded before sorting: words that weigh the same on every machine have to come in the same order.
    order = sorted(range(len(names)), key=lambda n: (-round(float(say[n]), 9), names[n]))[:WORDS_SHOWN]
    return tuple(
        TellTale(
            word=names[n],
            side="rejected" if rejected[n] > chosen[n] else "chosen",
            chosen=rounded(float(chosen[n])),
            rejected=rounded(float(rejected[n])),
            weight=rounded(float(weights[n])),
        )
        for n in order
        if say[n] > 0
    )
