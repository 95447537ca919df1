"""CSV that people open in a spreadsheet program: no cell of ours is run there."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ccf_pipeline.files.disk import sealed_file

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def plain_cell(value: Any) -> Any:
    """A value as a cell: an apostrophe stands before a text that a spreadsheet would run."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def read_cell(text: str | None) -> str | None:
    """Return what `plain_cell` was given."""
    is_marked = text is not None and text.startswith("'") and text[1:].startswith(FORMULA_STARTS)
    return text[1:] if text is not None and is_marked else text


def render_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], line_end: str = "\n") -> str:
    """Return a table with a header; what a row lacks is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator=line_end)
    writer.writeheader()
    writer.writerows({name: plain_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table, for its owner alone, that spreadsheet programs open as it is, accents included."""
    with sealed_file(path, private=True) as temporary:
        text = render_csv(columns, rows, line_end="\r\n")
        temporary.write_text(text, encoding="utf-8-sig", errors="replace", newline="")
