"""The tables that stand beside the reports and images, with the column names of MIMIC-CXR-JPG 2.0.0."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from ccf_pipeline.demo.patients import DemoImage, digest
from ccf_pipeline.demo.studies import DemoStudy
from ccf_pipeline.records import FINDING_LABELS

_LABEL_COLUMNS = tuple(FINDING_LABELS.values())
COLUMNS: dict[str, tuple[str, ...]] = {
    "cxr-record-list.csv.gz": ("subject_id", "study_id", "dicom_id", "path"),
    "cxr-study-list.csv.gz": ("subject_id", "study_id", "path"),
    "mimic-cxr-2.0.0-chexpert.csv.gz": ("subject_id", "study_id", *_LABEL_COLUMNS),
    "mimic-cxr-2.0.0-negbio.csv.gz": ("subject_id", "study_id", *_LABEL_COLUMNS),
    "mimic-cxr-2.0.0-metadata.csv.gz": (
        "dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows",
        "Columns", "StudyDate", "StudyTime", "ProcedureCodeSequence_CodeMeaning",
        "ViewCodeSequence_CodeMeaning", "PatientOrientationCodeSequence_CodeMeaning",
    ),
    "mimic-cxr-2.0.0-split.csv.gz": ("dicom_id", "study_id", "subject_id", "split"),
}  # fmt: skip
TRUTH_FILE = "truth.jsonl.gz"
VIEW_CODES = {
    "AP": "antero-posterior",
    "PA": "postero-anterior",
    "LATERAL": "lateral",
    "LL": "left lateral",
}
_PROCEDURES = {"AP": "CHEST (PORTABLE AP)", "PA": "CHEST (PA AND LAT)"}


class TableWriter:
    """Appends the rows of one study after the other."""

    def __init__(self, streams: Mapping[str, io.TextIOWrapper], seed: int) -> None:
        # The writers of `csv` have no public type.
        self._tables: dict[str, Any] = {
            name: csv.writer(streams[name], lineterminator="\n") for name in COLUMNS
        }
        self._truth = streams[TRUTH_FILE]
        self._seed = seed
        for name, columns in COLUMNS.items():
            self._tables[name].writerow(columns)

    def add(self, study: DemoStudy, image_size: Mapping[str, tuple[int, int]]) -> None:
        """Write one study's rows; `image_size` gives rows and columns by dicom id."""
        who = (study.subject_id, study.study_id)
        tables = self._tables
        tables["cxr-study-list.csv.gz"].writerow((*who, f"{study.folder}.txt"))
        tables["mimic-cxr-2.0.0-chexpert.csv.gz"].writerow((*who, *_encode_labels(study.labels)))
        negbio = _read_as_negbio(study, self._seed)
        tables["mimic-cxr-2.0.0-negbio.csv.gz"].writerow((*who, *_encode_labels(negbio)))
        for image in study.images:
            path = f"{study.folder}/{image.dicom_id}.dcm"
            tables["cxr-record-list.csv.gz"].writerow((*who, image.dicom_id, path))
            tables["mimic-cxr-2.0.0-split.csv.gz"].writerow(
                (image.dicom_id, study.study_id, study.subject_id, study.split)
            )
            row = _make_metadata_row(study, image, image_size[image.dicom_id])
            tables["mimic-cxr-2.0.0-metadata.csv.gz"].writerow(row)
        self._truth.write(json.dumps(_make_truth_row(study), separators=(",", ":")) + "\n")


@contextmanager
def open_tables(folder: Path, seed: int) -> Iterator[TableWriter]:
    """Tables that appear under their names only when all studies were written."""
    names = (*COLUMNS, TRUTH_FILE)
    with ExitStack() as stack:
        streams = {name: stack.enter_context(_open_gzip(folder / f"{name}.part")) for name in names}
        yield TableWriter(streams, seed)
    for name in names:
        (folder / f"{name}.part").replace(folder / name)


@contextmanager
def _open_gzip(path: Path) -> Iterator[io.TextIOWrapper]:
    """A compressed text file without name or time in its header, so that equal content is equal bytes."""
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
        io.TextIOWrapper(cast(BinaryIO, packed), encoding="utf-8", newline="") as text,
    ):
        yield text


def _encode_labels(labels: Mapping[str, float]) -> list[str]:
    return [str(labels[label]) if label in labels else "" for label in _LABEL_COLUMNS]


def _read_as_negbio(study: DemoStudy, seed: int) -> dict[str, float]:
    """The second labeler agrees but for some doubts, which it takes for findings or overlooks."""
    labels = dict(study.labels)
    for label in FINDING_LABELS.values():
        if labels.get(label) == -1.0:
            chance = digest(seed, "negbio", study.number, label)[0]
            if chance < 16:
                labels[label] = 1.0
            elif chance < 24:
                del labels[label]
    return labels


def _make_metadata_row(study: DemoStudy, image: DemoImage, size: tuple[int, int]) -> tuple[object, ...]:
    procedure = _PROCEDURES[study.view]
    view = image.view if image.view_is_recorded else ""
    return (
        image.dicom_id,
        study.subject_id,
        study.study_id,
        procedure,
        view,
        *size,
        study.date,
        study.time,
        procedure,
        VIEW_CODES[image.view] if view else "",
        "Recumbent" if study.case.visit.is_supine else "Erect",
    )


def _make_truth_row(study: DemoStudy) -> dict[str, object]:
    return {
        "study_id": study.study_id,
        "subject_id": study.subject_id,
        "split": study.split,
        "age": study.age,
        "sex": study.sex,
        "view": study.view,
        "sections": study.sections,
        "read_from": study.read_from,
        "labels": dict(study.labels),
        "truth": [statement._asdict() for statement in study.truth],
    }
