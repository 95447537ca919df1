"""Collect what surrounds a target finding in a study: what may be added, must go, or lies near."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccf_pipeline.graph.model import Relation
from ccf_pipeline.records import NO_FINDING

if TYPE_CHECKING:
    from ccf_pipeline.graph.graph import ConceptGraph

NEAR_COUNT = 4


@dataclass(frozen=True)
class Link:
    """A concept, and the relation by which it belongs here."""

    concept: str
    relation: Relation


@dataclass(frozen=True)
class Neighbourhood:
    """The part of the graph that an edit towards `target` needs."""

    target: str
    signs: tuple[Link, ...]
    """Signs that the study does not show yet, those that fit what it shows first, the strongest first."""
    shown_signs: tuple[Link, ...]
    """Signs of the target that the study shows already."""
    must_go: tuple[Link, ...]
    """What the study shows and the target excludes; a relation's scope and condition may spare it."""
    near: tuple[str, ...]
    """The findings hardest to tell from the target, those that the study shows first."""


def find_neighbourhood(graph: ConceptGraph, target: str, shown: Collection[str]) -> Neighbourhood:
    """The neighbourhood of a target, given the concepts that a study asserts."""
    shown_set = frozenset(shown)
    against = graph.excluded(graph.concept(target).id)
    must_go = tuple(Link(other, against[other]) for other in sorted(shown_set) if other in against)
    kept = shown_set.difference(link.concept for link in must_go)
    links = [Link(relation.other(target), relation) for relation in graph.supports(target)]
    # Sorting is stable: among those that fit, and among those that do not, the strongest stays first.
    to_add = sorted(
        (link for link in links if link.concept not in shown_set),
        key=lambda link: not kept.isdisjoint(graph.excluded(link.concept)),
    )
    return Neighbourhood(
        target=target,
        signs=tuple(to_add),
        shown_signs=tuple(link for link in links if link.concept in shown_set),
        must_go=must_go,
        near=_find_near_findings(graph, target, shown_set),
    )


def _find_near_findings(graph: ConceptGraph, target: str, shown: frozenset[str]) -> tuple[str, ...]:
    others = [finding.id for finding in graph.findings if finding.id not in (target, NO_FINDING)]
    relevances = {finding: graph.relevance(target, finding) for finding in others}
    near = [finding for finding, relevance in relevances.items() if relevance > 0]
    return tuple(sorted(near, key=lambda f: (f not in shown, -relevances[f], f))[:NEAR_COUNT])
