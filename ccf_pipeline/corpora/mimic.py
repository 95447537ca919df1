"""Read MIMIC-CXR: report tree or archive, with the tables and images of MIMIC-CXR-JPG that are there."""

from __future__ import annotations

import os
import re
import shlex
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.corpora.decode import LONGEST_REPORT
from ccf_pipeline.corpora.mimic_layout import ARCHIVE, find_layout, find_reports_below
from ccf_pipeline.corpora.mimic_tables import FRONTAL_VIEWS, MimicTables, read_tables
from ccf_pipeline.corpora.packed_files import Survey
from ccf_pipeline.corpora.studies import Found, make_study
from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.records import ImageRef, Skipped, Study

REPORT_PATH = re.compile(r"(?:^|/)p\d\d/p(\d{8})/s(\d{8})\.txt\Z")
NO_LABELLED_TEST_SET = "tables of MIMIC-CXR-JPG 2.0.0: the labelled test set of 2.1.0 is not here"
_TEXT_NAME = re.compile(r"s?([^/\\]*)\.txt\Z")


def read_mimic(
    path: Path,
    survey: Survey,
    *,
    corpus: str = "mimic",
    images: Path | None = None,
    tables_folder: Path | None = None,
) -> Iterator[Study | Skipped]:
    """Every study of the corpus, in the order of its paths: usable, or skipped with the reason.

    Studies that only the tables know come last, as skipped for having no report.
    """
    layout = find_layout(path, tables=tables_folder, images=images)
    root = path if path.is_dir() else path.parent
    tables = read_tables(layout.tables, survey)
    if corpus == "mimic" and "chexpert" in tables.found and "test-set-labeled" not in tables.found:
        survey.remarks.append(NO_LABELLED_TEST_SET)
    picker = ImagePicker(layout.image_root, list(layout.image_folders), tables)
    if layout.archive is not None:
        reports = reports_in_archive(layout.archive)
    else:
        reports = reports_in_trees(list(layout.report_folders), root)
    seen: set[int] = set()
    for found in reports:
        if isinstance(found, Skipped):
            if found.study_id.isdigit():
                seen.add(int(found.study_id))
            yield found
            continue
        subject_id, study_id, raw = found
        seen.add(int(study_id))
        yield _make_study(corpus, tables, picker, subject_id, study_id, raw)
    if not seen:
        raise _make_no_reports_error(path, tables)
    for study in sorted(tables.named - seen):
        yield Skipped(study_id=str(study), reason="no_report", detail="named by a table, but has no text")


def _make_study(
    corpus: str, tables: MimicTables, picker: ImagePicker, subject_id: str, study_id: str, raw: bytes
) -> Study | Skipped:
    number = int(study_id)
    labels, source = tables.label_states(number)
    image, image_missing = picker.frontal_image(subject_id, study_id)
    age, sex = tables.age_and_sex(number, subject_id)
    found = Found(
        study_id=study_id,
        subject_id=subject_id,
        report=raw,
        split=tables.split_of(number, subject_id),
        labels=labels,
        label_source=source,
        image=image,
        image_missing=image_missing,
        age=age,
        sex=sex,
    )
    return make_study(corpus, found)


class ImagePicker:
    """Chooses the one image of a study.

    A posteroanterior film is the better frontal view: less magnified than an anteroposterior one.
    Among several of one view the first name in order counts; a JPEG is taken before a DICOM.
    """

    def __init__(self, root: Path, trees: list[Path], tables: MimicTables) -> None:
        self._root = root
        self._tables = tables
        self._prefixes = [
            (tree / "files" if (tree / "files").is_dir() else tree).relative_to(root).as_posix() + "/"
            for tree in trees
        ]

    def frontal_image(self, subject_id: str, study_id: str) -> tuple[ImageRef | None, str | None]:
        """The image, or why there is none."""
        if "metadata" not in self._tables.found:
            return None, "no_image_table"
        listed = self._tables.images.get(int(study_id), "").split()
        if not listed:
            return None, "no_image_listed"
        frontal = [entry for entry in listed if "/" in entry]
        if not frontal:
            return None, "view_not_recorded" if "?" in listed else "no_frontal_view"
        for view in FRONTAL_VIEWS:
            for image_id in sorted(entry[3:] for entry in frontal if entry[:2] == view):
                for suffix in (".jpg", ".dcm"):
                    for prefix in self._prefixes:
                        path = f"{prefix}p{subject_id[:2]}/p{subject_id}/s{study_id}/{image_id}{suffix}"
                        path = path.removeprefix("./")
                        if is_below(self._root, path):
                            return ImageRef(image_id=image_id, path=path, view=view), None
        return None, "image_not_on_disk"


