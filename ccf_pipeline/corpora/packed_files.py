"""Files as they come, packed or plain, whole, cut off or made to burst: streamed, in bounded memory."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO, cast

from ccf_pipeline.errors import UnreadableInput
from ccf_pipeline.files.hostile import open_file

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
MOST_EXPANSION = 200
"""A table shrinks to a tenth, text to a quarter; a thousandth is a bomb."""
FREE_BYTES = 16 << 20
LONGEST_CELL = 64 << 20
_PIECE = 1 << 16
_KEEP_GOING = "Fetch the file again; with --skip-bad what it still gives is used and the rest is told."


@dataclass
class Survey:
    """Remarks of a reader beside the studies: damage, missing parts, the number of listed images."""

    skip_bad: bool = False
    remarks: list[str] = field(default_factory=list)
    images_listed: int | None = None
    split_sizes: Counter[str] = field(default_factory=Counter)

    def damaged(self, what: str, hint: str = _KEEP_GOING) -> None:
        """Stop at damage, unless the user said to go on."""
        if not self.skip_bad:
            raise UnreadableInput(what, hint=hint)
        self.remarks.append(what)


def open_bytes(path: Path, survey: Survey) -> BinaryIO:
    """A file's content, unpacked where it is gzip, whatever its name says."""
    try:
        file = open_file(path)
    except OSError as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.strerror})") from error
    head = file.read(4)
    file.seek(0)
    if head.startswith(GZIP):
        return cast(BinaryIO, io.BufferedReader(_Unpacked(path, file, survey), _PIECE))
    if head == ZIP and path.suffix != ".zip":
        file.close()
        raise UnreadableInput(
            f"{path}: is a zip archive, not what its name says", hint="Unpack it and try again."
        )
    return file


def open_text(path: Path, survey: Survey) -> io.TextIOWrapper:
    """A file as text: UTF-8 or UTF-16, and byte by byte Latin-1 where it is neither."""
    file = open_bytes(path, survey)
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, file))
    wide = buffered.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    codecs.register_error("ccf-latin-1", _replace_with_latin_1)
    return io.TextIOWrapper(
        buffered,
        encoding="utf-16" if wide else "utf-8-sig",
        errors="replace" if wide else "ccf-latin-1",
        newline="",
    )


def read_table(
    path: Path,
    survey: Survey,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    aliases: Mapping[str, Sequence[str]] | None = None,
    elsewhere: Mapping[str, str] | None = None,
) -> Iterator[list[str]]:
    """The cells of the named columns, required ones first; "" where an optional column is not there.

    Args:
        aliases: other names that a column goes by.
        elsewhere: for a required column, the file that has it, told when it is missing here.
    """
    with open_text(path, survey) as file:
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
        try:
            header_line = file.readline(1 << 20)
            header = next(csv.reader([header_line], delimiter=(mark := _guess_delimiter(header_line))), [])
            at = _find_positions(path, header, required, optional, aliases or {}, elsewhere or {})
            yield from _iter_cells(path, survey, csv.reader(file, delimiter=mark), at, len(header))
        except csv.Error as error:
            survey.damaged(f"{path}: is not a table that can be read ({error})")
        except (OSError, EOFError) as error:
            raise UnreadableInput(f"{path}: cannot be read ({error})") from error


def header_of(path: Path, survey: Survey) -> list[str]:
    """The column names of a table."""
    with open_text(path, survey) as file:
        line = file.readline(1 << 20)
        return next(csv.reader([line], delimiter=_guess_delimiter(line)), [])


def _iter_cells(
    path: Path, survey: Survey, rows: Iterator[list[str]], at: list[int | None], width: int
) -> Iterator[list[str]]:
    ragged = 0
    remarks = len(survey.remarks)
    waiting: list[str] | None = None
    for row in rows:
        if not row:
            continue
        if len(row) != width:
            ragged += 1
            row += [""] * (width - len(row))
        # One row behind, so that the last one can be left out if the file turns out to break off after it.
        if waiting is not None:
            yield waiting
        waiting = ["" if place is None else row[place] for place in at]
    # Where the file broke off, the last row is cut, and may be cut in the middle of an id.
    if waiting is not None and len(survey.remarks) == remarks:
        yield waiting
    if ragged:
        survey.remarks.append(f"{path.name}: {ragged} rows have more or fewer cells than the header")


