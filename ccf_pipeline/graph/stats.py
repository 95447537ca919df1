"""Count what a graph holds."""

from __future__ import annotations

from collections import Counter

from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.graph.proofs import Proofs, bears_out, contradicts, count_backings


def count_graph(file: GraphFile) -> dict[str, dict[str, int]]:
    """Counts by group, in reading order."""
    concepts, relations, proofs = file.concepts, file.relations, Proofs(file)
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
        "backing": {
            **count_backings(file, relations),
            "taught without an open question": sum(
                proofs.backing(r) == "taught" and not proofs.open_question(r) for r in relations
            ),
        },
        "mined": {
            "with counts": sum(bool(r.mined) for r in relations),
            "borne out": sum(any(bears_out(r, found) for found in r.mined) for r in relations),
            "contradicted": sum(any(contradicts(r, found) for found in r.mined) for r in relations),
        },
        "beside them": {
            "regions": len(file.regions),
            "mimics": len(file.mimics),
            "rules": len(file.rules),
            "sources": len(file.sources),
            "shared forms": len(file.shared_forms),
        },
    }
