from pathlib import Path

import pytest

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from tests.shipped import GRAPH

SMALL = Path(__file__).with_name("small.yaml")


@pytest.fixture(scope="session")
def small() -> ConceptGraph:
    return load_graph(SMALL)


@pytest.fixture(scope="session")
def thoracic() -> ConceptGraph:
    return GRAPH
