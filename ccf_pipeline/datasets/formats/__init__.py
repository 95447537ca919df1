"""Records as training packages want them: one config of the data set each, all of them fed study by study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from ccf_pipeline.datasets.formats.images import ImageCell, LeftOut, StudyImages
from ccf_pipeline.datasets.formats.select import Use
from ccf_pipeline.datasets.wrapper import Sides, Wrapper, pair_answers
from ccf_pipeline.files.plugins import load_plugins
from ccf_pipeline.records import Record

Row = dict[str, Any]


@dataclass(frozen=True)
class StudyPairs:
    """The records of one study, and what a config needs to make rows of them.

    Args:
        all_records: those the verdict was spoken over.
        records: those that `rejected_per_chosen` left.
        mirrored, unmirrored: those to train on, with and without a film that shows the counterfactual.
        left_out: how many are not trained on, by reason.
    """

    all_records: Sequence[Record]
    records: Sequence[Record]
    mirrored: Sequence[Record]
    unmirrored: Sequence[Record]
    left_out: Mapping[str, int]
    images: StudyImages
    wrapper: Wrapper
    perception_weight: float = 1.0


@dataclass(frozen=True)
class Export:
    """One config: its columns, and how the records of a study become rows of it.

    Args:
        trains_on: which of the selected pairs it holds; None for a config that is not made of pairs to train
            on.
        images_of: whose images its columns hold, one entry for each time a study's rows store one.
    """

    config: str
    purpose: str
    schema: pa.Schema
    rows: Callable[[StudyPairs], Iterable[Row | LeftOut]]
    unit: Literal["pair", "study"] = "pair"
    trains_on: frozenset[Use] | None = None
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
        swift.MIRROR,
        swift.PERCEPTION,
        swift.MIXED,
        trl.EXPORT,
        llamafactory.EXPORT,
        swift.UNMIRRORED,
        cf_vlm.EXPORT,
        ccf.REJECTED,
        *load_plugins("ccf_pipeline.formats", Export).values(),
    )


def all_exports() -> tuple[Export, ...]:
    """The configs of a data set, and the forms that only `ccf-build export` writes."""
    from ccf_pipeline.datasets.formats import cpo_scripts, grpo, kto

    return (
        *shipped_exports(),
        kto.SWIFT,
        kto.TRL,
        grpo.SWIFT,
        grpo.TRL,
        grpo.VERL,
        cpo_scripts.EXPORT,
    )


def mix_rows(
    row: Callable[[StudyPairs, Sides, ImageCell], Row],
) -> Callable[[StudyPairs], Iterator[Row | LeftOut]]:
    """Make the rows of the balanced mix: each pair over its own film, and turned round over the matched one.

    A pair that lacks either film gives neither row: one of them alone would let the text decide.
    """

    def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
        for record in study.mirrored:
            films = films_of(record, study)
            if isinstance(films, LeftOut):
                yield films
                continue
            own, matched = films
            sides = pair_answers(record, study.wrapper)
            yield {**row(study, sides, own), "record_id": record.record_id}
            yield {**row(study, sides.turned, matched), "record_id": record.record_id}

    return rows


def films_of(record: Record, study: StudyPairs) -> tuple[ImageCell, ImageCell] | LeftOut:
    """Return a pair's own film and the matched one, or why there are not both."""
    own, matched = study.images.own(record), study.images.matched(record)
    if isinstance(own, LeftOut):
        return own
    return matched if isinstance(matched, LeftOut) else (own, matched)
