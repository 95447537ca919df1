"""The concept graph: what a chest X-ray can show, what supports it, and what cannot stand beside it."""

from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.model import (
    Concept,
    Condition,
    GraphFile,
    Mimic,
    Region,
    Relation,
    Rule,
    Source,
    Writing,
)
from ccf_pipeline.graph.neighbourhood import Link, Neighbourhood

__all__ = [
    "Concept",
    "ConceptGraph",
    "Condition",
    "GraphFile",
    "Link",
    "Mimic",
    "Neighbourhood",
    "Region",
    "Relation",
    "Rule",
    "Source",
    "Writing",
]
