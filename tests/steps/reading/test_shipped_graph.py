"""The shipped graph and the reader fit together."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import yaml

from ccf_pipeline.concepts.model import Concept, GraphFile
from ccf_pipeline.steps.reading import Lexicon, read_text

_GRAPH = Path("graphs/thoracic.yaml")


@pytest.fixture(scope="module")
def shipped_graph() -> GraphFile:
    root = next(folder for folder in Path(__file__).resolve().parents if (folder / _GRAPH).exists())
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return GraphFile.model_validate(yaml.load((root / _GRAPH).read_text("utf-8"), loader))


@pytest.fixture(scope="module")
def shipped(shipped_graph: GraphFile) -> Lexicon:
    return Lexicon.from_graph(shipped_graph)


def test_what_the_graph_writes_is_read_as_it_was_meant(shipped_graph: GraphFile, shipped: Lexicon) -> None:
    written = [
        (concept.id, polarity, _filled(phrase, concept))
        for concept in shipped_graph.concepts
        for polarity in ("present", "absent", "uncertain")
        for phrase in getattr(concept.write, polarity)
    ]

    misread = [
        (concept, polarity, text)
        for concept, polarity, text in written
        if not any(m.concept == concept and m.polarity == polarity for m in read_text(text, shipped))
    ]

    # A few phrases deny without a word of the concept's own: "lung markings extend to the wall".
    assert len(misread) <= 0.02 * len(written), misread


def test_a_lexicon_of_the_shipped_graph_is_built_quickly(shipped_graph: GraphFile) -> None:
    began = time.process_time()
    Lexicon.from_graph(shipped_graph)
    assert time.process_time() - began < 1.0


def _filled(phrase: str, concept: Concept) -> str:
    severity = concept.severities[0] if concept.severities else "mild"
    slots = {"{side}": "left", "{region}": "base", "{severity}": severity, "{bilateral}": "bilateral"}
    for slot, word in slots.items():
        phrase = phrase.replace(slot, word)
    return phrase[0].upper() + phrase[1:]
