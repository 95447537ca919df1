"""Counterfactual data sets of any make → pairs: ours, CPO's, CF-VLM's, JSON lines, or a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.hostile import read_json
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Direction, Pair, Skipped

LONGEST_CELL = 64 << 20
LONGEST_TEXT = 32_000
"""Three times the longest report; a single sentence of so many words is read in seconds, not minutes."""
FIELDS = ("id", "factual", "candidate", "target", "direction", "swap_from")
NEEDED = ("factual", "candidate")
OURS = {
    "id": "record_id",
    "factual": "factual_text",
    "candidate": "counterfactual_text",
    "target": "target",
    "direction": "direction",
    "swap_from": "swap_from",
}
_IDS = {
    **{"".join(label.lower().split()): finding for finding, label in FINDING_LABELS.items()},
    **{finding: finding for finding in FINDING_LABELS},
    "normal": NO_FINDING,
    "healthy": NO_FINDING,
}
Row = Mapping[str, Any]


def read_pairs(path: Path, columns: Mapping[str, str] | None = None) -> Iterator[Pair | Skipped]:
    """The pairs of a file or of a folder that we published; a row that is none says why.

    Args:
        columns: which column holds what, as `{"factual": "report", …}`, for tables of other makes.
    """
    if not path.exists():
        raise MissingInput(f"{path}: there is no such file or folder")
    for number, row in enumerate(_read_rows(path), 1):
        if number == 1:
            _require_known_columns(path, row, columns or {})
        yield from _iter_pairs(row, number, columns or {})


def _require_known_columns(path: Path, row: Row, columns: Mapping[str, str]) -> None:
    """Refuse a file none of whose columns is known; which were looked for is said."""
    known = {"counterfact", "cf_samples", OURS["candidate"], columns.get("candidate", "candidate")}
    if known & row.keys():
        return
    raise UnreadableInput(
        f"{path}: has no column of counterfactuals; looked for {', '.join(sorted(known))}",
        hint=f"Name the columns: --columns factual=COLUMN,candidate=COLUMN. The file has"
        f" {', '.join(map(str, row))}.",
    )


def _read_rows(path: Path) -> Iterator[Row]:
    if path.is_dir():
        yield from _read_folder(path)
    elif path.suffix == ".parquet":
        yield from _read_parquet(path)
    elif path.suffix == ".csv":
        yield from _read_csv(path)
    else:
        yield from _read_json_rows(path)


def _read_csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            yield from csv.DictReader(lines)
    except (csv.Error, ValueError, OSError) as error:
        raise UnreadableInput(f"{path}: is no table in UTF-8 ({error.__class__.__name__})") from error


def _read_folder(path: Path) -> Iterator[Row]:
    places = (path / "dataset" / "data" / "ccf", path / "data" / "ccf", path / "ccf", path)
    files = next((found for place in places if (found := sorted(place.glob("*.parquet")))), [])
    if not files:
        raise UnreadableInput(
            f"{path}: holds no data set of ours", hint="Name a build folder, its dataset/ or a file."
        )
    for file in files:
        yield from _read_parquet(file)


def _read_parquet(path: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=1000):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise UnreadableInput(f"{path}: is not Parquet ({error.__class__.__name__})") from error


def _read_json_rows(path: Path) -> Iterator[Row]:
    """JSON lines, a list, or one object that goes over many lines."""
    try:
        with path.open(encoding="utf-8") as lines:
            first = next((line for line in lines if line.strip()), "")
            try:
                read_json(first)
                whole = False
            except ValueError:
                whole = True
        if whole:
            yield from _iter_objects(read_json(path.read_text(encoding="utf-8")), path)
            return
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                if line.strip():
                    yield from _iter_objects(read_json(line), path)
    except (ValueError, OSError) as error:
        what = f"is neither JSON lines nor JSON ({error.__class__.__name__})"
        raise UnreadableInput(f"{path}: {what}") from error


def _iter_objects(value: object, path: Path) -> Iterable[Row]:
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    if isinstance(value, dict):
        return [value]
    raise UnreadableInput(f"{path}: holds something that is not an object with fields")


# --- rows of each make ------------------------------------------------------------------------


def _iter_pairs(row: Row, number: int, columns: Mapping[str, str]) -> Iterator[Pair | Skipped]:
    if columns:
        yield _make_pair(row, number, {**{name: name for name in FIELDS}, **columns})
    elif "counterfact" in row:
        yield from _read_cpo_row(row, number)
    elif "cf_samples" in row:
        yield from _read_cf_vlm_row(row, number)
    elif "counterfactual_text" in row:
        yield _make_pair(row, number, OURS)
    else:
        yield _make_pair(row, number, {name: name for name in FIELDS})


def _read_cpo_row(row: Row, number: int) -> Iterator[Pair | Skipped]:
    """`{dicom_id, sid, pid, report, diagnose, counterfact: {disease: text}}`: a disease was to appear."""
    name = str(row.get("dicom_id") or row.get("sid") or number)
    told = row["counterfact"]
    for disease, text in told.items() if isinstance(told, dict) else ():
        fields = {"id": f"{name}/{disease}", "factual": row.get("report"), "candidate": text}
        normal = _find_finding_id(disease) == NO_FINDING
        diagnosed = row.get("diagnose") if normal else None
        change = {"target": disease, "direction": "swap" if normal else "add", "swap_from": diagnosed}
        yield _make_pair({**fields, **change}, number, {field: field for field in FIELDS})


def _read_cf_vlm_row(row: Row, number: int) -> Iterator[Pair | Skipped]:
    """`{orig_output, cf_samples: [{cf_text}]}`: what was to change is read from the texts."""
    for sample, told in enumerate(row["cf_samples"] or (), 1):
        text = told.get("cf_text") if isinstance(told, dict) else told
        fields = {
            "id": f"{row.get('id', number)}/{sample}",
            "factual": row.get("orig_output"),
            "candidate": text,
        }
        yield _make_pair(fields, number, {field: field for field in FIELDS})


def _make_pair(row: Row, number: int, columns: Mapping[str, str]) -> Pair | Skipped:
    value = {field: row.get(column) for field, column in columns.items()}
    name = str(value["id"] if value.get("id") not in (None, "") else number)
    if any(len(str(value.get(field))) > LONGEST_TEXT for field in NEEDED):
        return Skipped(study_id=name, reason="too long", detail=f"more than {LONGEST_TEXT} letters")
    lacking = [columns[field] for field in NEEDED if not isinstance(value.get(field), str)]
    if lacking:
        return Skipped(study_id=name, reason="no text", detail=f"`{lacking[0]}` holds no text")
    target = _find_finding_id(value["target"]) if value.get("target") else None
    if value.get("target") and target is None:
        return Skipped(study_id=name, reason="unknown finding", detail=str(value["target"]))
    leaving = tuple(_find_finding_id(finding) for finding in _split_list(value.get("swap_from")))
    if None in leaving:
        return Skipped(study_id=name, reason="unknown finding", detail=str(value["swap_from"]))
    direction = value.get("direction") or ("swap" if leaving else "add")
    if direction not in get_args(Direction):
        return Skipped(study_id=name, reason="unknown direction", detail=str(direction))
    return Pair(
        pair_id=name,
        factual=str(value["factual"]),
        candidate=str(value["candidate"]),
        target=target,
        direction=cast("Direction", direction),
        swap_from=cast("tuple[str, ...]", leaving),
    )


def _find_finding_id(finding: object) -> str | None:
    spoken = str(finding).strip()
    return _IDS.get(spoken) or _IDS.get("".join(spoken.lower().replace("_", " ").split()))


def _split_list(value: object) -> list[object]:
    """A list of findings, also as one text with commas or bars between them."""
    if isinstance(value, str):
        return [part for part in value.replace("|", ",").split(",") if part.strip()]
    return list(value) if isinstance(value, (list, tuple)) else []
