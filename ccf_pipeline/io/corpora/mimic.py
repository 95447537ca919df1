"""MIMIC-CXR as it lies on disk: report tree or archive, with the MIMIC-CXR-JPG tables that are there."""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast, get_args

from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.io.corpora.sections import canonical_report
from ccf_pipeline.records import FINDING_LABELS, FindingState, ImageRef, Polarity, Skipped, Split, Study

ARCHIVE = "mimic-cxr-reports.zip"
REPORT_PATH = re.compile(r"(?:^|/)p\d\d/p(\d{8})/s(\d{8})\.txt$")
CHEXPERT, METADATA, SPLIT = (f"mimic-cxr-2.0.0-{name}.csv.gz" for name in ("chexpert", "metadata", "split"))
CODES: dict[str, Polarity] = {"1": "present", "0": "absent", "-1": "uncertain"}
FINDING_OF_COLUMN = {label: finding for finding, label in FINDING_LABELS.items()}

# A posteroanterior film is the better frontal view: less magnified than an anteroposterior one.
FRONTAL_VIEWS = ("PA", "AP")


@dataclass
class Tables:
    """What the tables say, by study id. A table that is not there leaves its part empty."""

    labels: dict[str, tuple[FindingState, ...]] = field(default_factory=dict)
    splits: dict[str, Split] = field(default_factory=dict)
    images: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


def read_mimic(folder: Path, *, corpus: str = "mimic") -> Iterator[Study | Skipped]:
    """Every study of the corpus, in the order of its paths: usable, or skipped with the reason."""
    tables = read_tables(folder)
    found = 0
    for subject_id, study_id, raw in _reports(folder):
        found += 1
        yield _study(folder, corpus, tables, subject_id, study_id, raw)
    if not found:
        raise MissingInput(
            f"{folder}: no MIMIC-CXR reports here",
            hint=f"Expected {ARCHIVE}, or reports under files/p10/p10000032/s50414267.txt.",
        )


def read_tables(folder: Path) -> Tables:
    """The tables that are there, keyed by study."""
    tables = Tables()
    for row in _rows(folder / CHEXPERT):
        states = [
            FindingState(finding=finding, state=CODES[code])
            for column, finding in FINDING_OF_COLUMN.items()
            if (code := (row.get(column) or "").removesuffix(".0")) in CODES
        ]
        tables.labels[row["study_id"]] = tuple(states)
    for row in _rows(folder / SPLIT):
        if row["split"] in get_args(Split):
            tables.splits.setdefault(row["study_id"], cast(Split, row["split"]))
    for row in _rows(folder / METADATA):
        image = (row["dicom_id"], row.get("ViewPosition") or "")
        tables.images[row["study_id"]] = (*tables.images.get(row["study_id"], ()), image)
    return tables


def _study(
    folder: Path, corpus: str, tables: Tables, subject_id: str, study_id: str, raw: bytes
) -> Study | Skipped:
    report = canonical_report(_decode(raw))
    if report is None:
        return Skipped(
            study_id=study_id, reason="no_read", detail="no findings, impression or last paragraph"
        )
    if not report.sentences:
        return Skipped(study_id=study_id, reason="empty_report")
    labels = tables.labels.get(study_id)
    return Study(
        corpus=corpus,
        study_id=study_id,
        subject_id=subject_id,
        split=tables.splits.get(study_id, "train"),
        text=report.text,
        sentences=report.sentences,
        read_from=report.read_from,
        labels=labels or (),
        label_source="mimic-cxr-jpg chexpert" if labels else None,
        image=_frontal_image(folder, subject_id, study_id, tables.images.get(study_id, ())),
    )


def _frontal_image(
    folder: Path, subject_id: str, study_id: str, images: tuple[tuple[str, str], ...]
) -> ImageRef | None:
    """The first PA image that is on disk, or else the first AP one; JPEG before DICOM."""
    for view in FRONTAL_VIEWS:
        for image_id in sorted(image_id for image_id, position in images if position == view):
            for suffix in (".jpg", ".dcm"):
                path = f"files/p{subject_id[:2]}/p{subject_id}/s{study_id}/{image_id}{suffix}"
                if (folder / path).is_file():
                    return ImageRef(image_id=image_id, path=path, view=view)
    return None


def _reports(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    archive = folder / ARCHIVE
    if archive.is_file():
        yield from _reports_in(archive)
        return
    for path in sorted((folder / "files").glob("p*/p*/s*.txt")):
        if match := REPORT_PATH.search(path.as_posix()):
            try:
                yield match.group(1), match.group(2), path.read_bytes()
            except OSError as error:
                raise UnreadableInput(f"{path}: cannot be read ({error.strerror})") from error


def _reports_in(archive: Path) -> Iterator[tuple[str, str, bytes]]:
    try:
        with zipfile.ZipFile(archive) as reports:
            for name in sorted(reports.namelist()):
                if match := REPORT_PATH.search(name):
                    yield match.group(1), match.group(2), reports.read(name)
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableInput(f"{archive}: cannot be read ({error})") from error


def _rows(path: Path) -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error})") from error


def _decode(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
