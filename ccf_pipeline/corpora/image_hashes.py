"""Images bound to their texts by the hash of their bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from ccf_pipeline.files.disk import file_digest
from ccf_pipeline.records import ImageRef, MatchedImage, PlannedStudy

AnyImage = TypeVar("AnyImage", ImageRef, MatchedImage)


def with_bound_images(planned: PlannedStudy, root: Path) -> PlannedStudy:
    """Bind the images' bytes to the text by their hash; one that has gone or changed is no image."""
    study = planned.study
    if study.image is not None:
        study = study.model_copy(update={"image": _bind_image(study.image, root)})
    plans = tuple(
        plan.model_copy(update={"matched_image": _bind_image(plan.matched_image, root)})
        if plan.matched_image is not None and study.image is not None
        else plan.model_copy(update={"matched_image": None})
        for plan in planned.plans
    )
    return PlannedStudy(study=study, plans=plans)


def _bind_image(image: AnyImage, root: Path) -> AnyImage | None:
    try:
        digest = file_digest(root / image.path)
    except OSError:
        return None
    return image.model_copy(update={"sha256": digest}) if image.sha256 in (None, digest) else None
