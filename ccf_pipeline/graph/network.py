"""The graph as a NetworkX graph, for whoever wants to walk, measure or export it with that library."""

from __future__ import annotations

from typing import Any

import networkx

from ccf_pipeline.graph.model import GraphFile


def network_of(file: GraphFile) -> networkx.MultiDiGraph[Any]:
    """A frozen MultiDiGraph: a node per concept, an edge per relation, keyed by the relation's kind."""
    graph: networkx.MultiDiGraph[Any] = networkx.MultiDiGraph(name=file.name, version=file.version)
    for concept in file.concepts:
        graph.add_node(concept.id, **concept.model_dump(mode="json", exclude={"id"}))
    for relation in file.relations:
        attributes = relation.model_dump(mode="json", exclude={"source", "target"})
        graph.add_edge(relation.source, relation.target, key=relation.kind, **attributes)
    frozen: networkx.MultiDiGraph[Any] = networkx.freeze(graph)
    return frozen
