"""Reports as JSON lines: `{"report_id", "text"}` or `{"report_id", "findings", "impression"}` on each."""

from __future__ import annotations

import contextlib
import gzip
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ccf_pipeline.corpora.sections import HEADER, canonical_report, write_canonical
from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.hostile import read_json

STDIN = Path("-")
PARTS = ("findings", "impression")


@dataclass(frozen=True, slots=True)
class ReportText:
    """A report to be read; mentions point into `text`."""

    report_id: str | int
    text: str
    subject_id: str | None = None


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that holds no report, and why; never what stands in it."""

    number: int
    problem: str


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text to be read, and the sections of a report that it was taken from, if it is one."""

    text: str
    read_from: str | None = None


def read_report_lines(path: Path) -> Iterator[ReportText | BadLine]:
    """Every report of a file of JSON lines, gzipped or not; `-` is standard input."""
    try:
        with _open_lines(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _report(number, line)
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.__class__.__name__})") from error


def read_plain_text(path: Path) -> PlainText:
    """A file as text; of a report with sections, what describes the image."""
    try:
        with _open_lines(path) as file:
            raw = file.read()
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableInput(f"{path}: cannot be read ({error.__class__.__name__})") from error
    return describing_part(_decode_line(raw))


def describing_part(raw: str) -> PlainText:
    """Findings and impression of a report with headers; any other text as it is."""
    report = canonical_report(raw) if HEADER.search(raw) else None
    return PlainText(raw) if report is None else PlainText(report.text, report.read_from)


@contextlib.contextmanager
def _open_lines(path: Path) -> Iterator[IO[bytes]]:
    if path == STDIN:
        yield sys.stdin.buffer
    elif path.suffix == ".gz":
        with gzip.open(path, "rb") as packed:
            yield packed  # type: ignore[misc]  # a GzipFile is read as any file of bytes
    else:
        with path.open("rb") as file:
            yield file


def _decode_line(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _report(number: int, line: bytes) -> ReportText | BadLine:
    try:
        row = read_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return BadLine(number, "not UTF-8")
    except (ValueError, RecursionError):
        return BadLine(number, "not JSON")
    if not isinstance(row, dict):
        return BadLine(number, "not an object")
    report_id = row.get("report_id")
    if isinstance(report_id, bool) or not isinstance(report_id, (str, int)) or report_id == "":
        return BadLine(number, "no `report_id`")
    return _read_report_text(number, report_id, row)


def _read_report_text(number: int, report_id: str | int, row: dict[str, Any]) -> ReportText | BadLine:
    if "text" in row:
        text = row["text"]
        return ReportText(report_id, text) if isinstance(text, str) else BadLine(number, "`text` is not text")
    if not any(part in row for part in PARTS):
        return BadLine(number, "neither `text` nor `findings` or `impression`")
    parts = [(part, row[part]) for part in PARTS if row.get(part) is not None]
    for part, body in parts:
        if not isinstance(body, str):
            return BadLine(number, f"`{part}` is not text")
    return ReportText(report_id, write_canonical([(p, b) for p, b in parts if b.strip()], read_from="").text)
