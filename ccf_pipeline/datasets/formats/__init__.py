"""Records as training packages want them: one config of the data set each, all of them fed study by study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from ccf_pipeline.datasets.formats.images import LeftOut, StudyImages
from ccf_pipeline.datasets.wrapper import Wrapper
from ccf_pipeline.files.plugins import load_plugins
from ccf_pipeline.records import Record

Row = dict[str, Any]


@dataclass(frozen=True)
class StudyPairs:
    """The records of one study, and what a config needs to make rows of them.

    `all_records` are those the verdict was spoken over, `records` those that `rejected_per_chosen` left.
    """

    all_records: Sequence[Record]
    records: Sequence[Record]
    images: StudyImages
    wrapper: Wrapper
    perception_weight: float = 1.0


@dataclass(frozen=True)
class Export:
    """One config: its columns, and how the records of a study become rows of it.

    `images_of` names whose images its columns hold, one entry for each time a study's rows store one.
    """

    config: str
    purpose: str
    schema: pa.Schema
    rows: Callable[[StudyPairs], Iterable[Row | LeftOut]]
    unit: Literal["pair", "study"] = "pair"
    images_of: tuple[Literal["own", "matched"], ...] = ("own",)
    of: Literal["accepted", "rejected"] = "accepted"
    formats: tuple[str, ...] = ("parquet", "json", "jsonl", "csv")

    @property
    def shows_images(self) -> bool:
        return bool(self.images_of)


def shipped_exports() -> tuple[Export, ...]:
    """Every config a data set can hold, in the order of the settings."""
    from ccf_pipeline.datasets.formats import ccf, cf_vlm, llamafactory, swift, trl

    return (
        ccf.EXPORT,
        swift.SFT,
        swift.THINKING,
        swift.PERCEPTION,
        swift.MIXED,
        trl.EXPORT,
        llamafactory.EXPORT,
        cf_vlm.EXPORT,
        ccf.REJECTED,
        *load_plugins("ccf_pipeline.formats", Export).values(),
    )


def all_exports() -> tuple[Export, ...]:
    """The configs of a data set, and the forms that only `ccf-build export` writes."""
    from ccf_pipeline.datasets.formats import cpo_scripts

    return (*shipped_exports(), cpo_scripts.EXPORT)


def each_record(row: Callable[[Record, StudyPairs], Row | LeftOut]) -> Callable[[StudyPairs], Iterator[Any]]:
    """Make the rows of a config that has one for every pair."""

    def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
        for record in study.records:
            yield row(record, study)

    return rows
