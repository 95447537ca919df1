"""`ccf`: the whole record, with its provenance."""

from __future__ import annotations

from typing import Any

from ccf_pipeline.io.arrow import arrow_schema
from ccf_pipeline.io.exports import Export
from ccf_pipeline.records import Record


def row(record: Record, image: bytes | None) -> dict[str, Any]:
    return record.model_dump()


EXPORT = Export(
    config="ccf",
    purpose="every pair with its verdict, scores and lineage",
    schema=arrow_schema(Record),
    with_images=False,
    rows_per_file=20_000,
    row=row,
)
