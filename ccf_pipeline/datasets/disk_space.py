"""Refuse a data set that the disk has no room for, before the first question and before the first byte.

What takes room is embedded images: each config stores an image once per column that shows it, so that eleven
configs of a corpus may take seven times its images. The plan knows which images; the rest is an estimate.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.datasets.formats import Export
from ccf_pipeline.datasets.formats.select import FLOORS, Use
from ccf_pipeline.datasets.judged_rows import JudgedRows
from ccf_pipeline.datasets.split_files import GROUP_BYTES, GROUP_ROWS, FileFormat
from ccf_pipeline.errors import CcfError, StorageError
from ccf_pipeline.files.arrow import read_columns
from ccf_pipeline.settings import DatasetSettings

TEXT_PER_PLAN = 2
"""Size of a config's text beside the plan's own file; more where nothing is compressed."""

PLAIN_PER_PARQUET = 5
DICOMS_TRIED = 4
_COLUMNS = [
    "study.split",
    "study.image.path",
    "plans.list.element.gained",
    "plans.list.element.lost",
    "plans.list.element.matched_image.path",
    "plans.list.element.matched_image.agrees",
]


def bytes_wanted(
    build: JudgedRows,
    shards: int,
    exports: Sequence[Export],
    images_root: Path,
    chosen: DatasetSettings,
    kind: FileFormat = "parquet",
) -> int:
    """Return about how much the configs will take, if every counterfactual that was planned is accepted."""
    plans = [build.plan_path(shard) for shard in range(shards)]
    text = TEXT_PER_PLAN * sum(path.stat().st_size for path in plans if path.is_file())
    wanted = len(exports) * text * (1 if kind == "parquet" else PLAIN_PER_PARQUET)
    if chosen.images == "embedded" and kind == "parquet":
        studies = list(_iter_pictured(plans, chosen))
        sizes = _Sizes(images_root, [study.own for study in studies])
        for export in exports:
            shown = [study for study in studies if study.is_shown(export.trains_on)]
            stored = {
                "own": sum(sizes.of(study.own) for study in shown),
                "matched": _sum_matched_bytes(shown, export.trains_on, sizes),
            }
            wanted += sum(stored[image] for image in export.images_of)
    return int(wanted)


def require_room(folder: Path, wanted: int, *, freed: int = 0) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        freed: what lies there already and goes before.
    """
    free = shutil.disk_usage(_find_existing_folder(folder)).free + freed
    if wanted > free:
        raise StorageError(
            f"{folder}: the data set may take {_format_bytes(wanted)}, and {_format_bytes(free)} are free",
            hint="Free some space and run the same command again; or ask for less: fewer configs, smaller"
            " images (`ccf-build images --resize`), or images by `paths`.",
        )


def bytes_below(folder: Path) -> int:
    """Return the size of the files of a folder, if it is there."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@dataclass(frozen=True)
class _Pictured:
    """A planned study that has an image, and the use and matched image of its counterfactuals."""

    split: str
    own: str
    matched: tuple[tuple[str | None, str | None], ...]

    def is_shown(self, uses: frozenset[Use] | None) -> bool:
        return uses is None or any(use in uses for use, _ in self.matched)


def _iter_pictured(paths: Iterable[Path], chosen: DatasetSettings) -> Iterator[_Pictured]:
    rows = [
        row for path in paths for row in read_columns(path, _COLUMNS) if row["study"]["image"] is not None
    ]
    changes: Counter[tuple[Any, ...]] = Counter(
        (row["study"]["split"], _use(plan, chosen), tuple(plan["gained"]), tuple(plan["lost"]))
        for row in rows
        for plan in row["plans"]
    )
    for row in rows:
        split, matched = row["study"]["split"], []
        for plan in row["plans"]:
            use: str | None = _use(plan, chosen)
            there, back = ((split, use, *ends) for ends in _read_both_ways(plan))
            if chosen.even and use == "unmirrored" and changes[there] > changes[back]:
                # The ones in excess are left out; which ones depends on more than the plan.
                changes[there] -= 1
                use = None
            film = plan["matched_image"]
            matched.append((use, film["path"] if film else None))
        yield _Pictured(split, row["study"]["image"]["path"], tuple(matched))


def _use(plan: dict[str, Any], chosen: DatasetSettings) -> Use:
    film = plan["matched_image"]
    return "mirrored" if film and FLOORS[chosen.match] <= set(film["agrees"]) else "unmirrored"


def _read_both_ways(plan: dict[str, Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    gained, lost = tuple(plan["gained"]), tuple(plan["lost"])
    return (gained, lost), (lost, gained)


def _sum_matched_bytes(studies: Iterable[_Pictured], uses: frozenset[Use] | None, sizes: _Sizes) -> int:
    """A matched image is stored once per row group, however many studies of the group it matches."""
    stored = 0
    groups: dict[str, _Group] = {}
    for study in studies:
        paths = {path for use, path in study.matched if path and (uses is None or use in uses)}
        for path in sorted(paths):
            group = groups.setdefault(study.split, _Group())
            stored += 0 if path in group.held else sizes.of(path)
            group.held.add(path)
            group.rows, group.bytes = group.rows + 1, group.bytes + sizes.of(study.own) + sizes.of(path)
            if group.rows >= GROUP_ROWS or group.bytes >= GROUP_BYTES:
                del groups[study.split]
    return stored


@dataclass
class _Group:
    """A row group while it fills."""

    held: set[str] = field(default_factory=set)
    rows: int = 0
    bytes: int = 0


class _Sizes:
    """The size of images in a row: their bytes, except for DICOM, which becomes JPEG."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self._root = root
        self._of_dicom = self._try_images(sorted({path for path in paths if _is_dicom(path)}))
        self._known: dict[str, int] = {}

    def of(self, path: str) -> int:
        if path not in self._known:
            self._known[path] = self._read(path)
        return self._known[path]

    def _try_images(self, dicoms: Sequence[str]) -> float:
        """Make a few JPEGs and return how much smaller they are."""
        before = after = 0
        for path in dicoms[:: max(1, len(dicoms) // DICOMS_TRIED)][:DICOMS_TRIED]:
            with contextlib.suppress(CcfError, OSError):
                made = len(training_image(self._root / path))
                before, after = before + (self._root / path).stat().st_size, after + made
        return after / before if before else 1.0

    def _read(self, path: str) -> int:
        try:
            size = (self._root / path).stat().st_size
        except OSError:
            return 0
        return int(size * self._of_dicom) if _is_dicom(path) else size


def _is_dicom(path: str) -> bool:
    return path.lower().endswith(".dcm")


def _find_existing_folder(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())


def _format_bytes(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 / 10 else f"{count / 2**20:.1f} MiB"
