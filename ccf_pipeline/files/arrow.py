"""Records as Arrow: the Parquet columns are derived from the record's fields, so that neither can drift."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel

from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.columns import table_of_nouns, table_of_rows
from ccf_pipeline.files.disk import sealed_file

N = TypeVar("N", bound=BaseModel)
T = TypeVar("T")

SCALARS: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}

# A thousand rows of reports are about a megabyte: small enough to browse, large enough to compress.
ROW_GROUP_ROWS = 1000
WRITTEN_AT_ONCE = 1 << 20
# Rows are dictionaries of dictionaries before they are records, some 30 kB for a study with its plans.
READ_AT_ONCE = 100


def arrow_schema(noun: type[BaseModel]) -> pa.Schema:
    """The Parquet columns of a record type."""
    return pa.schema([_make_field(name, info.annotation) for name, info in noun.model_fields.items()])


def write_parquet(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> int:
    """Write rows as one Parquet file, whole or not at all; returns how many."""
    return _write_table(path, rows, schema, table_of_rows)


def write_nouns(path: Path, nouns: Iterable[N], noun: type[N]) -> int:
    """Write records as one Parquet file, whole or not at all; returns how many."""
    return _write_table(path, nouns, arrow_schema(noun), table_of_nouns)


def _write_table(
    path: Path, rows: Iterable[T], schema: pa.Schema, table_of: Callable[[Sequence[T], pa.Schema], pa.Table]
) -> int:
    """Write one Parquet file, a row group at a time.

    Statistics are off: for a text column they would copy report text into the footer. Every page has a
    checksum, so that a flipped byte is told and not read.
    """
    count = 0
    with (
        sealed_file(path, private=True) as temporary,
        pa.OSFile(str(temporary), "wb") as file,
        pa.BufferedOutputStream(file, WRITTEN_AT_ONCE) as sink,  # pages are small, and there are many
        pq.ParquetWriter(
            sink, schema, compression="zstd", write_statistics=False, write_page_checksum=True
        ) as writer,
    ):
        for batch in _split_batches(rows, ROW_GROUP_ROWS):
            writer.write_table(table_of(batch, schema))
            count += len(batch)
    return count


def read_nouns(path: Path, noun: type[N]) -> Iterator[N]:
    """Read the records of a Parquet file back, some at a time."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        for batch in file.iter_batches(batch_size=READ_AT_ONCE):
            yield from (noun.model_validate(row) for row in batch.to_pylist())
    except (pa.ArrowInvalid, OSError) as error:
        raise StorageError(f"{path}: cannot be read back ({error.__class__.__name__})") from error


def read_columns(path: Path, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Some columns of a Parquet file, by their dotted paths, a row group at a time."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        for batch in file.iter_batches(batch_size=ROW_GROUP_ROWS, columns=columns):
            yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise StorageError(f"{path}: cannot be read back ({error.__class__.__name__})") from error


def read_row_count(path: Path) -> int:
    """Return how many rows a Parquet file says it holds."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise StorageError(f"{path}: cannot be read back ({error.__class__.__name__})") from error


def _split_batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _make_field(name: str, annotation: Any) -> pa.Field:
    inner, nullable = _strip_none(annotation)
    return pa.field(name, _choose_arrow_type(inner), nullable=nullable)


def _strip_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return members[0], True
        raise TypeError(f"{annotation} has no Arrow type: a column holds one kind of value")
    return annotation, False


def _choose_arrow_type(annotation: Any) -> pa.DataType:
    if annotation in SCALARS:
        return SCALARS[annotation]
    if get_origin(annotation) is Literal:
        return pa.string()
    if get_origin(annotation) is tuple:
        return pa.list_(pa.field("element", _choose_arrow_type(get_args(annotation)[0])))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return pa.struct(
            [_make_field(name, info.annotation) for name, info in annotation.model_fields.items()]
        )
    raise TypeError(f"{annotation} has no Arrow type")
