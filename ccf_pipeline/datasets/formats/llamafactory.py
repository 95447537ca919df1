"""`llamafactory`: preference pairs in LLaMA-Factory's ranking form, and its dataset_info.json."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from ccf_pipeline.datasets.formats import Export, Row, StudyPairs, mix_rows
from ccf_pipeline.datasets.formats.columns import (
    IMAGES,
    MESSAGES,
    MESSAGES_FEATURE,
    PLAIN_IMAGES,
    RECORD_ID,
    TURN,
    TURN_FEATURE,
    table,
    turn,
)
from ccf_pipeline.datasets.formats.images import ImageCell
from ccf_pipeline.datasets.wrapper import Sides


def row(study: StudyPairs, sides: Sides, image: ImageCell) -> Row:
    return {
        "messages": [turn("user", study.wrapper.asked(tag=True))],
        "chosen": turn("assistant", sides.chosen),
        "rejected": turn("assistant", sides.rejected),
        "images": [image],
    }


EXPORT = Export(
    config="llamafactory",
    purpose="the balanced mix, as in `trl_dpo`, for LLaMA-Factory",
    schema=table(
        messages=(MESSAGES, MESSAGES_FEATURE),
        chosen=(TURN, TURN_FEATURE),
        rejected=(TURN, TURN_FEATURE),
        images=(IMAGES, PLAIN_IMAGES),
        record_id=RECORD_ID,
    ),
    rows=mix_rows(row),
    trains_on=frozenset({"mirrored"}),
    images_of=("own", "matched"),
)

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
}


def dataset_info(splits: Mapping[str, Collection[str]]) -> str:
    """Return the file by which LLaMA-Factory finds its configs: one entry for every split of each.

    Entries go by the folder's README (`script_url`), not by a folder of files: that would mix the splits.

    Args:
        splits: the splits each config has files for.
    """
    entries = {}
    for config, ranking in (("llamafactory", True), ("sft", False)):
        for split in splits.get(config, ()):
            columns = {"messages": "messages", "images": "images"}
            if ranking:
                columns |= {"chosen": "chosen", "rejected": "rejected"}
            name = "ccf_dpo" if ranking else "ccf_sft"
            entries[name if split == "train" else f"{name}_{split}"] = {
                "script_url": ".",
                "subset": config,
                "split": split,
                "formatting": "sharegpt",
                "ranking": ranking,
                "columns": columns,
                "tags": _TAGS,
            }
    return json.dumps(entries, indent=2) + "\n"
