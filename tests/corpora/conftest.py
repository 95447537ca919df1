"""A small MIMIC-CXR tree that a test can spoil."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.corpora.packed_files import Survey
from ccf_pipeline.records import FINDING_LABELS, Skipped, Study
from ccf_pipeline.settings import CorpusSettings

READ = " FINDINGS:  The lungs are clear.\n \n IMPRESSION:  No pneumothorax.\n"
DICOM = "02aa804e-bde0afdd-112c0b34-7bc16630-4e38401{}"


def write_csv(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """A table, packed where its name ends in .gz."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


class Tree:
    """Writes the parts of a MIMIC-CXR folder that a test needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def report(self, subject: int, study: int, text: str | bytes = READ) -> Path:
        path = self.folder / f"files/p{str(subject)[:2]}/p{subject}/s{study}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def archive(self, reports: dict[str, str | bytes]) -> Path:
        path = self.folder / "mimic-cxr-reports.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in reports.items():
                archive.writestr(name, text)
        return path

    def table(self, name: str, rows: Iterable[Sequence[object]]) -> Path:
        return write_csv(self.folder / name, rows)

    def labels(self, name: str, *rows: tuple[int, int, dict[str, str]]) -> Path:
        head = ("subject_id", "study_id", *FINDING_LABELS.values())
        body = [
            (subject, study, *(codes.get(label, "") for label in FINDING_LABELS.values()))
            for subject, study, codes in rows
        ]
        return self.table(f"mimic-cxr-2.0.0-{name}.csv.gz", [head, *body])

    def metadata(self, *rows: tuple[str, int, int, str]) -> Path:
        head = ("dicom_id", "subject_id", "study_id", "ViewPosition")
        return self.table("mimic-cxr-2.0.0-metadata.csv.gz", [head, *rows])

    def split(self, *rows: tuple[int, int, str]) -> Path:
        body = [("x", study, subject, split) for subject, study, split in rows]
        head = ("dicom_id", "study_id", "subject_id", "split")
        return self.table("mimic-cxr-2.0.0-split.csv.gz", [head, *body])

    def image(self, subject: int, study: int, name: str, content: bytes = b"jpeg") -> Path:
        path = self.folder / f"files/p{str(subject)[:2]}/p{subject}/s{study}/{name}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    folder = tmp_path / "mimic"
    folder.mkdir()
    return Tree(folder)


Outcome = tuple[dict[str, Study], Counter[str], Survey]


@pytest.fixture
def read() -> Callable[..., Outcome]:
    """Studies by id, how many were skipped by reason, and what was noticed on the way."""

    def read_all(path: Path, kind: str = "mimic", **settings: object) -> Outcome:
        survey = Survey()
        chosen = CorpusSettings.model_validate({"kind": kind, "path": path, **settings})
        found = list(read_corpus(chosen, survey))
        studies = {entry.study_id: entry for entry in found if isinstance(entry, Study)}
        skipped = Counter(entry.reason for entry in found if isinstance(entry, Skipped))
        assert len(studies) + skipped.total() == len(found)
        return studies, skipped, survey

    return read_all
