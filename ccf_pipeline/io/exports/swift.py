"""`cpo_thinking`: preference pairs over one image, in the columns ms-swift reads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ccf_pipeline.io.exports import Export
from ccf_pipeline.io.exports.wrapping import (
    IMAGE_TAG,
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    QUESTION,
    answer,
    conversation,
    with_features,
)
from ccf_pipeline.records import Record

# Undecoded, ms-swift passes the bytes on as they are; decoded it would re-encode one side only.
IMAGES_FEATURE = [{"decode": False, "_type": "Image"}]


def row(record: Record, image: bytes | None) -> dict[str, Any]:
    question = QUESTION.format(image=IMAGE_TAG)
    images = [{"bytes": image, "path": f"{record.image_id}.jpg"}]
    return {
        "messages": conversation(question, answer(record.factual_text, record.factual_labels)),
        "images": images,
        "rejected_messages": conversation(
            question, answer(record.counterfactual_text, record.counterfactual_labels)
        ),
        "rejected_images": images,
    }


EXPORT = Export(
    config="cpo_thinking",
    purpose="preference pairs over one image for ms-swift",
    schema=with_features(
        pa.schema(
            [
                ("messages", MESSAGES),
                ("images", IMAGES),
                ("rejected_messages", MESSAGES),
                ("rejected_images", IMAGES),
            ]
        ),
        {
            "messages": MESSAGES_FEATURE,
            "images": IMAGES_FEATURE,
            "rejected_messages": MESSAGES_FEATURE,
            "rejected_images": IMAGES_FEATURE,
        },
    ),
    with_images=True,
    rows_per_file=2_000,
    row=row,
)
