"""Measure how hard two findings are to tell apart, so that hard counterfactuals can be chosen."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from ccf_pipeline.graph.model import CORRELATES, Strength

if TYPE_CHECKING:
    from ccf_pipeline.graph.graph import ConceptGraph

WEIGHTS: dict[Strength, float] = {"strong": 1.0, "moderate": 0.6, "weak": 0.3}

# Shared signs make a counterfactual plausible, confusion makes it worth asking for, and a sign
# that speaks for one and against the other tells the expert what has to change.
SHARED, CONFUSED, CONTRASTED = 0.5, 0.3, 0.2


def relevance_table(graph: ConceptGraph) -> dict[tuple[str, str], float]:
    """The relevance of every pair of different findings, both ways round."""
    table = {}
    for a, b in combinations((finding.id for finding in graph.findings), 2):
        value = round(
            SHARED * shared_signs(graph, a, b)
            + CONFUSED * confusability(graph, a, b)
            + CONTRASTED * contrasting_signs(graph, a, b),
            4,
        )
        table[a, b] = table[b, a] = value
    return table


def shared_signs(graph: ConceptGraph, a: str, b: str) -> float:
    """The weight of the signs both have, against the finding that has fewer."""
    of_a, of_b = _score_signs(graph, a), _score_signs(graph, b)
    shared = sum(min(of_a[sign], of_b[sign]) for sign in of_a.keys() & of_b.keys())
    return _limit_share(shared, min(sum(of_a.values()), sum(of_b.values())))


def contrasting_signs(graph: ConceptGraph, a: str, b: str) -> float:
    """The weight of the signs of one that the other excludes."""
    of_a, of_b = _score_signs(graph, a), _score_signs(graph, b)
    against = sum(w for sign, w in of_a.items() if sign in graph.excluded(b))
    against += sum(w for sign, w in of_b.items() if sign in graph.excluded(a))
    return _limit_share(against, min(sum(of_a.values()), sum(of_b.values())))


def confusability(graph: ConceptGraph, a: str, b: str) -> float:
    """Return how often the two come together, look alike, or are kinds of one thing."""
    together = [
        WEIGHTS[relation.strength]
        for relation in graph.relations_of(a)
        if relation.other(a) == b and (relation.kind in CORRELATES or relation.kind == "variant")
    ]
    alike = [0.8 for mimic in graph.file.mimics if {mimic.source, mimic.target} == {a, b}]
    siblings = [0.5] if set(graph.parents(a)) & set(graph.parents(b)) else []
    return max((*together, *alike, *siblings), default=0.0)


def _score_signs(graph: ConceptGraph, finding: str) -> dict[str, float]:
    return {relation.other(finding): WEIGHTS[relation.strength] for relation in graph.supports(finding)}


def _limit_share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole else 0.0
