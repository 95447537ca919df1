"""The images of a study's rows: each read once, each the very bytes the record was bound to, or none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.errors import UnreadableInput
from ccf_pipeline.records import Record
from ccf_pipeline.settings import ImagesAs

ImageCell = dict[str, Any]


@dataclass(frozen=True)
class LeftOut:
    """A row that a config has to do without, and why."""

    reason: str


@dataclass
class StudyImages:
    """The images of a study's records, as cells of an image column.

    A pair whose image has gone or changed is left out: it must never be trained on another study's image.
    """

    root: Path
    kind: ImagesAs
    _read: dict[str, ImageCell | LeftOut] = field(default_factory=dict)

    @cached_property
    def by_path(self) -> StudyImages:
        """The same images, named by path for readers that open them themselves."""
        return StudyImages(self.root, "paths")

    def own(self, record: Record) -> ImageCell | LeftOut:
        """The image the report was written about."""
        if record.image_path is None or record.image_id is None:
            return LeftOut("no frontal image")
        return self._make_cell(record.image_id, record.image_path, record.image_sha256, is_bound=True)

    def matched(self, record: Record) -> ImageCell | LeftOut:
        """The other patient's image that a perception pair sets beside the text."""
        other = record.matched_image
        if other is None:
            return LeftOut("no matched image")
        if other.study_id == record.study_id:
            return LeftOut("matched image is the study's own")
        return self._make_cell(other.image_id, other.path, other.sha256, is_bound=False)

    def _make_cell(
        self, image_id: str, path: str, sha256: str | None, *, is_bound: bool
    ) -> ImageCell | LeftOut:
        if path not in self._read:
            self._read[path] = self._make_fresh_cell(image_id, path, sha256, is_bound or sha256 is not None)
        return self._read[path]

    def _make_fresh_cell(
        self, image_id: str, path: str, sha256: str | None, is_bound: bool
    ) -> ImageCell | LeftOut:
        source = self.root / path
        is_dicom = source.suffix.lower() == ".dcm"
        try:
            content = source.read_bytes()
            if is_bound and hashlib.sha256(content).hexdigest() != sha256:
                return LeftOut("image changed since it was bound")
            if self.kind == "paths":
                return LeftOut("image is DICOM") if is_dicom else {"bytes": None, "path": path}
            named = f"{image_id}{'.jpg' if is_dicom else source.suffix.lower()}"
            return {"bytes": training_image(source) if is_dicom else content, "path": named}
        except (OSError, UnreadableInput):
            return LeftOut("image cannot be read")
