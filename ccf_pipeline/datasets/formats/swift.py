"""The columns that ms-swift reads: `sft`, and the preference pairs of CPO and CPO++.

`cpo_thinking` sets two texts beside one image, `cpo_mirror` the same texts turned round beside the matched
one, `cpo_perception` one text beside two images; `cpo_mixed` holds all three with the columns by which
CPO++'s trainer tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, films_of
from ccf_pipeline.datasets.formats.columns import (
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    PLAIN_IMAGES,
    RECORD_ID,
    TEXT,
    TEXT_FEATURE,
    WEIGHT_FEATURE,
    conversation,
    table,
)
from ccf_pipeline.datasets.formats.images import ImageCell, LeftOut
from ccf_pipeline.datasets.wrapper import Sides, chosen_answer, pair_answers
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
    said = conversation(study.wrapper.asked(tag=True), reply)
    yield {"messages": said, "images": [image], "record_id": record.record_id}


def pair_row(study: StudyPairs, record: Record, sides: Sides, image: ImageCell) -> Row:
    """Two texts over one image."""
    question = study.wrapper.asked(tag=True)
    return {
        "messages": conversation(question, sides.chosen),
        "images": [image],
        "rejected_messages": conversation(question, sides.rejected),
        "rejected_images": [image],
        "record_id": record.record_id,
    }


def thinking_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """The factual against the counterfactual text, over the film of the report."""
    for record in study.mirrored:
        films = films_of(record, study)
        if isinstance(films, LeftOut):
            yield films
        else:
            yield pair_row(study, record, pair_answers(record, study.wrapper), films[0])


def mirror_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """The counterfactual against the factual text, over another patient's film that shows it."""
    for record in study.mirrored:
        films = films_of(record, study)
        if isinstance(films, LeftOut):
            yield films
        else:
            yield pair_row(study, record, pair_answers(record, study.wrapper).turned, films[1])


def unmirrored_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """Thinking rows of the pairs for which no film shows the counterfactual."""
    for record in study.unmirrored:
        image = study.images.own(record)
        if isinstance(image, LeftOut):
            yield image
        else:
            yield pair_row(study, record, pair_answers(record, study.wrapper), image)


def perception_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """The factual text over the image it was written about, against the same text over a matched one."""
    return _make_perception_rows(study, (*study.mirrored, *study.unmirrored))


def _make_perception_rows(study: StudyPairs, records: Iterable[Record]) -> Iterator[Row | LeftOut]:
    shown: set[str] = set()
    for record in records:
        films = films_of(record, study)
        if isinstance(films, LeftOut):
            yield films
            continue
        own, matched = films
        path = record.matched_image.path if record.matched_image else ""
        if path in shown:
            yield LeftOut("same matched image twice")
            continue
        shown.add(path)
        said = conversation(study.wrapper.asked(tag=True), chosen_answer(record, study.wrapper))
        yield {
            "messages": said,
            "images": [own],
            "rejected_messages": said,
            "rejected_images": [matched],
            "record_id": record.record_id,
        }


def mixed_rows(study: StudyPairs) -> Iterator[Row | LeftOut]:
    """All three kinds: a study's thinking, mirror and perception rows, one kind after the other."""
    for row in thinking_rows(study):
        yield _convert_row(row, "thinking", 1.0)
    for row in mirror_rows(study):
        yield _convert_row(row, "mirror", 1.0)
    for row in _make_perception_rows(study, study.mirrored):
        yield _convert_row(row, "perception", study.perception_weight)


def _convert_row(row: Row | LeftOut, source: str, weight: float) -> Row | LeftOut:
    if isinstance(row, LeftOut):
        return LeftOut(f"{source}: {row.reason}")
    # CPO++'s trainer keeps every column, and would hand a further one to the model.
    told = {name: value for name, value in row.items() if name != "record_id"}
    return {**told, "cpo_source": source, "cpo_sample_weight": weight}


_PAIR = {
    "messages": _MESSAGES,
    "images": _IMAGES,
    "rejected_messages": _MESSAGES,
    "rejected_images": _IMAGES,
}

SFT = Export(
    config="sft",
    purpose="the factual report as an answer, once per study, for ms-swift and LLaMA-Factory",
    schema=table(messages=_MESSAGES, images=_IMAGES, record_id=RECORD_ID),
    rows=sft_rows,
    unit="study",
)
THINKING = Export(
    config="cpo_thinking",
    purpose="the mix's pairs over their own film: the factual text chosen, for ms-swift",
    schema=table(**_PAIR, record_id=RECORD_ID),
    rows=thinking_rows,
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "own"),
)
MIRROR = Export(
    config="cpo_mirror",
    purpose="the same pairs turned round over another patient's film: the counterfactual text chosen",
    schema=table(**_PAIR, record_id=RECORD_ID),
    rows=mirror_rows,
    trains_on=frozenset({"mirrored"}),
    images_of=("matched", "matched"),
)
PERCEPTION = Export(
    config="cpo_perception",
    purpose="one text over two images, the rejected one another patient's, for ms-swift",
    schema=table(**_PAIR, record_id=RECORD_ID),
    rows=perception_rows,
    trains_on=frozenset({"mirrored", "unmirrored"}),
    images_of=("own", "matched"),
)
MIXED = Export(
    config="cpo_mixed",
    purpose="thinking, mirror and perception rows together, with source and weight, for CPO++'s trainer",
    schema=table(**_PAIR, cpo_source=(TEXT, TEXT_FEATURE), cpo_sample_weight=(pa.float32(), WEIGHT_FEATURE)),
    rows=mixed_rows,
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "matched", "own", "matched"),
)
UNMIRRORED = Export(
    config="cpo_unmirrored",
    purpose="pairs that no film mirrors, as in `cpo_thinking`: their texts alone tell the sides apart",
    schema=table(**_PAIR, record_id=RECORD_ID),
    rows=unmirrored_rows,
    trains_on=frozenset({"unmirrored"}),
    images_of=("own", "own"),
)
