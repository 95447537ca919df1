"""`trl_dpo`: preference pairs over one image, in the columns TRL's DPOTrainer reads."""

from __future__ import annotations

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, each_record
from ccf_pipeline.datasets.formats.columns import (
    DECODED_IMAGES,
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    table,
    turn,
)
from ccf_pipeline.datasets.formats.images import LeftOut
from ccf_pipeline.datasets.wrapper import pair_answers
from ccf_pipeline.records import Record


def row(record: Record, study: StudyPairs) -> Row | LeftOut:
    image = study.images.own(record)
    if isinstance(image, LeftOut):
        return image
    sides = pair_answers(record, study.wrapper)
    return {
        # TRL puts the image before the question by itself; a tag in the text would be trained on.
        "prompt": [turn("user", study.wrapper.asked(tag=False))],
        "chosen": [turn("assistant", sides.chosen)],
        "rejected": [turn("assistant", sides.rejected)],
        "images": [image],
    }


_MESSAGES = (MESSAGES, MESSAGES_FEATURE)

EXPORT = Export(
    config="trl_dpo",
    purpose="two texts over one image, for TRL",
    schema=table(prompt=_MESSAGES, chosen=_MESSAGES, rejected=_MESSAGES, images=(IMAGES, DECODED_IMAGES)),
    rows=each_record(row),
)
