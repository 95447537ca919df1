"""The shipped graph and what reads by it, loaded once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.corpora.sections import canonical_report
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.records import Study
from tests.shipped import GRAPH, LEXICON


@pytest.fixture(scope="session")
def graph() -> ConceptGraph:
    return GRAPH


@pytest.fixture(scope="session")
def read(graph: ConceptGraph) -> Callable[[str], Reading]:
    return lambda text: read_facts(text, LEXICON)


def study_of(raw: str, study_id: str = "50000001") -> Study:
    report = canonical_report(raw)
    assert report is not None
    return Study(
        corpus="demo",
        study_id=study_id,
        subject_id="10000001",
        split="train",
        text=report.text,
        sentences=report.sentences,
        read_from=report.read_from,
    )
