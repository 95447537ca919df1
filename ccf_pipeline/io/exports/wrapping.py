"""The words around a chain of thought: one wrapper for both sides, so that it cannot tell them apart."""

from __future__ import annotations

import json

import pyarrow as pa

from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Label

QUESTION = "This is a patient's chest DR image{image}. Please help me determine the patient's disease."
IMAGE_TAG = " <image>"

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
IMAGES = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))

_TEXT = {"dtype": "string", "_type": "Value"}
# The old spelling of a list feature is the one that every version of `datasets` reads.
MESSAGES_FEATURE = [{"role": _TEXT, "content": _TEXT}]


def answer(text: str, labels: tuple[Label, ...]) -> str:
    """A report as reasoning, then the diagnosis it leads to."""
    return f"<think> {' '.join(text.split())} </think> {diagnosis(labels)}"


def diagnosis(labels: tuple[Label, ...]) -> str:
    """The findings asserted, in the order of CheXpert's tables; devices are no disease."""
    present = {label.finding for label in labels if label.state == "present"}
    diseases = [
        label
        for finding, label in FINDING_LABELS.items()
        if finding in present and finding not in (NO_FINDING, SUPPORT_DEVICES)
    ]
    return (
        f"The disease of this patient is {', '.join(diseases) if diseases else FINDING_LABELS[NO_FINDING]}."
    )


def conversation(question: str, reply: str) -> list[dict[str, str]]:
    return [turn("user", question), turn("assistant", reply)]


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def with_features(schema: pa.Schema, features: dict[str, object]) -> pa.Schema:
    """Attach the metadata by which the Hub and `datasets` know images from structs."""
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
