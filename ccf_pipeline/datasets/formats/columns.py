"""Column types that every version of `datasets` reads, and by what it knows images from structs."""

from __future__ import annotations

import json

import pyarrow as pa

TEXT = pa.string()
TURN = pa.struct([("role", TEXT), ("content", TEXT)])
MESSAGES = pa.list_(TURN)
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", TEXT)]))

TEXT_FEATURE = {"dtype": "string", "_type": "Value"}
LABEL_FEATURE = {"dtype": "bool", "_type": "Value"}
RECORD_ID = (TEXT, TEXT_FEATURE)
"""Joins a row with that of `ccf`; trainers drop columns that they do not know."""
WEIGHT_FEATURE = {"dtype": "float32", "_type": "Value"}
TURN_FEATURE = {"role": TEXT_FEATURE, "content": TEXT_FEATURE}
# The old spelling of a list feature is the one that every version of `datasets` reads.
MESSAGES_FEATURE = [TURN_FEATURE]
DECODED_IMAGES = [{"_type": "Image"}]
# Undecoded, ms-swift passes the bytes on as they are; decoded it would re-encode one side only.
PLAIN_IMAGES = [{"decode": False, "_type": "Image"}]


def table(**columns: tuple[pa.DataType, object]) -> pa.Schema:
    """A schema from (Arrow type, feature) by column."""
    features = {name: feature for name, (_, feature) in columns.items()}
    schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()])
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def conversation(question: str, reply: str) -> list[dict[str, str]]:
    return [turn("user", question), turn("assistant", reply)]
