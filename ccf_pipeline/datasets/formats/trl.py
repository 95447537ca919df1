"""`trl_dpo`: preference pairs over one image, in the columns TRL's DPOTrainer reads."""

from __future__ import annotations

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, mix_rows
from ccf_pipeline.datasets.formats.columns import (
    DECODED_IMAGES,
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    RECORD_ID,
    table,
    turn,
)
from ccf_pipeline.datasets.formats.images import ImageCell
from ccf_pipeline.datasets.wrapper import Sides


def row(study: StudyPairs, sides: Sides, image: ImageCell) -> Row:
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
    purpose="the balanced mix: every pair over its own film and turned round over the matched one, for TRL",
    schema=table(
        prompt=_MESSAGES,
        chosen=_MESSAGES,
        rejected=_MESSAGES,
        images=(IMAGES, DECODED_IMAGES),
        record_id=RECORD_ID,
    ),
    rows=mix_rows(row),
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "matched"),
)
