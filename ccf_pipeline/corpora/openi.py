"""Open-i, the Indiana University collection: NLM's XML reports (folder or archive), or its common CSV re-cut.

Both give the same ids and text. `XXXX`, which the source put where names stood, is kept as it is.
The collection has no split and no patient ids: every report counts as a patient of its own.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from ccf_pipeline.corpora.decode import LONGEST_REPORT
from ccf_pipeline.corpora.ids import exact_id
from ccf_pipeline.corpora.mimic import is_below
from ccf_pipeline.corpora.packed_files import Survey, open_bytes, read_table
from ccf_pipeline.corpora.studies import Found, make_study
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.records import ImageRef, Skipped, Study

CORPUS = "openi"
REPORTS, PROJECTIONS = "indiana_reports*.csv*", "indiana_projections*.csv*"
ARCHIVES = ("*.tgz", "*.tar.gz", "*.tar")
IMAGE_FOLDERS = ("", "images", "images/images_normalized", "images_normalized", "NLMCXR_png", "NLMCXR_dcm")
_NUMBER = re.compile(r"\d+")


def read_openi(path: Path, survey: Survey, *, images: Path | None = None) -> Iterator[Study | Skipped]:
    """Every report, from whichever form is there; the XML before the CSV."""
    root = path if path.is_dir() else path.parent
    frontal = _read_frontal_images(root, survey)
    for found in _iter_studies(path, root, survey):
        if isinstance(found, Skipped):
            yield found
        else:
            image, missing = _find_image(images or root, frontal, found.study_id)
            yield make_study(CORPUS, _add_image(found, image, missing))


def _add_image(found: Found, image: ImageRef | None, missing: str | None) -> Found:
    return Found(
        study_id=found.study_id,
        subject_id=found.subject_id,
        findings=found.findings,
        impression=found.impression,
        image=image,
        image_missing=missing,
    )


def _iter_studies(path: Path, root: Path, survey: Survey) -> Iterator[Found | Skipped]:
    if path.is_file():
        if path.name.endswith((".csv", ".csv.gz")):
            return _read_csv(path, survey)
        return _read_archive(path, survey)
    folders = [root, root / "ecgen-radiology"]
    files = [file for folder in folders if folder.is_dir() for file in folder.glob("*.xml")]
    if files:
        return (_read_file(file) for file in sorted(files, key=_get_sort_key))
    archives = [archive for pattern in ARCHIVES for archive in sorted(root.glob(pattern))]
    if archives:
        return _read_archive(archives[0], survey)
    tables = sorted(root.glob(REPORTS))
    if tables:
        return _read_csv(tables[0], survey)
    raise MissingInput(
        f"{path}: no Open-i reports here",
        hint="Expected ecgen-radiology/1.xml, NLMCXR_reports.tgz, or indiana_reports.csv.",
    )


def _get_sort_key(path: Path) -> tuple[int, str]:
    match = _NUMBER.search(path.stem)
    return int(match.group()) if match else 0, path.name


def _read_file(path: Path) -> Found | Skipped:
    if path.is_symlink() and not path.resolve().is_relative_to(path.parent.resolve()):
        return Skipped(study_id=path.stem, reason="leaves_the_corpus", detail="a link leads out of it")
    try:
        with open_file(path) as file:
            return read_xml(file.read(LONGEST_REPORT + 1), path.stem)
    except OSError as error:
        return Skipped(study_id=path.stem, reason="unreadable_report", detail=error.strerror or "")


def _read_archive(archive: Path, survey: Survey) -> Iterator[Found | Skipped]:
    """Read a tar archive from front to back; nothing is unpacked to disk."""
    try:
        with open_bytes(archive, survey) as file, tarfile.open(fileobj=file, mode="r|") as members:
            for member in members:
                name = Path(member.name).stem[:40]
                if not member.name.endswith(".xml"):
                    continue
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    detail = "its name leads out of the archive"
                    yield Skipped(study_id=name, reason="unsafe_path", detail=detail)
                elif not member.isreg():
                    yield Skipped(study_id=name, reason="leaves_the_corpus", detail="a link in an archive")
                elif inner := members.extractfile(member):
                    yield read_xml(inner.read(LONGEST_REPORT + 1), name)
    except (tarfile.TarError, OSError, EOFError) as error:
        survey.damaged(f"{archive}: is not an archive that can be read to its end ({error})")


def read_xml(raw: bytes, name: str) -> Found | Skipped:
    """One report. A document type is refused: it has no business here, and entities can be made to burst."""
    if len(raw) > LONGEST_REPORT:
        return Skipped(study_id=name, reason="too_large", detail=f"over {LONGEST_REPORT} bytes")
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw or b"\0" in raw:
        return Skipped(study_id=name, reason="unsafe_xml", detail="it declares entities or is not plain text")
    try:
        tree = ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError) as error:
        return Skipped(study_id=name, reason="unreadable_report", detail=error.__class__.__name__)
    uid = tree.find("uId")
    study_id = (uid.get("id") if uid is not None else None) or f"CXR{name}"
    texts = {
        (part.get("Label") or "").upper(): "".join(part.itertext()) for part in tree.iter("AbstractText")
    }
    return Found(
        study_id=study_id,
        subject_id=study_id,
        findings=texts.get("FINDINGS", ""),
        impression=texts.get("IMPRESSION", ""),
    )


def _read_csv(path: Path, survey: Survey) -> Iterator[Found | Skipped]:
    for uid, findings, impression in read_table(path, survey, ["uid", "findings", "impression"]):
        study_id = study_of(uid, path)
        yield Found(study_id=study_id, subject_id=study_id, findings=findings, impression=impression)


def study_of(uid: str, path: Path) -> str:
    """The re-cut's `1` is NLM's `CXR1`."""
    return f"CXR{exact_id(uid, where=str(path)).removeprefix('CXR')}"


def _read_frontal_images(root: Path, survey: Survey) -> dict[str, list[str]] | None:
    """Frontal file names by study, from the re-cut's table of projections; None where it is not there."""
    tables = sorted(root.glob(PROJECTIONS))
    if not tables:
        return None
    frontal: dict[str, list[str]] = {}
    count = 0
    for uid, name, projection in read_table(tables[0], survey, ["uid", "filename", "projection"]):
        count += 1
        images = frontal.setdefault(study_of(uid, tables[0]), [])
        if projection.strip().lower() == "frontal":
            images.append(name)
    survey.images_listed = count
    return frontal


def _find_image(
    root: Path, frontal: dict[str, list[str]] | None, study_id: str
) -> tuple[ImageRef | None, str | None]:
    if frontal is None:
        return None, "no_image_table"
    if study_id not in frontal:
        return None, "no_image_listed"
    for name in sorted(frontal[study_id]):
        for folder in IMAGE_FOLDERS:
            path = f"{folder}/{name}".lstrip("/")
            if is_below(root, path):
                return ImageRef(image_id=name, path=path, view="frontal"), None
    return None, "image_not_on_disk" if frontal[study_id] else "no_frontal_view"