def _find_positions(
    path: Path,
    header: list[str],
    required: Sequence[str],
    optional: Sequence[str],
    aliases: Mapping[str, Sequence[str]],
    elsewhere: Mapping[str, str],
) -> list[int | None]:
    known: dict[str, int] = {}
    for place, name in enumerate(header):
        key = _strip_name(name)
        if key and key in known and any(key == _strip_name(column) for column in (*required, *optional)):
            raise UnreadableInput(
                f"{path}: has two columns named `{name}`", hint="Remove or rename the one that is not meant."
            )
        known.setdefault(key, place)

    def find(column: str) -> int | None:
        names = (column, *aliases.get(column, ()))
        return next((known[_strip_name(name)] for name in names if _strip_name(name) in known), None)

    missing = [column for column in required if find(column) is None]
    if missing:
        raise UnreadableInput(
            f"{path}: has no column {', '.join(f'`{column}`' for column in missing)}",
            hint=_make_missing_hint(missing[0], header, elsewhere),
        )
    return [find(column) for column in (*required, *optional)]


def _make_missing_hint(column: str, header: list[str], elsewhere: Mapping[str, str]) -> str:
    near = get_close_matches(column, header, n=1, cutoff=0.5)
    has = column_names(header)
    return (
        (f"`{near[0][:40]}` looks like it: rename it. " if near else "")
        + (f"{elsewhere[column]} has it. " if column in elsewhere else "")
        + f"The file has: {has}."
    )


def column_names(header: Sequence[str]) -> str:
    """A header as told in an error; a first row that is a report is not told."""
    names = [name.strip() for name in header]
    told = [
        name for name in names if re.fullmatch(r"[\w.()/-]+(?: [\w.()/-]+){0,3}", name) and len(name) <= 60
    ]
    return ", ".join(told[:20]) or "no column names"


def _guess_delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


def _strip_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _replace_with_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


class _Unpacked(io.RawIOBase):
    """A gzip file's content; damage is told with the place where it lies."""

    def __init__(self, path: Path, file: BinaryIO, survey: Survey) -> None:
        self._path, self._file, self._survey = path, file, survey
        self._size = path.stat().st_size
        self._unpacker = zlib.decompressobj(wbits=31)
        self._waiting = b""
        self._given = 0
        self._is_over = False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._is_over:
            piece = self._read_piece(len(view))
            if piece:
                view[: len(piece)] = piece
                return len(piece)
        return 0

    def _read_piece(self, most: int) -> bytes:
        if self._unpacker.eof and not self._begin_next_member():
            return b""
        if not self._waiting:
            self._waiting = self._file.read(_PIECE)
            if not self._waiting:
                self._stop(f"the gzip stream breaks off at byte {self._size}")
                return b""
        try:
            piece = self._unpacker.decompress(self._waiting, most)
        except zlib.error:
            self._stop(f"the gzip stream is damaged near byte {self._file.tell() - len(self._waiting)}")
            return b""
        # What the unpacker did not take belongs to this member; what lies behind its end to the next one.
        self._waiting = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        self._given += len(piece)
        # Counted as it grows, before anybody has it all in memory: a small file may unpack to terabytes.
        if self._given > max(FREE_BYTES, MOST_EXPANSION * self._size):
            self._stop(f"unpacks to more than {MOST_EXPANSION} times its size")
            return b""
        return piece

    def _begin_next_member(self) -> bool:
        """After the end of a stream: another one, padding, or what does not belong there."""
        self._waiting = self._waiting or self._file.read(_PIECE)
        if self._waiting.startswith(GZIP):
            self._unpacker = zlib.decompressobj(wbits=31)
            return True
        if self._waiting.strip(b"\0"):
            self._stop(f"other bytes follow the gzip stream at byte {self._file.tell() - len(self._waiting)}")
        self._is_over = True
        return False

    def _stop(self, what: str) -> None:
        self._is_over = True
        self._survey.damaged(f"{self._path}: {what}")
