"""`trl_dpo`: preference pairs over one image, in the columns TRL's DPOTrainer reads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ccf_pipeline.io.exports import Export
from ccf_pipeline.io.exports.wrapping import (
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    QUESTION,
    answer,
    turn,
    with_features,
)
from ccf_pipeline.records import Record


def row(record: Record, image: bytes | None) -> dict[str, Any]:
    # TRL puts the image before the question by itself; a tag in the text would be trained on.
    return {
        "prompt": [turn("user", QUESTION.format(image=""))],
        "chosen": [turn("assistant", answer(record.factual_text, record.factual_labels))],
        "rejected": [turn("assistant", answer(record.counterfactual_text, record.counterfactual_labels))],
        "images": [{"bytes": image, "path": f"{record.image_id}.jpg"}],
    }


EXPORT = Export(
    config="trl_dpo",
    purpose="preference pairs over one image for TRL",
    schema=with_features(
        pa.schema([("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES), ("images", IMAGES)]),
        {
            "prompt": MESSAGES_FEATURE,
            "chosen": MESSAGES_FEATURE,
            "rejected": MESSAGES_FEATURE,
            "images": [{"_type": "Image"}],
        },
    ),
    with_images=True,
    rows_per_file=2_000,
    row=row,
)
