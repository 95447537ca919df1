"""Choose how a target is told: with a place that it occurs in, and a sign that fits the report."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ccf_pipeline.graph import Concept, ConceptGraph, Relation
from ccf_pipeline.graph.model import Condition, Placement
from ccf_pipeline.reader.facts import Reading, is_asserted
from ccf_pipeline.records import SUPPORT_DEVICES, Mention, Sentence, Side, Statement

PLACING = frozenset({"modifier", "location", "temporal"})
BILATERAL_SHARE = 0.2
DENIALS_AT_MOST = 3
# Tubes lie in the middle; lines, ports and pacemakers come in on a side.
DEVICES_ON_A_SIDE = 0.6
SLOT = re.compile(r"\{(\w+)\}")


def placed(concept: Concept, graph: ConceptGraph, chance: random.Random) -> Statement:
    """A region the concept occurs in, a side that the region has, and a degree that it has there."""
    compartment = concept.regions[0] if concept.regions else None
    # The first region is the compartment; reports name the parts of it.
    told = dict.fromkeys(region for place in concept.write.places for region in place.regions)
    regions = [graph.regions[region] for region in told or concept.regions[1:] or concept.regions]
    if concept.sides == "required":
        regions = [region for region in regions if region.sides != "none"]
    region = chance.choice(regions) if regions else None
    side: Side | None = None
    if region is not None and region.sides in ("left", "right"):
        side = region.sides
    elif concept.sides != "none" and (region is None or region.sides == "both"):
        side = "bilateral" if chance.random() < BILATERAL_SHARE else chance.choice(("left", "right"))
    elif concept.id == SUPPORT_DEVICES and chance.random() < DEVICES_ON_A_SIDE:
        side = chance.choice(("left", "right"))
    severities = [
        word
        for word in concept.severities
        # "Borderline" is read as a doubt.
        if word != "borderline" and (region is None or _is_possible(word, region.id, concept, graph))
    ]
    is_told = region is not None and not (told and region.id == compartment)
    return Statement(
        concept=concept.id,
        polarity="present",
        side=side,
        region=region.id if region and is_told else None,
        severity=chance.choice(severities) if severities else None,
    )


def _is_possible(severity: str, region: str, concept: Concept, graph: ConceptGraph) -> bool:
    """True if it has such a degree in a region."""
    places = concept.write.places
    return not places or any(
        region in place.regions and graph.is_of_degree(severity, place.min_severity, place.max_severity)
        for place in places
    )


def fitting_signs(
    reading: Reading,
    graph: ConceptGraph,
    told: Statement,
    must_cease: Iterable[Mention],
    views: frozenset[str],
    sentences: Sequence[Sentence] = (),
) -> list[str]:
    """Return the signs of such a target on such a film that set no other label and clash with nothing left.

    A sign that moves or changes another organ, as a shift does the mediastinum, is left out where the report
    describes that organ: "stable mediastinum" is read as no statement, and still denies a shift.
    """
    # They are mentions of this very reading: to compare what they say would take longer.
    going = {id(m) for m in must_cease if not _is_keepable(m, told.concept, graph)}
    staying = {m.concept for m in reading.mentions if is_asserted(m) and id(m) not in going}
    spoken_of = {mention.concept for mention in reading.mentions}
    return [
        sign
        for sign, relation in _list_signs_to_write(graph, told.concept)
        if sign not in spoken_of
        and staying.isdisjoint(graph.excluded(sign))
        and holds_for(relation.when, told, views, graph)
        and _is_bordering(graph.concept(sign), told, graph)
        and not _is_described(_compile_organ_words(graph, sign, told.concept), sentences)
    ]


@lru_cache(maxsize=1024)
def _compile_organ_words(graph: ConceptGraph, sign: str, finding: str) -> re.Pattern[str] | None:
    """The words for the organs that a sign changes, where they are not those that the finding lies in."""
    own = set(graph.concept(finding).regions)
    organs = [
        region for region in graph.concept(sign).regions if _is_an_organ(region, graph) and region not in own
    ]
    words = [re.escape(word) for organ in organs for word in graph.regions[organ].words]
    return re.compile(rf"\b(?:{'|'.join(words)})", re.IGNORECASE) if words else None


def _is_an_organ(region: str, graph: ConceptGraph) -> bool:
    return graph.lies_within(region, ("mediastinum", "diaphragm"))


def _is_described(organs: re.Pattern[str] | None, sentences: Iterable[Sentence]) -> bool:
    return organs is not None and any(organs.search(sentence.text) for sentence in sentences)


@lru_cache(maxsize=64)
def _list_signs_to_write(graph: ConceptGraph, finding: str) -> tuple[tuple[str, Relation], ...]:
    """Return what shows a finding, has words to be told in, and sets no other label; the strongest first."""
    family = {finding, *graph.ancestors(finding)}
    return tuple(
        (sign.id, relation)
        for relation in graph.supports(finding)
        if relation.kind == "sign_of" and relation.strength != "weak"
        for sign in (graph.concept(relation.other(finding)),)
        if sign.write.present and family.issuperset(sign.sets_labels)
    )


def _is_keepable(mention: Mention, target: str, graph: ConceptGraph) -> bool:
    """True if a normal state ceases only for the words that it shares: "heart and mediastinum normal"."""
    is_normal = graph.concept(mention.concept).kind == "normal_state"
    return is_normal and graph.excludes(mention.concept, target) is None


def with_place(sign: Concept, told: Statement, graph: ConceptGraph) -> Statement:
    """A sign on the side of its finding, at its place, or at the border that the finding lies beside."""
    side = told.side if sign.sides != "none" else None
    region = told.region if told.region in sign.regions else None
    for place in sign.write.places:
        if _is_beside(place, told, graph):
            region = place.regions[0]
            break
    return Statement(concept=sign.id, polarity="present", side=side, region=region)


def _is_bordering(sign: Concept, told: Statement, graph: ConceptGraph) -> bool:
    return not sign.write.places or any(_is_beside(place, told, graph) for place in sign.write.places)


def _is_beside(place: Placement, told: Statement, graph: ConceptGraph) -> bool:
    return told.region is not None and graph.lies_within(told.region, place.beside)


def holds_for(when: Condition | None, told: Statement, views: frozenset[str], graph: ConceptGraph) -> bool:
    """True if a relation holds for a finding as it is told, on a film of which these views are known.

    What cannot be told from side, place, degree and view does not hold.
    """
    if when is None:
        return True
    if _has_other_conditions(when):
        return False
    if when.views and views.isdisjoint(when.views):
        return False
    if when.regions and not (told.region and graph.lies_within(told.region, when.regions)):
        return False
    if (when.side and told.side != when.side) or (when.same_side and told.side not in ("left", "right")):
        return False
    if when.min_severity or when.max_severity:
        return bool(told.severity and graph.is_of_degree(told.severity, when.min_severity, when.max_severity))
    return True


@lru_cache(maxsize=1024)
def _has_other_conditions(when: Condition) -> bool:
    """True if a condition is of anything but views, place, side and degree."""
    known = {"views", "regions", "side", "same_side", "min_severity", "max_severity"}
    return when.model_copy(update=Condition().model_dump(include=known | {"note"})) != Condition()


@lru_cache(maxsize=8)
def leaning_attributes(graph: ConceptGraph) -> frozenset[str]:
    """Return the attributes that only say how or where something else is: they go with what they lean on."""
    leaning = {"att_technique_limits"}  # "…, allowing for patient rotation" is a remark, not a finding
    for concept in graph.attributes:
        kinds = {relation.kind for relation in graph.relations_of(concept.id)}
        if not concept.write.present or (kinds & PLACING and not kinds & {"sign_of", "is_a"}):
            leaning.add(concept.id)
    return frozenset(leaning)


def can_be_told(statement: Statement, graph: ConceptGraph) -> bool:
    """True if the graph has a phrase that needs no more than is known of the place and the degree."""
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
