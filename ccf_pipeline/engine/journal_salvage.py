"""Read what is left of a damaged journal: whole rows are read, the rest is stepped over."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from ccf_pipeline.files.disk import PRIVATE_FILE, sealed_file

Row = tuple[object, ...]

PAGE = 4096
READING_FAULTS = (sqlite3.Error, UnicodeDecodeError)
AT_ONCE = 500
FURTHEST = 2**41
BESIDE = ("-wal", "")
"""The write-ahead log belongs to a database; it is copied first, so that a copy that is there is whole."""


def keep_corrupt_copy(path: Path) -> Path:
    """Copy a damaged database, write-ahead log and all, to a name of its own; returns that name."""
    number = 0
    while (copy := path.with_name(f"{path.name}.{number}.corrupt")).exists():
        number += 1
    for ending in BESIDE:
        source = path.with_name(path.name + ending)
        if source.exists():
            with sealed_file(copy.with_name(copy.name + ending), private=True) as temporary:
                shutil.copyfile(source, temporary)
    return copy


@contextlib.contextmanager
def opened_copy(path: Path, fresh: Path) -> Iterator[sqlite3.Connection]:
    """A damaged database opened on copies of its files, which reading may change.

    Args:
        fresh: an empty database of the same make; its first page stands in for one that is damaged.
    """
    scratch = path.with_name(f"{path.name}.reading")
    try:
        for ending in BESIDE:
            source = path.with_name(path.name + ending)
            if source.exists():
                target = scratch.with_name(scratch.name + ending)
                target.touch(PRIVATE_FILE)
                shutil.copyfile(source, target)
        with contextlib.closing(_open_scratch_journal(scratch, fresh)) as database:
            yield database
    finally:
        for ending in (*BESIDE, "-shm"):
            scratch.with_name(scratch.name + ending).unlink(missing_ok=True)


def _open_scratch_journal(scratch: Path, fresh: Path) -> sqlite3.Connection:
    database = sqlite3.connect(scratch, isolation_level=None)
    database.text_factory = lenient_text
    try:
        with contextlib.closing(sqlite3.connect(fresh)) as model:
            tables = "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY name"
            if database.execute(tables).fetchall() == model.execute(tables).fetchall():
                return database
    except READING_FAULTS:
        pass
    database.close()
    _replace_first_page(scratch, fresh)
    database = sqlite3.connect(scratch, isolation_level=None)
    database.text_factory = lenient_text
    return database


def _replace_first_page(path: Path, fresh: Path) -> None:
    """The first page says where every table begins: the same in every journal, but for the file's size."""
    with fresh.open("rb") as file:
        page = bytearray(file.read(PAGE))
    struct.pack_into(">I", page, 28, path.stat().st_size // PAGE)  # pages in the file
    page[92:96] = page[24:28]  # the size stands for this change counter
    page[32:40] = bytes(8)  # no free pages
    with path.open("r+b") as file:
        file.write(page)


def readable_rows(database: sqlite3.Connection, table: str, columns: str) -> Iterator[Row]:
    """Every row of a table that can be read, in the order of its `id`."""
    question = f"SELECT id, {columns} FROM {table} NOT INDEXED WHERE id > ? ORDER BY id LIMIT ?"

    def read(after: int, at_once: int) -> list[Row] | None:
        try:
            return database.execute(question, (after, at_once)).fetchall()
        except READING_FAULTS:
            return None

    after: int | None = 0
    while after is not None:
        rows = read(after, AT_ONCE)
        if rows is None:
            rows = read(after, 1)
        if rows is None:
            after = _find_next_readable(after, lambda position: read(position, 1) is not None)
            continue
        if not rows:
            return
        for row in rows:
            yield row[1:]
        after = max(after + 1, int(str(rows[-1][0])))


def _find_next_readable(after: int, readable: Callable[[int], bool]) -> int | None:
    """The first place behind `after` from which rows can be read again; None if there is none."""
    step = 1
    while not readable(after + step):
        step *= 2
        if step > FURTHEST:
            return None
    low, high = after + step // 2, after + step
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if readable(middle) else (middle, high)
    return high


def lenient_text(raw: bytes) -> str:
    """Text as it is stored; bytes that are no text any more do not stop the reading."""
    return raw.decode("utf-8", "replace")
