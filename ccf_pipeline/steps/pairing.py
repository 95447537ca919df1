"""Perception pairs: the same text beside another patient's image, which shows something else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Direction, Noun, Polarity, Study

AGE_SPAN_YEARS = 40
WEIGHTS = {"findings": 0.6, "age": 0.25, "sex": 0.15}

States = Mapping[str, Polarity]


class ImageMatch(Noun):
    """The image chosen for a study, and how near its patient is, from 0 to 1."""

    study_id: str
    matched_study_id: str
    image_id: str
    target: str
    shows: Literal["has the target", "lacks the finding"]
    quality: float


def match_image(
    study: Study,
    states: States,
    target: str,
    direction: Direction,
    others: Iterable[tuple[Study, States]],
    *,
    seed: int,
) -> ImageMatch | None:
    """The nearest image of another patient that has the target or, for `remove`, lacks it.

    Same view and same split always, never the same patient. Equals are told apart by the seed, so that
    neither the order of the others nor how they are cut into shards matters.
    """
    wanted: Polarity = "absent" if direction == "remove" else "present"
    fitting = [
        (
            match_quality(study, states, other, found, target),
            _lot(seed, study.study_id, other.study_id),
            other,
        )
        for other, found in others
        if _may_stand_in(study, other) and _shows(found, target, wanted)
    ]
    if not fitting or study.image is None:
        return None
    quality, _, best = max(fitting, key=lambda entry: entry[:2])
    if best.image is None:
        return None
    return ImageMatch(
        study_id=study.study_id,
        matched_study_id=best.study_id,
        image_id=best.image.image_id,
        target=target,
        shows="lacks the finding" if direction == "remove" else "has the target",
        quality=quality,
    )


def match_quality(study: Study, states: States, other: Study, found: States, target: str) -> float:
    """How near two studies are in everything but the target: other findings, age and sex."""
    rest = [finding for finding in FINDING_LABELS if finding not in (target, NO_FINDING)]
    same = sum((states.get(f) == "present") == (found.get(f) == "present") for f in rest) / len(rest)
    nearness = {
        "findings": same,
        "age": _near_in_age(study.age, other.age),
        "sex": _same(study.sex, other.sex),
    }
    return round(sum(WEIGHTS[part] * share for part, share in nearness.items()), 4)


def _may_stand_in(study: Study, other: Study) -> bool:
    if study.image is None or other.image is None or other.subject_id == study.subject_id:
        return False
    known = study.image.view is not None and study.image.view == other.image.view
    return known and study.split == other.split and study.corpus == other.corpus


def _shows(found: States, target: str, wanted: Polarity) -> bool:
    """An image lacks what its report denies or does not name; doubt is neither."""
    state = found.get(target)
    return state == "present" if wanted == "present" else state in ("absent", None)


def _near_in_age(a: int | None, b: int | None) -> float:
    return 0.5 if a is None or b is None else max(0.0, 1 - abs(a - b) / AGE_SPAN_YEARS)


def _same(a: str | None, b: str | None) -> float:
    return 0.5 if a is None or b is None else float(a == b)


def _lot(seed: int, *names: str) -> bytes:
    return hashlib.sha256("\x1f".join((str(seed), *names)).encode()).digest()
