"""Count what a graph holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ccf_pipeline.graph.model import GraphFile, Relation


def review_state(relation: Relation) -> str:
    """`taught`, `cited` or `reviewed`, without name and date."""
    return relation.review.split()[0]


def count_reviews(relations: Iterable[Relation]) -> dict[str, int]:
    """Count the relations that are reviewed by a radiologist, cited from a text, or taught."""
    counted = Counter(review_state(relation) for relation in relations)
    return {state: counted[state] for state in ("reviewed", "cited", "taught")}


def count_graph(file: GraphFile) -> dict[str, dict[str, int]]:
    """Counts by group, in reading order."""
    concepts, relations = file.concepts, file.relations
    return {
        "concepts": {
            "total": len(concepts),
            **Counter(concept.kind for concept in concepts),
            "forms": sum(len(concept.forms) + len(concept.exact_forms) for concept in concepts),
            "with six forms or more": sum(len(c.forms) + len(c.exact_forms) >= 6 for c in concepts),
            "with a RadLex id": sum(concept.radlex is not None for concept in concepts),
        },
        "attributes": dict(Counter(c.category for c in concepts if c.kind == "attribute")),
        "relations": {
            "total": len(relations),
            **Counter(relation.relation for relation in relations),
            "conditional": sum(relation.when is not None for relation in relations),
            "one way": sum(relation.one_way for relation in relations),
            "not inherited": sum(not relation.inherits for relation in relations),
        },
        "kinds of relation": dict(Counter(relation.kind for relation in relations).most_common()),
        "strength": dict(Counter(relation.strength for relation in relations).most_common()),
        "review": count_reviews(relations),
        "beside them": {
            "regions": len(file.regions),
            "mimics": len(file.mimics),
            "rules": len(file.rules),
            "sources": len(file.sources),
            "shared forms": len(file.shared_forms),
        },
    }
