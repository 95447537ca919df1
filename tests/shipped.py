"""The graph that comes along, and the reader of its words: loaded once for all tests."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import pytest

from ccf_pipeline.experts import rules
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.reader import Lexicon

GRAPH = load_graph()
LEXICON = Lexicon.from_graph(GRAPH.file)


def share_graph(patch: pytest.MonkeyPatch) -> None:
    """Give all builds one graph, lexicon and scribe: making them takes as long as all else in a small one."""
    compile_lexicon = Lexicon.from_graph

    def graph_of(path: Path | None = None) -> ConceptGraph:
        return GRAPH if path is None else load_graph(path)

    def lexicon_of(graph: GraphFile) -> Lexicon:
        return LEXICON if graph is GRAPH.file else compile_lexicon(graph)

    patch.setattr(rules, "Scribe", cache(rules.Scribe))
    patch.setattr(Lexicon, "from_graph", staticmethod(lexicon_of))
    for name, module in list(sys.modules.items()):
        if name.startswith("ccf_pipeline") and vars(module).get("load_graph") is load_graph:
            patch.setattr(module, "load_graph", graph_of)
