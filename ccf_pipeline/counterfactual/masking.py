"""Texts without what they say: findings blotted out, so that only the manner of writing is left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ccf_pipeline.graph import ConceptGraph
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


def mask_details(text: str, graph: ConceptGraph) -> str:
    """The text with sides, places and degrees blotted out as well, and how many findings stand in a row."""
    return _ROW_OF_BLOTS.sub(f" {BLOT} ", _compile_details(graph).sub(BLOT, text))


@lru_cache(maxsize=4)
def _compile_details(graph: ConceptGraph) -> re.Pattern[str]:
    words = {word for region in graph.file.regions for word in region.words}
    words |= {degree for concept in graph.file.concepts for degree in concept.severities}
    words |= {"left", "right", "bilateral", "bilaterally", "both"}
    longest_first = sorted(map(re.escape, words), key=lambda word: (-len(word), word))
    return re.compile(rf"\b(?:{'|'.join(longest_first)})\b", re.IGNORECASE)


_ROW_OF_BLOTS = re.compile(rf"\s*{BLOT}(?:[\s-]*{BLOT})*\s*")


def wrapper_of(answer: str, text: str) -> str:
    """Return the words around a report in an answer, without the report and the number of its diseases."""
    reasoning = " ".join(text.split())
    return _LIST_OF_BLOTS.sub(BLOT, _DISEASES.sub(BLOT, answer.replace(reasoning, BLOT, 1)))
