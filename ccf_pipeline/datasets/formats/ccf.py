"""`ccf` and `rejected`: the whole record, with its provenance."""

from __future__ import annotations

from collections.abc import Iterator

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs
from ccf_pipeline.files.arrow import arrow_schema
from ccf_pipeline.records import Record


def rows(study: StudyPairs) -> Iterator[Row]:
    for record in study.all_records:
        yield record.model_dump()


EXPORT = Export(
    config="ccf",
    purpose="every pair with its verdict, scores and lineage",
    schema=arrow_schema(Record),
    rows=rows,
    images_of=(),
)

REJECTED = Export(
    config="rejected",
    purpose="answers that the checker refused, with its reasons",
    schema=arrow_schema(Record),
    rows=rows,
    images_of=(),
    of="rejected",
)
