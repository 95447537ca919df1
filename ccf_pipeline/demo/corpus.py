"""The whole tree on disk: reports, tables, images and the ground truth."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccf_pipeline.demo.images import image_size, write_image
from ccf_pipeline.demo.studies import DemoStudy, generate_studies
from ccf_pipeline.demo.tables import TRUTH_FILE, open_tables

REPORTS_ZIP = "mimic-cxr-reports.zip"
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DemoCorpus:
    """The written corpus. `reports` is the zip file, or the folder of the text files."""

    folder: Path
    reports: Path
    truth: Path
    study_count: int
    patient_count: int
    image_count: int


def write_demo_corpus(
    folder: Path,
    *,
    studies: int = 100,
    seed: int = 7,
    as_zip: bool = False,
    images: bool = True,
    progress: Callable[[int], None] | None = None,
) -> DemoCorpus:
    """Write a MIMIC-CXR-shaped tree of invented studies; the same arguments give the same bytes.

    Args:
        progress: called after each study with how many are done.
    """
    folder.mkdir(parents=True, exist_ok=True)
    patient_count = image_count = 0
    last_patient = ""
    with open_tables(folder, seed) as tables, _open_reports(folder, as_zip) as write_report:
        for done, study in enumerate(generate_studies(studies, seed), 1):
            write_report(study)
            tables.add(study, {image.dicom_id: image_size(image) for image in study.images})
            patient_count += study.subject_id != last_patient
            last_patient = study.subject_id
            if images:
                image_count += _write_images(folder, study)
            if progress is not None:
                progress(done)
    return DemoCorpus(
        folder=folder,
        reports=folder / (REPORTS_ZIP if as_zip else "files"),
        truth=folder / TRUTH_FILE,
        study_count=studies,
        patient_count=patient_count,
        image_count=image_count,
    )


def _write_images(folder: Path, study: DemoStudy) -> int:
    if study.images:
        (folder / study.folder).mkdir(parents=True, exist_ok=True)
    for image in study.images:
        suffix = "dcm" if image.is_dicom else "jpg"
        write_image(folder / study.folder / f"{image.dicom_id}.{suffix}", study, image)
    return len(study.images)


@contextmanager
def _open_reports(folder: Path, as_zip: bool) -> Iterator[Callable[[DemoStudy], None]]:
    if not as_zip:
        (folder / "files").mkdir(exist_ok=True)
        yield lambda study: _write_text(folder / f"{study.folder}.txt", study.text)
        return
    part = folder / f"{REPORTS_ZIP}.part"
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        yield lambda study: archive.writestr(_make_zip_entry(f"{study.folder}.txt"), study.text)
    part.replace(folder / REPORTS_ZIP)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


def _make_zip_entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_ZIP_DATE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry
