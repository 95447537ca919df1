"""Records and rows as Arrow tables, built from the buffers of their columns.

`pa.Table.from_pylist` gives the same tables. But whatever it is given, pyarrow first loads pandas to see
whether it is a Series: 40 MB and a third of a second. Records also need no dictionaries on the way.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate, chain
from operator import attrgetter, itemgetter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

Pick = Callable[[str], Callable[[Any], Any]]
"""From the name of a field to what reads it: of a record, or of a row."""

NUMBERS: dict[pa.DataType, str] = {pa.int64(): "q", pa.float64(): "d", pa.float32(): "f"}
"""What a number is called in the standard library's arrays."""


def table_of_nouns(nouns: Sequence[BaseModel], schema: pa.Schema) -> pa.Table:
    """Records by the columns of their schema."""
    return _make_table(nouns, schema, attrgetter)


def table_of_rows(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    """Rows by the columns of a schema; each has them all."""
    return _make_table(rows, schema, itemgetter)


def _make_table(rows: Sequence[Any], schema: pa.Schema, pick: Pick) -> pa.Table:
    columns = [_make_column(list(map(pick(field.name), rows)), field, pick) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _make_column(values: Sequence[Any], field: pa.Field, pick: Pick) -> pa.Array:
    """Text, bytes, numbers, yes or no, and lists and structs of them, as one column."""
    kind = field.type
    nulls = values.count(None) if field.nullable else 0
    there = None
    if nulls:
        there = _pack_bits([value is not None for value in values])
        empty = _make_empty_value(kind, pick)
        values = [empty if value is None else value for value in values]
    buffers: list[pa.Buffer] = []
    parts: list[pa.Array] = []
    if pa.types.is_struct(kind):
        parts = [_make_column(list(map(pick(part.name), values)), part, pick) for part in kind]
    elif pa.types.is_list(kind):
        buffers = [_compute_offsets(values)]
        parts = [_make_column(list(chain.from_iterable(values)), kind.value_field, pick)]
    elif pa.types.is_string(kind):
        encoded = list(map(str.encode, values))
        buffers = [_compute_offsets(encoded), pa.py_buffer(b"".join(encoded))]
    elif pa.types.is_binary(kind):
        buffers = [_compute_offsets(values), pa.py_buffer(b"".join(values))]
    elif pa.types.is_boolean(kind):
        buffers = [_pack_bits(values)]
    else:
        buffers = [pa.py_buffer(array(NUMBERS[kind], values))]
    return pa.Array.from_buffers(kind, len(values), [there, *buffers], nulls, children=parts)


def _make_empty_value(kind: pa.DataType, pick: Pick) -> Any:
    """Return what lies beneath a null: parts of a struct that may not be null are not null there either."""
    if pa.types.is_struct(kind):
        parts = {part.name: _make_empty_value(part.type, pick) for part in kind}
        return parts if pick is itemgetter else SimpleNamespace(**parts)
    if pa.types.is_list(kind):
        return ()
    return "" if pa.types.is_string(kind) else b"" if pa.types.is_binary(kind) else 0


def _compute_offsets(pieces: Iterable[Sequence[Any]]) -> pa.Buffer:
    """Return where each piece ends; beyond 2 GB the array says that it overflows."""
    return pa.py_buffer(array("i", accumulate(map(len, pieces), initial=0)))


def _pack_bits(flags: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.frombuffer(bytes(flags), np.uint8), bitorder="little"))
