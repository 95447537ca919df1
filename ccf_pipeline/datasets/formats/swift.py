"""The columns that ms-swift reads: `sft`, and the preference pairs of CPO and CPO++.

`cpo_thinking` sets two texts beside one image, `cpo_perception` one text beside two images, `cpo_mixed`
holds both with the columns by which CPO++'s trainer tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, each_record
from ccf_pipeline.datasets.formats.columns import (
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    PLAIN_IMAGES,
    TEXT,
    TEXT_FEATURE,
    WEIGHT_FEATURE,
    conversation,
    table,
)
from ccf_pipeline.datasets.formats.images import LeftOut
from ccf_pipeline.datasets.wrapper import chosen_answer, pair_answers
from ccf_pipeline.records import Record

_MESSAGES = (MESSAGES, MESSAGES_FEATURE)
_IMAGES = (IMAGES, PLAIN_IMAGES)


def sft_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """The factual report once per study, however many counterfactuals it has."""
    record = study.all_records[0]
    image = study.images.own(record)
    if isinstance(image, LeftOut):
        yield image
        return
    reply = chosen_answer(record, study.wrapper)
    yield {"messages": conversation(study.wrapper.asked(tag=True), reply), "images": [image]}


def thinking_row(record: Record, study: StudyPairs) -> Row | LeftOut:
    """Factual against counterfactual text, over the same image."""
    image = study.images.own(record)
    if isinstance(image, LeftOut):
        return image
    question, sides = study.wrapper.asked(tag=True), pair_answers(record, study.wrapper)
    return {
        "messages": conversation(question, sides.chosen),
        "images": [image],
        "rejected_messages": conversation(question, sides.rejected),
        "rejected_images": [image],
    }


def perception_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """The factual text over the image it was written about, against the same text over a matched one."""
    shown: set[str] = set()
    for record in study.records:
        other, image = study.images.matched(record), study.images.own(record)
        if isinstance(image, LeftOut):
            yield image
        elif isinstance(other, LeftOut):
            yield other
        elif record.matched_image is not None and record.matched_image.path in shown:
            yield LeftOut("same matched image twice")
        else:
            shown.add(record.matched_image.path if record.matched_image else "")
            said = conversation(study.wrapper.asked(tag=True), chosen_answer(record, study.wrapper))
            yield {
                "messages": said,
                "images": [image],
                "rejected_messages": said,
                "rejected_images": [other],
            }


def mixed_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """Both kinds, a study's thinking pairs before its perception pairs."""
    for row in each_record(thinking_row)(study):
        yield _from(row, "thinking", 1.0)
    for row in perception_rows(study):
        yield _from(row, "perception", study.perception_weight)


def _from(row: Row | LeftOut, source: str, weight: float) -> Row | LeftOut:
    if isinstance(row, LeftOut):
        return LeftOut(f"{source}: {row.reason}")
    return {**row, "cpo_source": source, "cpo_sample_weight": weight}


_PAIR = {
    "messages": _MESSAGES,
    "images": _IMAGES,
    "rejected_messages": _MESSAGES,
    "rejected_images": _IMAGES,
}

SFT = Export(
    config="sft",
    purpose="the factual report as an answer, once per study, for ms-swift and LLaMA-Factory",
    schema=table(messages=_MESSAGES, images=_IMAGES),
    rows=sft_rows,
    unit="study",
)
THINKING = Export(
    config="cpo_thinking",
    purpose="two texts over one image, for ms-swift",
    schema=table(**_PAIR),
    rows=each_record(thinking_row),
    images_of=("own", "own"),
)
PERCEPTION = Export(
    config="cpo_perception",
    purpose="one text over two images, the rejected one another patient's, for ms-swift",
    schema=table(**_PAIR),
    rows=perception_rows,
    images_of=("own", "matched"),
)
MIXED = Export(
    config="cpo_mixed",
    purpose="thinking and perception pairs together, with their source and weight, for CPO++'s trainer",
    schema=table(**_PAIR, cpo_source=(TEXT, TEXT_FEATURE), cpo_sample_weight=(pa.float32(), WEIGHT_FEATURE)),
    rows=mixed_rows,
    images_of=("own", "own", "matched"),
)
