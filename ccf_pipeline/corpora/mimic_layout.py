"""Find the parts of MIMIC-CXR on disk: its reports, its tables and its images, in one folder or in several.

PhysioNet publishes the reports and DICOM as `mimic-cxr` and the tables and JPEG as `mimic-cxr-jpg`. People
name the folder above both, one of the two, or the archive of the reports.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ccf_pipeline.errors import UnreadableInput

ARCHIVE = "mimic-cxr-reports.zip"
TABLE = re.compile(
    r"mimic-cxr-2\.\d\.\d-(chexpert|negbio|metadata|split|test-set-labeled)\.csv(?:\.gz)?\Z"
    r"|cxr-(record-list|study-list)\.csv(?:\.gz)?\Z|(patients)\.csv(?:\.gz)?\Z|(IMAGE_FILENAMES)(?:\.gz)?\Z"
)
MOST_FOLDERS = 50
"""Folders looked at on one level; a corpus has a handful."""
MOST_SEARCHED = 2000
_GROUP = re.compile(r"p\d\d\Z")
_INNER = re.compile(r"files\Z|p\d\d(?:\d{6})?\Z|s\d{8}\Z")
_RELEASE = re.compile(r"mimic[-_ ]?cxr\b", re.IGNORECASE)


@dataclass(frozen=True)
class MimicLayout:
    """Where each part of the corpus lies.

    `report_folders` hold `files/p10/...`; `tables` are by short name ("split", "metadata"). Image paths in
    the records start at `image_root`; `image_folders` are the folders below it that hold `files`.
    """

    archive: Path | None
    report_folders: tuple[Path, ...]
    tables: dict[str, Path]
    image_root: Path
    image_folders: tuple[Path, ...]


def find_layout(path: Path, *, tables: Path | None = None, images: Path | None = None) -> MimicLayout:
    """Look in the named folder, two levels below it, and in the other release where it lies beside.

    Args:
        path: a folder that holds reports, or their archive.
        tables: the folder of MIMIC-CXR-JPG, where it lies elsewhere.
        images: the folder that image paths start from, where it is another one.
    """
    if path.name == "files" and _find_tree(path) == path:
        path = path.absolute().parent
    root = path if path.is_dir() else path.parent
    own = list_homes(root) if path.is_dir() else [root]
    if tables is not None:
        others = list_homes(tables)
    else:
        others = [home for sibling in _list_siblings(root) for home in list_homes(sibling)]
    archive = path if path.is_file() else _find_archive([*own, *others])
    report_folders = tuple(tree for home in (*own, *others) if (tree := _find_tree(home)) is not None)
    # The named folder's own tables count before those beside it, but those that are named count first.
    found = find_tables([*others, *own] if tables is None else [*own, *others])
    if images is not None:
        return MimicLayout(archive, report_folders, found, images, (images,))
    if tables is not None and any(_find_tree(home) for home in others):
        return MimicLayout(
            archive, report_folders, found, tables, tuple(filter(None, map(_find_tree, others)))
        )
    image_root = root
    if any(_find_tree(home) for home in others):
        image_root = Path(os.path.commonpath([root.absolute(), *(home.absolute() for home in others)]))
        report_folders = tuple(folder.absolute() for folder in report_folders)
    return MimicLayout(archive, report_folders, found, image_root, report_folders)


def list_homes(root: Path) -> list[Path]:
    """The folder and those at most two levels below it, without the patients' own folders."""
    homes = [root]
    for folder in [root, *_list_below(root)]:
        homes += [inner for inner in _list_below(folder) if inner not in homes]
    return homes


def find_tables(homes: list[Path]) -> dict[str, Path]:
    """The tables by their short names; the highest release counts where there are two in a folder."""
    found: dict[str, Path] = {}
    for home in homes:
        for path in sorted(home.iterdir()):
            if (match := TABLE.match(path.name)) and path.is_file():
                found[next(part for part in match.groups() if part)] = path
    return found


def find_reports_below(root: Path) -> list[Path]:
    """The folders further down that hold reports of MIMIC-CXR; the search gives up after some thousand."""
    found: list[Path] = []
    waiting = deque([root])
    looked_at = 0
    while waiting and looked_at < MOST_SEARCHED:
        folder = waiting.popleft()
        looked_at += 1
        try:
            inner = _list_folders(folder)
        except UnreadableInput:
            continue
        holds_patients = any(_GROUP.match(entry.name) for entry in inner)
        if (folder / ARCHIVE).is_file() or (holds_patients and _holds_reports(folder)):
            found.append(folder.parent if folder.name == "files" and holds_patients else folder)
        elif not holds_patients:
            waiting.extend(inner)
    return found


def _holds_reports(tree: Path) -> bool:
    """True if one of the first patients has a report: the JPEG release has the same folders without any."""
    for group in _list_folders(tree)[:3]:
        for patient in _list_folders(group)[:20]:
            if any(entry.suffix == ".txt" for entry in patient.iterdir()):
                return True
    return False


def _find_archive(homes: list[Path]) -> Path | None:
    return next((home / ARCHIVE for home in homes if (home / ARCHIVE).is_file()), None)


def _find_tree(home: Path) -> Path | None:
    """The folder of the patients' groups: `files`, or the folder itself."""
    for folder in (home / "files", home):
        if folder.is_dir() and any(_GROUP.match(entry.name) for entry in _list_folders(folder)):
            return folder
    return None


def _list_siblings(root: Path) -> Iterator[Path]:
    """Other releases of MIMIC-CXR one or two levels up: `mimic-cxr/2.1.0` has `mimic-cxr-jpg` beside it."""
    inside = root.absolute()
    if not any(_RELEASE.match(part.name) for part in (inside, inside.parent)):
        return
    above = inside.parent if _RELEASE.match(inside.name) else inside.parent.parent
    for entry in _list_folders(above):
        if _RELEASE.match(entry.name) and not inside.is_relative_to(entry):
            yield entry


def _list_below(folder: Path) -> list[Path]:
    return [entry for entry in _list_folders(folder) if not _INNER.match(entry.name)][:MOST_FOLDERS]


def _list_folders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError as error:
        raise UnreadableInput(f"{folder}: cannot be read ({error.strerror})") from error
