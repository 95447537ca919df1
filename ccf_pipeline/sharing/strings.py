"""Every string of every file that is to leave: Parquet cells and footers, JSON, text, comments of images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_ROWS = 512
# What the writer of the Parquet says of itself: how it cut the pages, in numbers.
_OF_THE_WRITER = frozenset({b"ARROW:schema", b"content_defined_chunking"})
_LINES = frozenset({".jsonl", ".ndjson"})
_IMAGES = frozenset({".jpg", ".jpeg", ".png"})
_TEXT = frozenset({".md", ".txt", ".yaml", ".yml", ".csv", ".tsv", ".html", ".xml", ".toml", ""})


def strings_of(path: Path) -> Iterator[tuple[str, str]]:
    """(where in the file, string); raises ValueError for a file that it cannot read."""
    if path.suffix == ".parquet":
        yield from _iter_parquet_strings(path)
    elif path.suffix == ".json":
        yield from _iter_json_strings(json.loads(path.read_text(encoding="utf-8")), "")
    elif path.suffix in _LINES:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield from _iter_json_strings(json.loads(line), f"line {number}")
    elif path.suffix in _TEXT:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"line {number}", line
    elif path.suffix in _IMAGES:
        yield from _iter_image_strings(path)
    else:
        raise ValueError(f"unknown kind of file: {path.suffix}")


def footer_texts(path: Path) -> Iterator[str]:
    """The text columns of a Parquet file whose least and greatest values its footer tells."""
    metadata = _open_image(path).metadata
    told = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            if column.physical_type != "BYTE_ARRAY":
                continue
            # A page index holds the same values once more, page by page.
            if (column.statistics is not None and column.statistics.has_min_max) or column.has_column_index:
                told.add(column.path_in_schema)
    yield from sorted(told)


def _iter_parquet_strings(path: Path) -> Iterator[tuple[str, str]]:
    file = _open_image(path)
    for key, value in (file.metadata.metadata or {}).items():
        # The Arrow schema is kept in base64; its names are read below, its own metadata here.
        if key not in _OF_THE_WRITER:
            yield "footer", value.decode("utf-8", errors="replace")
    for name, value in (file.schema_arrow.metadata or {}).items():
        if name not in _OF_THE_WRITER:
            yield f"schema {name.decode()}", value.decode("utf-8", errors="replace")
    try:
        for batch in file.iter_batches(batch_size=_ROWS):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                yield from _iter_arrow_strings(column, name)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError("damaged Parquet") from error


def _iter_arrow_strings(array: Any, place: str) -> Iterator[tuple[str, str]]:
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        for text in array.to_pylist():
            if text:
                yield place, text
    elif pa.types.is_dictionary(kind):
        yield from _iter_arrow_strings(array.dictionary, place)
    elif pa.types.is_struct(kind):
        for number, field in enumerate(kind):
            yield from _iter_arrow_strings(array.field(number), f"{place}.{field.name}")
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield from _iter_arrow_strings(array.flatten(), place)
    elif pa.types.is_map(kind):
        yield from _iter_arrow_strings(array.keys, f"{place}.key")
        yield from _iter_arrow_strings(array.items, f"{place}.value")


def _iter_json_strings(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield place, key
            yield from _iter_json_strings(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _iter_json_strings(inner, place)


def _iter_image_strings(path: Path) -> Iterator[tuple[str, str]]:
    """Return what is written beside the pixels: comments, PNG texts, EXIF."""
    from PIL import Image

    with Image.open(path) as image:
        told = [(str(key), value) for key, value in image.info.items()]
        told += [(f"exif {tag}", value) for tag, value in image.getexif().items()]
    for key, value in told:
        if isinstance(value, str | bytes):
            yield key, value if isinstance(value, str) else value.decode("latin-1")


def _open_image(path: Path) -> Any:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise ValueError("damaged Parquet") from error
