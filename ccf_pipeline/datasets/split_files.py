"""Rows as the files of one split: cut to a size the Hub likes, named when it is known how many there are."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from ccf_pipeline.files.columns import table_of_rows
from ccf_pipeline.files.disk import PRIVATE_FILE, disk_error, make_folder, sync
from ccf_pipeline.files.spreadsheets import plain_cell

FileFormat = Literal["parquet", "json", "jsonl", "csv"]
Row = dict[str, Any]

FILE_BYTES = 500 << 20
# Small enough to be held for every config and split at once; the Hub's viewer wants at most 300 MB.
GROUP_BYTES = 32 << 20
GROUP_ROWS = 1000
# The cuts that the Hub's storage and `datasets` use, so that a new version re-uploads what changed only.
CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
# What a spreadsheet would take for a formula.


class RowFile(Protocol):
    """One file that rows are added to."""

    def add(self, row: Row, size: int) -> None: ...

    def close(self) -> None: ...

    def abandon(self) -> None:
        """Let go of the file without writing what waits."""


class SplitFiles:
    """The files of one split of one config; they take their names when `seal` is called.

    Until then they lie under temporary names, which the next build of the folder clears away.
    """

    def __init__(self, folder: Path, split: str, schema: pa.Schema, kind: FileFormat = "parquet") -> None:
        self._folder, self._split, self._schema, self._kind = folder, split, schema, kind
        self._file: RowFile | None = None
        self._bytes = 0
        self._begun: list[Path] = []
        self.rows = 0

    def add(self, row: Row) -> None:
        size = bytes_in(row)
        if self._file is None or self._bytes + size > FILE_BYTES:
            self._begin_file()
        assert self._file is not None
        with _raise_as_disk_error(self._folder):
            self._file.add(row, size)
        self._bytes += size
        self.rows += 1

    def seal(self) -> tuple[Path, ...]:
        """Close and name the files; what they are called says how many there are."""
        self.close()
        sealed = []
        for number, temporary in enumerate(self._begun):
            path = self._folder / f"{self._split}-{number:05}-of-{len(self._begun):05}.{self._kind}"
            with _raise_as_disk_error(path):
                sync(temporary)
                temporary.replace(path)
            sealed.append(path)
        if sealed:
            sync(self._folder)
        return tuple(sealed)

    def close(self) -> None:
        if self._file is not None:
            with _raise_as_disk_error(self._folder):
                self._file.close()
            self._file = None

    def discard(self) -> None:
        """Remove what was begun and not sealed; what cannot be closed any more goes all the same."""
        if self._file is not None:
            with contextlib.suppress(OSError, ValueError):
                self._file.abandon()
            self._file = None
        for temporary in self._begun:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _begin_file(self) -> None:
        self.close()
        path = self._folder / f".{self._split}-{len(self._begun):05}.{self._kind}.tmp"
        with _raise_as_disk_error(path):
            make_folder(self._folder, private=True)
            path.touch(PRIVATE_FILE)
            path.chmod(PRIVATE_FILE)
            self._file = _WRITERS[self._kind](path, self._schema)
        self._begun.append(path)
        self._bytes = 0


class ParquetRows:
    """Rows as Parquet; a row group is written as soon as it is full.

    Statistics are off: for a text column they would copy report text into the footer. The dictionary may
    grow as large as a row group, so that an image which several rows show is stored once in it.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema.with_metadata(
            {**(schema.metadata or {}), "content_defined_chunking": json.dumps(CHUNKING)}
        )
        self._writer = pq.ParquetWriter(
            path,
            self._schema,
            compression="zstd",
            write_statistics=False,
            dictionary_pagesize_limit=2 * GROUP_BYTES,
            use_content_defined_chunking=CHUNKING,
        )
        self._waiting: list[Row] = []
        self._bytes = 0

    def add(self, row: Row, size: int) -> None:
        self._waiting.append(row)
        self._bytes += size
        if len(self._waiting) >= GROUP_ROWS or self._bytes >= GROUP_BYTES:
            self._write_group()

    def close(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()

    def abandon(self) -> None:
        self._waiting = []
        self._writer.close()

    def _write_group(self) -> None:
        self._writer.write_table(table_of_rows(self._waiting, self._schema))
        self._waiting, self._bytes = [], 0


class JsonLines:
    """A JSON object per line."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")

    def add(self, row: Row, size: int) -> None:
        self._file.write(json_text(row) + "\n")

    def close(self) -> None:
        self._file.close()

    abandon = close


class JsonList:
    """One JSON list."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="\n")
        self._before = itertools.chain("[", itertools.repeat(","))

    def add(self, row: Row, size: int) -> None:
        self._file.write(f"{next(self._before)}\n{json_text(row)}")

    def close(self) -> None:
        self._file.write("[]\n" if next(self._before) == "[" else "\n]\n")
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


class CsvRows:
    """A CSV table; lists and structs are JSON in their cell, and no cell can be a formula."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._columns = schema.names
        self._file = path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        self._writer.writerow(self._columns)

    def add(self, row: Row, size: int) -> None:
        self._writer.writerow([csv_cell(row[column]) for column in self._columns])

    def close(self) -> None:
        self._file.close()

    abandon = close


_WRITERS: dict[str, Callable[[Path, pa.Schema], RowFile]] = {
    "parquet": ParquetRows,
    "jsonl": JsonLines,
    "json": JsonList,
    "csv": CsvRows,
}


def csv_cell(value: Any) -> Any:
    """A value as a cell: an apostrophe before what a spreadsheet would run."""
    if value is None or isinstance(value, bool | int | float):
        return value
    return plain_cell(value if isinstance(value, str) else json_text(value))


def json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# Unions are made anew where they are written, and a row has hundreds of values.
_TEXTS, _LISTS = (str, bytes), (list, tuple)


def bytes_in(value: Any) -> int:
    """About how much memory a row takes."""
    if isinstance(value, _TEXTS):
        return len(value)
    if isinstance(value, _LISTS):
        return sum(map(bytes_in, value))
    if isinstance(value, dict):
        return sum(map(bytes_in, value.values()))
    return 8


@contextlib.contextmanager
def _raise_as_disk_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise disk_error(path, error) from error
