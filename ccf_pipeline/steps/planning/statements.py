"""How a target is to be told: with a place that it occurs in, and a sign that fits the report."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from ccf_pipeline.concepts import Concept, ConceptGraph
from ccf_pipeline.concepts.model import Condition
from ccf_pipeline.records import Mention, Side, Statement
from ccf_pipeline.steps.facts import Reading, is_asserted

BILATERAL_SHARE = 0.2
DENIALS_AT_MOST = 3
SLOT = re.compile(r"\{(\w+)\}")


def placed(concept: Concept, graph: ConceptGraph, chance: random.Random) -> Statement:
    """A region the concept occurs in, and a side that the region has."""
    # The first region is the compartment; reports name the parts of it.
    regions = [graph.regions[region] for region in concept.regions[1:] or concept.regions]
    if concept.sides == "required":
        regions = [region for region in regions if region.sides != "none"]
    region = chance.choice(regions) if regions else None
    side: Side | None = None
    if region is not None and region.sides in ("left", "right"):
        side = region.sides
    elif concept.sides != "none" and (region is None or region.sides == "both"):
        side = "bilateral" if chance.random() < BILATERAL_SHARE else chance.choice(("left", "right"))
    return Statement(
        concept=concept.id,
        polarity="present",
        side=side,
        region=region.id if region else None,
        severity=chance.choice(concept.severities) if concept.severities else None,
    )


def fitting_signs(
    reading: Reading,
    graph: ConceptGraph,
    target: str,
    must_cease: Iterable[Mention],
    views: frozenset[str],
) -> list[str]:
    """Signs of such a film that can be written, set no other label, and clash with nothing that stays."""
    going = set(must_cease)
    staying = {m.concept for m in reading.mentions if is_asserted(m) and m not in going}
    spoken_of = {mention.concept for mention in reading.mentions}
    family = {target, *graph.ancestors(target)}
    return [
        link.concept
        for link in graph.neighbourhood(target, staying).signs
        if link.relation.kind == "sign_of"
        and link.relation.strength != "weak"
        and holds_on(link.relation.when, views)
        and link.concept not in spoken_of
        and graph.concept(link.concept).write.present
        and family.issuperset(graph.concept(link.concept).sets_labels)
        and staying.isdisjoint(graph.excluded(link.concept))
    ]


def holds_on(when: Condition | None, views: frozenset[str]) -> bool:
    """Whether a relation holds on a film of which these views are known: nothing but the view may matter."""
    if when is None:
        return True
    only_views = when.model_copy(update={"views": (), "note": ""}) == Condition()
    return only_views and not views.isdisjoint(when.views)


def can_be_told(statement: Statement, graph: ConceptGraph) -> bool:
    """Whether the graph has a phrase that needs no more than is known of the place and the degree."""
    known = {"severity"} if statement.severity else set()
    known |= {"bilateral"} if statement.side == "bilateral" else {"side"} if statement.side else set()
    known |= {"region"} if statement.region else set()
    return any(known.issuperset(SLOT.findall(t)) for t in graph.concept(statement.concept).write.present)


def denials(reading: Reading, graph: ConceptGraph, leaving: Iterable[str]) -> tuple[Statement, ...]:
    """The plain denials of what leaves, as a report of a normal chest has them."""
    spoken_of = {mention.concept for mention in reading.mentions if mention.implied_by is None}
    states = [state for finding in leaving for state in graph.normal_states_of(finding)[:1]]
    said = [s for s in dict.fromkeys(states) if s not in spoken_of and graph.concept(s).write.present]
    return tuple(Statement(concept=state, polarity="present") for state in said[:DENIALS_AT_MOST])
