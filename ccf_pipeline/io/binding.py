"""An image bound to its text by the hash of its bytes."""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.io.disk import file_digest
from ccf_pipeline.records import ImageRef, PlannedStudy


def with_bound_image(planned: PlannedStudy, root: Path) -> PlannedStudy:
    """Bind the image's bytes to the text by their hash; one that has gone or changed is no image."""
    image = planned.study.image
    if image is None:
        return planned
    try:
        digest = file_digest(root / image.path)
    except OSError:
        digest = None
    is_its_own = digest is not None and image.sha256 in (None, digest)
    bound: ImageRef | None = image.model_copy(update={"sha256": digest}) if is_its_own else None
    return planned.model_copy(update={"study": planned.study.model_copy(update={"image": bound})})
