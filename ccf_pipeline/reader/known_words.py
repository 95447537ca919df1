"""The words that reports describe findings with: the graph's, the reader's cues, and those of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.lexicon import packaged

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_FUNCTION_CLASSES = ("articles_and_joints", "verbs_without_content")
_PLACE_CLASSES = ("places", "measures", "extents", "bones", "lungs_and_vessels")
_CUE_FILES = ("cues.yaml", "frames.yaml", "words.yaml")
_ENDINGS = ("s", "es", "ed", "d", "ly")
# Counts, ordinals, vertebrae and sizes written together: "3", "7th", "T12", "14mm".
_FIGURE = re.compile(r"(?:\d+(?:st|nd|rd|th|mm|cm)?|[tlc]\d{1,2})\Z")


@lru_cache(maxsize=4)
def known_words(graph: ConceptGraph) -> frozenset[str]:
    """Return every word of the graph, of the reader's cues and of `describing.yaml`, in small letters."""
    texts = [*_iter_strings(packaged("describing.yaml"))]
    for name in _CUE_FILES:
        texts += (text for text in _iter_strings(packaged(name)) if "_" not in text)
    texts += packaged("words.yaml")["abbreviations"]
    texts += packaged("words.yaml")["plurals"]
    for concept in graph.file.concepts:
        texts += [concept.label, *concept.forms, *concept.exact_forms, *concept.severities]
        texts += [concept.write.noun, *concept.write.present, *concept.write.absent]
    texts += (word for region in graph.file.regions for word in region.words)
    return frozenset(WORD.findall("\n".join(texts).lower()))


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Return the words that carry no content: articles, prepositions, auxiliary verbs."""
    classes = packaged("describing.yaml")
    return frozenset(word for name in _FUNCTION_CLASSES for word in classes[name])


@lru_cache(maxsize=1)
def _collect_describing_words() -> frozenset[str]:
    return frozenset(_iter_strings(packaged("describing.yaml"))) - function_words()


def describes(word: str) -> bool:
    """True if a word in small letters is a figure or one of `describing.yaml` that has content."""
    return word in _collect_describing_words() or _FIGURE.match(word) is not None


@lru_cache(maxsize=1)
def _collect_words_of_place() -> frozenset[str]:
    classes = packaged("describing.yaml")
    return frozenset(word for name in _PLACE_CLASSES for word in classes[name])


def places(word: str) -> bool:
    """True if a word in small letters says where or how large something is."""
    return word in _collect_words_of_place() or _FIGURE.match(word) is not None


def is_known(word: str, known: frozenset[str]) -> bool:
    """True if a word in small letters is known, as it stands or without an ending, or is a figure."""
    if word in known or _FIGURE.match(word):
        return True
    return any(word.endswith(end) and word[: -len(end)] in known for end in _ENDINGS)


def _iter_strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _iter_strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _iter_strings(part)
