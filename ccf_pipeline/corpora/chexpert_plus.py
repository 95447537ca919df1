"""CheXpert Plus: one table with a row for each image; a study is all rows of one study folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.corpora.mimic import is_below
from ccf_pipeline.corpora.packed_files import Survey, read_table
from ccf_pipeline.corpora.studies import Found, make_study
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import ImageRef, Skipped, Study

CORPUS = "chexpert_plus"
TABLE = "df_chexpert_plus*.csv*"
REQUIRED = ["path_to_image", "section_findings", "section_impression"]
OPTIONAL = [
    "report", "deid_patient_id", "frontal_lateral", "ap_pa", "split", "age", "sex", "section_summary",
]  # fmt: skip
FRONTAL_ORDER = ("PA", "AP", "frontal")
SUFFIXES = (".jpg", ".png", ".dcm")
_STUDY = re.compile(r"(patient\d+)/(study\d+)/")


def read_chexpert_plus(
    path: Path, survey: Survey, *, images: Path | None = None
) -> Iterator[Study | Skipped]:
    """Every study in the order of its first row. Rows of one study stand together in the table."""
    table = path if path.is_file() else next(iter(sorted(path.glob(TABLE))), None)
    if table is None:
        raise MissingInput(f"{path}: no CheXpert Plus reports here", hint=f"Expected {TABLE}.")
    root = images or table.parent
    survey.images_listed = 0
    together: list[list[str]] = []
    for row in read_table(table, survey, REQUIRED, OPTIONAL):
        survey.images_listed += 1
        if together and _read_study_id(row) != _read_study_id(together[0]):
            yield _make_study(root, together)
            together = []
        together.append(row)
    if together:
        yield _make_study(root, together)


def _read_study_id(row: list[str]) -> str:
    match = _STUDY.search(row[0])
    return f"{match.group(1)}_{match.group(2)}" if match else row[0].rpartition("/")[0]


def _make_study(root: Path, rows: list[list[str]]) -> Study | Skipped:
    study_id = _read_study_id(rows[0])
    if not study_id or ".." in study_id:
        return Skipped(study_id=study_id[:40] or "?", reason="bad_id", detail="its path names no study")
    _, findings, impression, report, patient, _, _, split, age, sex, summary = rows[0]
    image, missing = _find_frontal_image(root, rows)
    found = Found(
        study_id=study_id,
        subject_id=study_id.partition("_")[0] if _STUDY.search(rows[0][0]) else patient or study_id,
        report=report or summary,
        findings=findings,
        impression=impression,
        split=split,
        image=image,
        image_missing=missing,
        age=age,
        sex=sex,
    )
    return make_study(CORPUS, found)


def _find_frontal_image(root: Path, rows: list[list[str]]) -> tuple[ImageRef | None, str | None]:
    """PA before AP, then by path; the table says .jpg where people also keep .png or .dcm."""
    frontal = sorted((FRONTAL_ORDER.index(view), row[0]) for row in rows if (view := _read_view(row)))
    for order, listed in frontal:
        stem = listed.rpartition(".")[0]
        for suffix in SUFFIXES:
            for prefix in ("", "PNG/", "DICOM/"):
                if is_below(root, path := f"{prefix}{stem}{suffix}"):
                    return ImageRef(image_id=stem, path=path, view=FRONTAL_ORDER[order]), None
    return None, "image_not_on_disk" if frontal else "no_frontal_view"


def _read_view(row: list[str]) -> str | None:
    if row[5].strip().lower() != "frontal":
        return None
    return row[6].strip().upper() if row[6].strip().upper() in ("PA", "AP") else "frontal"
