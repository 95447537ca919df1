"""The Parquet of a share, and the texts of a build that it is made from and compared with."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import pyarrow.parquet as pq

from ccf_pipeline.datasets.formats import shipped_exports
from ccf_pipeline.datasets.formats.ccf import REJECTED as REFUSED
from ccf_pipeline.datasets.write import SPLIT_FILES, write_records
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.select_pairs import select_records
from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.arrow import arrow_schema, read_nouns, write_nouns, write_parquet
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Record
from ccf_pipeline.settings import DatasetSettings
from ccf_pipeline.sharing.cards import drop_config, write_share_card
from ccf_pipeline.sharing.folder import PHRASES, list_files
from ccf_pipeline.sharing.nouns import DeltaRow, Phrase, Recipe, RecipeRow
from ccf_pipeline.sharing.strings import footer_texts, strings_of

Row = TypeVar("Row", RecipeRow, DeltaRow)

CONFIGS: dict[type, str] = {RecipeRow: "recipe", DeltaRow: "delta"}
ROWS_PER_FILE = 20_000
_REBUILT = ".rows.parquet"


def planned_texts(build: BuildFolder, shards: int) -> Iterator[tuple[str, str]]:
    """Study id and report of every study that a build planned for: all the text that could leak from it."""
    for shard in range(shards):
        path = build.plan_path(shard)
        try:
            for batch in pq.ParquetFile(path).iter_batches(columns=["study.study_id", "study.text"]):
                for row in batch.to_pylist():
                    yield row["study"]["study_id"], row["study"]["text"]
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: cannot be read back") from error


def write_rows(
    folder: Path, rows: Callable[[str], Iterator[Row]], sizes: Mapping[str, int], kind: type[Row]
) -> list[str]:
    """Write the rows of a share split by split; returns the splits that hold any.

    Args:
        rows: gives the rows of one split.
        sizes: how many rows each split has.
    """
    config = CONFIGS[kind]
    for split, name in SPLIT_FILES.items():
        files = -(-sizes.get(split, 0) // ROWS_PER_FILE)
        of_split = (row.model_dump() for row in rows(split))
        for number in range(files):
            path = folder / "data" / config / f"{name}-{number:05}-of-{files:05}.parquet"
            write_parquet(path, itertools.islice(of_split, ROWS_PER_FILE), arrow_schema(kind))
    return [name for split, name in SPLIT_FILES.items() if sizes.get(split)]


def read_rows(folder: Path, kind: type[Row]) -> Iterator[Row]:
    """The rows of a share, split by split."""
    for name in SPLIT_FILES.values():
        for path in sorted((folder / "data" / CONFIGS[kind]).glob(f"{name}-*.parquet")):
            yield from read_nouns(path, kind)


def write_phrases(folder: Path, phrases: Iterable[Phrase]) -> int:
    return write_nouns(folder / PHRASES, phrases, Phrase)


def read_phrases(folder: Path) -> Iterator[Phrase]:
    return read_nouns(folder / PHRASES, Phrase)


def copy_dataset(build: BuildFolder, folder: Path) -> None:
    """Copy the data set without the refused answers, which may invent who a patient is."""
    shutil.copytree(
        build.dataset_path,
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(REFUSED.config, ".*.tmp"),
    )
    drop_config(folder, REFUSED.config)


_OF_THE_MIX = ("even", "match", "select", "same_diagnosis", "rejected_per_chosen", "perception_weight")


def write_rebuilt(
    out: Path, records: Iterable[Record], images_root: Path, recipe: Recipe, lexicon: Callable[[], Lexicon]
) -> list[tuple[str, int]]:
    """Write every config of the data set from records that were made again; return the rows of each.

    The pairs to train on are chosen by the settings of the build that was shared.
    """
    told = {name: recipe.settings.get(f"dataset.{name}") for name in _OF_THE_MIX}
    chosen = DatasetSettings.model_validate(
        {name: value for name, value in told.items() if value is not None}
    )
    kept = out / _REBUILT
    write_nouns(kept, records, Record)
    exports = [export for export in shipped_exports() if export.of == "accepted"]
    try:
        dropped: frozenset[str] = frozenset()
        if chosen.select is not None:
            selected = select_records(read_nouns(kept, Record), lexicon(), keep=chosen.select)
            dropped = frozenset(selected.dropped)
        written = write_records(
            out,
            exports,
            lambda: [("accepted", read_nouns(kept, Record))],
            images_root,
            chosen,
            dropped=dropped,
        )
    finally:
        kept.unlink(missing_ok=True)
    return [(summary.config, summary.rows) for summary in written.configs]


def strings_to_leave(folder: Path) -> Iterator[tuple[str, str, str]]:
    """(file, place, string) of everything in a folder; file names are strings too.

    Raises:
        ValueError: a file that cannot be read; its name is the message.
    """
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        yield name, "its name", name
        try:
            for place, text in strings_of(path):
                yield name, place, text
        except (ValueError, OSError) as error:
            raise ValueError(name) from error


def footers_that_tell(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, column) of Parquet footers that hold text."""
    for path in sorted(folder.rglob("*.parquet")):
        for column in footer_texts(path):
            yield path.relative_to(folder).as_posix(), column


def write_rebuilt_card(out: Path, recipe: Recipe, counts: Mapping[str, int]) -> None:
    """A short README.md for the data set that was made again; its head names the configs."""
    configs = {
        config: [
            name for name in SPLIT_FILES.values() if any((out / "data" / config).glob(f"{name}-*.parquet"))
        ]
        for config, rows in counts.items()
        if rows
    }
    write_share_card(out, recipe.model_copy(update={"level": "L2", "rows": counts.get("ccf", 0)}), configs)


def write_checksums(folder: Path, name: str) -> None:
    """A list as `sha256sum --check` reads it, of every file but itself."""
    lines = [f"{file.sha256}  {file.path}\n" for file in list_files(folder) if file.path != name]
    write_text(folder / name, "".join(lines))
