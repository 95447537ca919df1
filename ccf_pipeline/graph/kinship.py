"""Which concept is a kind of which, and what kinds inherit: everything that is_a decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccf_pipeline.graph.model import Relation


@dataclass(frozen=True)
class Kinship:
    """The is_a relations, read both ways."""

    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, relations: Iterable[Relation]) -> Kinship:
        parents: dict[str, tuple[str, ...]] = {}
        children: dict[str, tuple[str, ...]] = {}
        for relation in relations:
            if relation.kind == "is_a" and relation.relation == "positive":
                parents[relation.source] = (*parents.get(relation.source, ()), relation.target)
                children[relation.target] = (*children.get(relation.target, ()), relation.source)
        return cls(parents, children)

    def above(self, concept_id: str) -> tuple[str, ...]:
        """The concept and everything it is a kind of, nearest first."""
        return tuple(_count_steps(concept_id, self.parents))

    def below(self, concept_id: str) -> tuple[str, ...]:
        """The concept and every kind of it, nearest first."""
        return tuple(_count_steps(concept_id, self.children))

    def exclusion_table(self, relations: Iterable[Relation]) -> dict[str, dict[str, Relation]]:
        """Return who excludes whom, and by which relation, with what kinds take over from either end.

        Where several relations speak of one pair, the nearest wins: "no consolidation" may exclude
        pneumonia on softer terms than it excludes the consolidation that pneumonia is a kind of.
        """
        nearest: dict[tuple[str, str], tuple[int, Relation]] = {}
        for relation in relations:
            if relation.relation != "exclusive":
                continue
            for a, b, distance in self._covered(relation):
                for pair in ((a, b), (b, a)):
                    if pair not in nearest or distance < nearest[pair][0]:
                        nearest[pair] = (distance, relation)
        table: dict[str, dict[str, Relation]] = {}
        for (a, b), (_, relation) in sorted(nearest.items(), key=lambda item: (item[0][0], item[1][0])):
            table.setdefault(a, {})[b] = relation
        return table

    def _covered(self, relation: Relation) -> Iterable[tuple[str, str, int]]:
        if not relation.inherits:
            return [(relation.source, relation.target, 0)]
        sources = _count_steps(relation.source, self.children)
        targets = _count_steps(relation.target, self.children)
        return [(a, b, far_a + far_b) for a, far_a in sources.items() for b, far_b in targets.items()]


def _count_steps(start: str, onwards: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return everything reached from `start`, in the order it is reached, with the number of steps to it."""
    reached = {start: 0}
    frontier = [start]
    while frontier:
        found = [after for here in frontier for after in onwards.get(here, ()) if after not in reached]
        distance = reached[frontier[0]] + 1
        frontier = list(dict.fromkeys(found))
        reached.update(dict.fromkeys(frontier, distance))
    return reached
