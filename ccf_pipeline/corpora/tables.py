"""Any table of reports, CSV, JSON lines or Parquet: which column is what stands in `[corpus.columns]`.

What is not said there goes by its usual names, so that `table:reports.jsonl` often works as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ccf_pipeline.corpora.ids import exact_id
from ccf_pipeline.corpora.mimic import is_below
from ccf_pipeline.corpora.packed_files import Survey, column_names, header_of, open_text, read_table
from ccf_pipeline.corpora.studies import Found, make_study
from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.files.hostile import open_file, read_json
from ccf_pipeline.records import ImageRef, Skipped, Study
from ccf_pipeline.settings import ColumnSettings

CORPUS = "table"
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "study_id": ("study_id", "report_id", "study", "uid", "accession_number", "accession", "id"),
    "subject_id": ("subject_id", "patient_id", "patient", "subject", "deid_patient_id"),
    "text": ("text", "report", "report_text", "full_report", "body"),
    "findings": ("findings", "finding", "section_findings"),
    "impression": ("impression", "impressions", "section_impression", "conclusion"),
    "split": ("split", "fold", "partition"),
    "image": ("image", "image_path", "img_path", "path_to_image", "filename"),
    "view": ("view", "view_position", "projection"),
    "age": ("age", "patient_age"),
    "sex": ("sex", "gender", "patient_sex"),
}
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet", ".csv.gz", ".tsv.gz", ".jsonl.gz", ".ndjson.gz")
BATCH_ROWS = 1000
_FRONTAL = {"pa": "PA", "ap": "AP", "frontal": "frontal", "": None}
_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}\Z")

Row = dict[str, str]


def read_tables(
    path: Path, survey: Survey, columns: ColumnSettings, *, images: Path | None = None
) -> Iterator[Study | Skipped]:
    """Every row of the table, or of all tables of a folder in the order of their names."""
    files = _list_files(path)
    root = images or (path if path.is_dir() else path.parent)
    for file in files:
        for number, row in enumerate(_iter_rows(file, survey, columns), 1):
            if isinstance(row, Skipped):
                yield row
            else:
                yield _make_study_of_row(root, row, file, number)


def _list_files(path: Path) -> list[Path]:
    if path.is_file() and path.name.endswith(SUFFIXES):
        return [path]
    if path.is_file():
        raise MissingInput(
            f"{path}: not a table, by its name", hint=f"Expected a file ending in {', '.join(SUFFIXES)}."
        )
    files = [file for file in sorted(path.iterdir()) if file.name.endswith(SUFFIXES) and not file.is_dir()]
    if not files:
        raise MissingInput(f"{path}: no table here", hint=f"Expected a file ending in {', '.join(SUFFIXES)}.")
    return files


def _make_study_of_row(root: Path, row: Row, file: Path, number: int) -> Study | Skipped:
    study_id = exact_id(row["study_id"], where=str(file))
    if not _ID.match(study_id):
        return Skipped(study_id=f"{file.name}:{number}", reason="bad_id", detail="no id, or one that is none")
    image, missing = _find_image(root, row["image"], row["view"])
    subject = exact_id(row["subject_id"], where=str(file))
    found = Found(
        study_id=study_id,
        subject_id=subject or study_id,
        report=row["text"],
        findings=row["findings"],
        impression=row["impression"],
        split=row["split"],
        image=image,
        image_missing=missing,
        age=row["age"],
        sex=row["sex"],
        notes=() if subject else ("patient_not_given",),
    )
    return make_study(CORPUS, found)


def _find_image(root: Path, path: str, view: str) -> tuple[ImageRef | None, str | None]:
    if not path.strip():
        return None, "no_image_listed"
    if view.strip().lower() not in _FRONTAL:
        return None, "no_frontal_view"
    # `ccf-build images` makes a .jpg of a .dcm.
    for candidate in (path, str(Path(path).with_suffix(".jpg"))):
        if is_below(root, candidate):
            view = _FRONTAL[view.strip().lower()] or ""
            return ImageRef(image_id=Path(path).stem, path=candidate, view=view or None), None
    return None, "image_not_on_disk"


# --- the three formats --------------------------------------------------------------------


def _iter_rows(file: Path, survey: Survey, columns: ColumnSettings) -> Iterator[Row | Skipped]:
    name = file.name.removesuffix(".gz")
    if name.endswith(".parquet"):
        return _iter_parquet_rows(file, columns)
    if name.endswith((".jsonl", ".ndjson")):
        return _iter_json_rows(file, survey, columns)
    return _iter_csv_rows(file, survey, columns)


def _iter_csv_rows(file: Path, survey: Survey, columns: ColumnSettings) -> Iterator[Row]:
    chosen = choose_columns(file, header_of(file, survey), columns)
    for cells in read_table(file, survey, list(chosen.values())):
        yield _clean_row(dict(zip(chosen, cells, strict=True)))


def _iter_json_rows(file: Path, survey: Survey, columns: ColumnSettings) -> Iterator[Row | Skipped]:
    chosen: dict[str, str] | None = None
    with open_text(file, survey) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                given = read_json(line)
            except (ValueError, RecursionError):
                given = None
            if not isinstance(given, dict):
                yield Skipped(study_id=f"{file.name}:{number}", reason="bad_row", detail="not a JSON object")
                continue
            if chosen is None or chosen["study_id"] not in given:
                chosen = choose_columns(file, list(given), columns)
            yield _clean_row({part: _format_cell(given.get(column)) for part, column in chosen.items()})


def _iter_parquet_rows(file: Path, columns: ColumnSettings) -> Iterator[Row]:
    try:
        table = pq.ParquetFile(open_file(file))
        chosen = choose_columns(file, table.schema_arrow.names, columns)
        for batch in table.iter_batches(batch_size=BATCH_ROWS, columns=list(chosen.values())):
            for row in batch.to_pylist():
                yield _clean_row({part: _format_cell(row[column]) for part, column in chosen.items()})
    except (pa.ArrowException, OSError) as error:
        raise UnreadableInput(f"{file}: is not readable Parquet ({error.__class__.__name__})") from error


def choose_columns(file: Path, header: Sequence[str], columns: ColumnSettings) -> dict[str, str]:
    """Return which column is what: as the settings say, or by the first usual name that is there."""
    chosen: dict[str, str] = {}
    by_plain_name = {name.strip().lower(): name for name in reversed(header)}
    for part, usual in USUAL_NAMES.items():
        said = getattr(columns, part)
        if said is not None and said not in header:
            raise SettingsError(
                f"{file}: has no column `{said}`, which corpus.columns.{part} names",
                hint=f"It has: {column_names(header)}.",
            )
        name = said or next((by_plain_name[name] for name in usual if name in by_plain_name), None)
        if name is not None:
            chosen[part] = name
    if "study_id" not in chosen or not {"text", "findings", "impression"} & chosen.keys():
        raise SettingsError(
            f"{file}: no column is known to hold the {'report' if 'study_id' in chosen else 'id'}",
            hint="Name it in build.toml under [corpus.columns], study_id = … and text = … (or findings and"
            f" impression). The file has: {column_names(header)}.",
        )
    return chosen


def _clean_row(cells: Row) -> Row:
    return {part: cells.get(part, "") for part in USUAL_NAMES}


def _format_cell(value: Any) -> str:
    """A cell as text: 50414267.0 is an id that a data frame made a float of."""
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
