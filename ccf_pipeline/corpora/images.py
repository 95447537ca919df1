"""The image a row is trained on: a JPEG as it is, or a DICOM by a recipe; and a whole corpus of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ccf_pipeline.corpora import images_root, read_corpus
from ccf_pipeline.corpora.dicom import Grey, ImageRefused, Recipe, read_grey_levels
from ccf_pipeline.corpora.ingest import make_private
from ccf_pipeline.errors import BuildConflict, StorageError, UnreadableInput
from ccf_pipeline.files.arrow import write_nouns
from ccf_pipeline.files.child_process import Refusal, run_isolated
from ccf_pipeline.files.disk import disk_error, file_digest, write_text
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.records import ImagesSummary, ReasonCount, Skipped, TrainingImage
from ccf_pipeline.settings import CorpusSettings

JPEG_QUALITY = 95
MEMORY_BYTES = 3 << 30
TIMEOUT_SECONDS = 20.0
MOST_JPEG_PIXELS = 64_000_000


def training_image(path: Path) -> bytes:
    """JPEG bytes of an image file; a JPEG's own bytes are not touched."""
    try:
        if path.suffix.lower() != ".dcm":
            return path.read_bytes()
        return jpeg(read_grey_levels(path))
    except (OSError, ImageRefused) as error:
        raise UnreadableInput(f"{path}: not an image that can be read ({error})") from error


def jpeg(levels: Grey) -> bytes:
    """Grey levels as JPEG: nothing of a DICOM header goes with them."""
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()


# --- a whole corpus ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageJob:
    """One image to make, from `source` to `target`."""

    study_id: str
    image_id: str
    source: Path
    target: Path
    path: str


def convert_images(
    settings: CorpusSettings,
    out: Path,
    *,
    recipe: Recipe = "mimic-jpg",
    resize: int | None = None,
    workers: int = 2,
    timeout_seconds: float = TIMEOUT_SECONDS,
    memory_bytes: int = MEMORY_BYTES,
    progress: Callable[[int], None] | None = None,
) -> ImagesSummary:
    """Make the training image of every study below `out`, at the path where `corpus.images` looks for it.

    Writes images.parquet, which binds each study to its bytes by their hash, and quarantine.parquet.
    """
    _refuse_other_recipe(out, recipe, resize)
    without: Counter[str] = Counter()
    studies = 0

    def jobs() -> Iterator[ImageJob]:
        nonlocal studies
        root = images_root(settings)
        for found in read_corpus(settings):
            studies += 1
            if isinstance(found, Skipped):
                without[f"study skipped: {found.reason}"] += 1
            elif found.image is None:
                without[found.image_missing or "unknown"] += 1
            else:
                path = _name_target(found.image.path, resize)
                yield ImageJob(
                    found.study_id, found.image.image_id, root / found.image.path, out / path, path
                )

    made: list[tuple[int, TrainingImage]] = []
    refused: list[tuple[int, Skipped]] = []
    work = partial(make_image, recipe=recipe, resize=resize)
    outcomes = run_isolated(
        work, jobs(), workers=workers, timeout_seconds=timeout_seconds, memory_bytes=memory_bytes
    )
    for done, (number, job, outcome) in enumerate(outcomes, 1):
        if isinstance(outcome, Refusal):
            detail = f"{job.image_id}: {outcome.detail}" if outcome.detail else job.image_id
            refused.append((number, Skipped(study_id=job.study_id, reason=outcome.reason, detail=detail)))
            job.target.unlink(missing_ok=True)
        else:
            made.append((number, outcome))
        if progress is not None:
            progress(done)
    write_nouns(out / "images.parquet", (image for _, image in sorted(made, key=_get_number)), TrainingImage)
    quarantine = [entry for _, entry in sorted(refused, key=_get_number)]
    write_nouns(out / "quarantine.parquet", quarantine, Skipped)
    if studies != len(made) + len(refused) + without.total():
        raise StorageError(f"{out}: {studies} studies were read, not all of them are accounted for")
    return ImagesSummary(
        studies=studies,
        converted=sum(1 for _, image in made if image.recipe != "as it was"),
        as_they_were=sum(1 for _, image in made if image.recipe == "as it was"),
        refused=_sort_reasons(Counter(entry.reason for entry in quarantine)),
        without_image=_sort_reasons(without),
    )


def make_image(job: ImageJob, *, recipe: Recipe, resize: int | None) -> TrainingImage:
    """Write one training image; runs in a process of its own."""
    is_dicom = job.source.suffix.lower() == ".dcm"
    try:
        source_digest = file_digest(job.source)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        temporary = job.target.with_name(f".{job.target.name}.tmp")
        if is_dicom:
            content = jpeg(resized(Image.fromarray(read_grey_levels(job.source, recipe)), resize))
            temporary.write_bytes(content)
        elif resize is not None:
            temporary.write_bytes(jpeg(resized(_open_image(job.source).convert("L"), resize)))
        else:
            _open_image(job.source)
            temporary.unlink(missing_ok=True)
            _link_or_copy(job.source, temporary)
        temporary.replace(job.target)
        width, height = _open_image(job.target).size
    except OSError as error:
        raise ImageRefused("unreadable_image", error.strerror or error.__class__.__name__) from error
    return TrainingImage(
        study_id=job.study_id,
        image_id=job.image_id,
        path=job.path,
        sha256=file_digest(job.target),
        source_sha256=source_digest,
        recipe=recipe if is_dicom else "as it was" if resize is None else "resized",
        width=width,
        height=height,
    )


def resized(image: Image.Image, shorter_side: int | None) -> Grey:
    """Made smaller until the shorter side has so many pixels; never larger."""
    width, height = image.size
    if shorter_side is not None and min(width, height) > shorter_side:
        scale = shorter_side / min(width, height)
        size = (round(width * scale), round(height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image, dtype=np.uint8)


def _open_image(path: Path) -> Image.Image:
    """A JPEG or PNG whose header is sane; its pixels are not decoded yet."""
    try:
        open_file(path).close()  # a pipe would be waited for
        image = Image.open(path, formats=("JPEG", "PNG"))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise ImageRefused("not_an_image", error.__class__.__name__) from error
    if image.width * image.height > MOST_JPEG_PIXELS:
        raise ImageRefused("too_large", f"{image.height} × {image.width} pixels")
    return image


def _link_or_copy(source: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        os.link(source.resolve(), target)
        return
    shutil.copyfile(source, target)


def _name_target(path: str, resize: int | None) -> str:
    stem, dot, suffix = path.rpartition(".")
    return path if (suffix.lower() != "dcm" and resize is None) or not dot else f"{stem}.jpg"


def _refuse_other_recipe(out: Path, recipe: Recipe, resize: int | None) -> None:
    """A folder holds the images of one recipe and size; only its owner enters it."""
    make_private(out)
    file = out / "images.json"
    chosen = json.dumps({"recipe": recipe, "resize": resize}) + "\n"
    try:
        begun = file.read_text(encoding="utf-8") if file.is_file() else None
    except OSError as error:
        raise disk_error(file, error) from error
    if begun is not None and begun != chosen:
        raise BuildConflict(f"{out}: holds images made with {begun.strip()}", hint="Choose another --out.")
    write_text(file, chosen)


def _get_number(entry: tuple[int, object]) -> int:
    return entry[0]


def _sort_reasons(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)