def is_below(root: Path, path: str) -> bool:
    """True if a relative path names a file that lies under the root, without going up on the way."""
    if path.startswith("/") or ".." in path.split("/"):
        return False
    return (root / path).is_file()


Report = tuple[str, str, bytes]


def reports_in_trees(trees: list[Path], root: Path) -> Iterator[Report | Skipped]:
    """The reports of the first tree that holds any. A link may stay inside the corpus, not lead out of it."""
    for tree in trees:
        found = False
        for path in _iter_text_files(tree):
            if match := REPORT_PATH.search(path.as_posix()):
                found = True
                yield _report_file(path, match.group(1), match.group(2), root)
        if found:
            return


def _iter_text_files(tree: Path) -> Iterator[Path]:
    for group in _list_sorted(tree, r"p\d\d"):
        for patient in _list_sorted(group, r"p\d{8}"):
            yield from _list_sorted(patient, r"s\d{8}\.txt")


def _list_sorted(folder: Path, pattern: str) -> list[Path]:
    try:
        names = sorted(name for name in os.listdir(folder) if re.fullmatch(pattern, name))  # noqa: PTH208
    except NotADirectoryError:
        return []
    except OSError as error:
        raise UnreadableInput(f"{folder}: cannot be read ({error.strerror})") from error
    return [folder / name for name in names]


def _report_file(path: Path, subject_id: str, study_id: str, root: Path) -> Report | Skipped:
    try:
        if not _is_inside(path, root):
            return Skipped(study_id=study_id, reason="leaves_the_corpus", detail="a link leads out of it")
        with open_file(path) as file:
            return subject_id, study_id, file.read(LONGEST_REPORT + 1)
    except OSError as error:
        return Skipped(study_id=study_id, reason="unreadable_report", detail=error.strerror or "")


def _is_inside(path: Path, root: Path) -> bool:
    """Links below `files` must not lead out; where `files` itself lies is the user's business."""
    if not any(step.is_symlink() for step in (path, path.parent, path.parent.parent)):
        return True
    real = path.resolve()
    homes = (root.resolve(), path.parent.parent.parent.resolve())
    return any(real.is_relative_to(home) for home in homes)


def reports_in_archive(archive: Path) -> Iterator[Report | Skipped]:
    """The reports of a zip file. Nothing is unpacked to disk; names that would lead out are told."""
    try:
        with zipfile.ZipFile(archive) as reports:
            names = sorted(name for name in reports.namelist() if name.endswith(".txt"))
            for name in names:
                match = REPORT_PATH.search(name)
                if name.startswith("/") or ".." in name.split("/") or "\\" in name:
                    written = _TEXT_NAME.search(name)
                    study_id = written.group(1)[:40] if written else "?"
                    yield Skipped(
                        study_id=study_id, reason="unsafe_path", detail="its name leads out of the archive"
                    )
                elif match:
                    yield _report_in(reports, name, match.group(1), match.group(2))
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableInput(
            f"{archive}: cannot be read ({error})",
            hint="The download was cut off or damaged: fetch it again."
            if archive.suffix == ".zip"
            else f"A table of reports is named by its kind: --corpus table:{archive}",
        ) from error


def _report_in(reports: zipfile.ZipFile, name: str, subject_id: str, study_id: str) -> Report | Skipped:
    if stat.S_ISLNK(reports.getinfo(name).external_attr >> 16):
        return Skipped(study_id=study_id, reason="leaves_the_corpus", detail="a link in an archive")
    try:
        with reports.open(name) as file:
            return subject_id, study_id, file.read(LONGEST_REPORT + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        return Skipped(study_id=study_id, reason="unreadable_report", detail=error.__class__.__name__)


def _make_no_reports_error(path: Path, tables: MimicTables) -> MissingInput:
    below = find_reports_below(path) if path.is_dir() else []
    if below:
        many = f" (and {len(below) - 1} more)" if len(below) > 1 else ""
        return MissingInput(
            f"{path}: the reports of MIMIC-CXR lie further down, in {below[0]}{many}",
            hint=f"Name that folder: --corpus {shlex.quote(f'mimic:{below[0]}')}",
        )
    if {"chexpert", "metadata", "split", "IMAGE_FILENAMES"} & tables.found.keys():
        return MissingInput(
            f"{path}: no MIMIC-CXR reports here, only tables of MIMIC-CXR-JPG, which holds no report text",
            hint=f"Name the folder that holds {ARCHIVE} or the report tree as --corpus mimic:DIR,"
            " and this one as --tables.",
        )
    return MissingInput(
        f"{path}: no MIMIC-CXR reports here",
        hint=f"Expected {ARCHIVE}, or reports under files/p10/p10000032/s50414267.txt.",
    )
