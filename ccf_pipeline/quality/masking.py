"""Texts without what they say: findings blotted out, so that only the manner of writing is left."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ccf_pipeline.records import FINDING_LABELS, Mention

BLOT = "\u2588"
_DISEASES = re.compile(
    rf"(?:{'|'.join(sorted(map(re.escape, FINDING_LABELS.values()), key=len, reverse=True))})"
)
_LIST_OF_BLOTS = re.compile(rf"{BLOT}(?:(?:,| and|, and) {BLOT})+")


def mask_findings(text: str, mentions: Iterable[Mention]) -> str:
    """The text with every concept that the reader finds in it blotted out, normal states included."""
    pieces: list[str] = []
    at = 0
    for start, end in sorted({(mention.start, mention.end) for mention in mentions}):
        if start < at:
            at = max(at, end)
            continue
        pieces += [text[at:start], f" {BLOT} "]
        at = end
    return "".join((*pieces, text[at:]))


def wrapper_of(answer: str, text: str) -> str:
    """What stands around a report in an answer: neither the report nor how many diseases it leads to."""
    reasoning = " ".join(text.split())
    return _LIST_OF_BLOTS.sub(BLOT, _DISEASES.sub(BLOT, answer.replace(reasoning, BLOT, 1)))
