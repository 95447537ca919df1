"""`kto` and `trl_kto`: each text over each film of the mix by itself, and whether it is right there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, films_of
from ccf_pipeline.datasets.formats.columns import (
    DECODED_IMAGES,
    IMAGES,
    LABEL_FEATURE,
    MESSAGES,
    MESSAGES_FEATURE,
    PLAIN_IMAGES,
    TEXT,
    TEXT_FEATURE,
    conversation,
    table,
    turn,
)
from ccf_pipeline.datasets.formats.images import LeftOut
from ccf_pipeline.datasets.wrapper import Wrapper, pair_answers


def swift_texts(wrapper: Wrapper, text: str) -> Row:
    return {"messages": conversation(wrapper.asked(tag=True), text)}


def trl_texts(wrapper: Wrapper, text: str) -> Row:
    return {"prompt": [turn("user", wrapper.asked(tag=False))], "completion": [turn("assistant", text)]}


def unpair(texts: Callable[[Wrapper, str], Row]) -> Callable[[StudyPairs], Iterator[Row | LeftOut]]:
    """Make four rows of a pair: both texts over its own film and over the matched one.

    So every text is right as often as it is wrong, and the text alone tells nothing.
    """

    def rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
        for record in study.mirrored:
            films = films_of(record, study)
            if isinstance(films, LeftOut):
                yield films
                continue
            sides = pair_answers(record, study.wrapper)
            for film, right, wrong in zip(
                films, (sides.chosen, sides.rejected), (sides.rejected, sides.chosen), strict=True
            ):
                for text, label in ((right, True), (wrong, False)):
                    told = texts(study.wrapper, text)
                    yield {**told, "images": [film], "label": label, "record_id": record.record_id}

    return rows


_MESSAGES = (MESSAGES, MESSAGES_FEATURE)
_REST = {"label": (pa.bool_(), LABEL_FEATURE), "record_id": (TEXT, TEXT_FEATURE)}

SWIFT = Export(
    config="kto",
    purpose="the balanced mix unpaired, each text with whether it is right, for ms-swift and LLaMA-Factory",
    schema=table(messages=_MESSAGES, images=(IMAGES, PLAIN_IMAGES), **_REST),
    rows=unpair(swift_texts),
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "matched"),
)
TRL = Export(
    config="trl_kto",
    purpose="the same for TRL's KTOTrainer",
    schema=table(prompt=_MESSAGES, completion=_MESSAGES, images=(IMAGES, DECODED_IMAGES), **_REST),
    rows=unpair(trl_texts),
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "matched"),
)
