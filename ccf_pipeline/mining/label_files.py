"""Labels on disk: a CheXpert table as CSV or Parquet, or JSON lines with the mentions behind them."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.files.spreadsheets import plain_cell
from ccf_pipeline.records import FINDING_LABELS

if TYPE_CHECKING:
    import pyarrow as pa

LABEL_COLUMNS = tuple(FINDING_LABELS.values())
# Who a row is about: as in mimic-cxr-2.0.0-chexpert.csv for a corpus, by one id for single reports.
BY_STUDY = ("subject_id", "study_id")
BY_REPORT = ("report_id",)
TABLES = (".csv", ".csv.gz", ".parquet")
LINES = (".jsonl", ".jsonl.gz")
ROWS_AT_ONCE = 5000

WriteRows = Callable[[Sequence["LabelledReport"]], None]


@dataclass(frozen=True, slots=True)
class LabelledReport:
    """A report's fourteen codes in the order of the tables (1, 0, -1, or None where it does not say).

    `mentions` are JSON already, made where the report was read; empty where nobody asked for them.
    """

    report_id: str | int
    subject_id: str | None
    codes: tuple[int | None, ...]
    mentions: str = ""


def json_line(report: LabelledReport) -> str:
    """A report as one line of JSON, as the scorers of readers take it."""
    subject = {} if report.subject_id is None else {"subject_id": report.subject_id}
    head = {
        "report_id": report.report_id,
        **subject,
        "labels": dict(zip(LABEL_COLUMNS, report.codes, strict=True)),
    }
    return f'{json.dumps(head)[:-1]}, "mentions": {report.mentions or "[]"}}}\n'


def refuse_other_files(path: Path, endings: Sequence[str], option: str = "--out") -> None:
    """Say before the work, rather than after it, that a file cannot be written under this name."""
    if not path.name.endswith(tuple(endings)):
        raise SettingsError(
            f"{option} {path}: the name must end in {', '.join(endings[:-1])} or {endings[-1]}",
            hint=f"Name the file, for example, labels{endings[0]}.",
        )
    if path.exists() and not path.is_file():
        raise SettingsError(f"{option} {path}: is there and is not a file", hint="Choose another name.")


@contextlib.contextmanager
def open_label_file(path: Path, columns: tuple[str, ...]) -> Iterator[WriteRows]:
    """Take rows, in order, and write them by the file's ending; the file is whole or absent."""
    refuse_other_files(path, (*TABLES, *LINES))
    with sealed_file(path, private=True) as temporary:
        if path.suffix == ".parquet":
            with _open_parquet_file(temporary, columns) as write:
                yield write
            return
        with _open_text_file(temporary, packed=path.suffix == ".gz") as text:
            if path.name.endswith(LINES):
                yield lambda reports: text.writelines(map(json_line, reports))
            else:
                # The byte order mark is left out: MIMIC's own tables have none.
                table = csv.writer(text, lineterminator="\n")
                table.writerow((*columns, *LABEL_COLUMNS))
                yield lambda reports: table.writerows(_make_label_row(report, columns) for report in reports)


def _list_ids(report: LabelledReport, columns: tuple[str, ...]) -> tuple[str, ...]:
    return (
        (str(report.report_id),) if columns == BY_REPORT else (report.subject_id or "", str(report.report_id))
    )


def _make_label_row(report: LabelledReport, columns: tuple[str, ...]) -> tuple[str, ...]:
    codes = ("" if code is None else f"{code}.0" for code in report.codes)
    return (*map(plain_cell, _list_ids(report, columns)), *codes)


@contextlib.contextmanager
def _open_text_file(path: Path, *, packed: bool) -> Iterator[io.TextIOWrapper]:
    """A text file; packed without name or time in its header, so that equal content is equal bytes."""
    with contextlib.ExitStack() as stack:
        raw: BinaryIO = stack.enter_context(path.open("wb"))
        if packed:
            file = gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6)
            raw = cast(BinaryIO, stack.enter_context(file))
        # An id may hold half of a character pair, which no file can.
        yield stack.enter_context(io.TextIOWrapper(raw, encoding="utf-8", errors="replace", newline=""))


@contextlib.contextmanager
def _open_parquet_file(path: Path, columns: tuple[str, ...]) -> Iterator[WriteRows]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [(name, pa.string()) for name in columns] + [(name, pa.float64()) for name in LABEL_COLUMNS]
    schema = pa.schema(fields)
    waiting: list[LabelledReport] = []
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:

        def write(reports: Sequence[LabelledReport], least: int = ROWS_AT_ONCE) -> None:
            waiting.extend(reports)
            while len(waiting) >= least:
                writer.write_table(_make_label_table(waiting[:ROWS_AT_ONCE], columns, schema))
                del waiting[:ROWS_AT_ONCE]

        yield write
        write((), least=1)


def _make_label_table(
    reports: Sequence[LabelledReport], columns: tuple[str, ...], schema: pa.Schema
) -> pa.Table:
    import pyarrow as pa

    who = zip(*(_list_ids(report, columns) for report in reports), strict=True)
    codes: Any = zip(*(report.codes for report in reports), strict=True)
    arrays = [pa.array(_list_writable_ids(ids), pa.string()) for ids in who]
    arrays += [pa.array(column, pa.float64()) for column in codes]
    return pa.Table.from_arrays(arrays, schema=schema)


def _list_writable_ids(ids: Sequence[str]) -> list[str]:
    return [one.encode("utf-8", "replace").decode("utf-8") for one in ids]
