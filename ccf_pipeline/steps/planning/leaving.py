"""What leaves a report together with a finding: its kinds, its signs, the words they share."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Direction, Mention
from ccf_pipeline.steps.facts import Reading, is_asserted, spans_meet
from ccf_pipeline.steps.reading import Lexicon

DISEASES = tuple(finding for finding in FINDING_LABELS if finding not in (NO_FINDING, SUPPORT_DEVICES))


def ceasing_mentions(
    reading: Reading, graph: ConceptGraph, direction: Direction, target: str, gives_way: tuple[str, ...]
) -> tuple[Mention, ...]:
    """The mentions that cannot stand in the counterfactual, and those that share their words."""
    leaving = leaving_concepts(reading, graph, gives_way)
    if target == NO_FINDING:
        leaving |= abnormal_concepts(graph)
    spans = [
        (mention.start, mention.end)
        for mention in reading.mentions
        if (mention.concept in leaving and mention.polarity != "absent" and mention.temporality != "prior")
        or (direction != "remove" and stands_against(mention, graph, target))
    ]
    return tuple(mention for mention in reading.mentions if spans_meet(mention, spans)) if spans else ()


def leaving_concepts(reading: Reading, graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """The findings that give way, their kinds, and the signs that nothing else in the report explains."""
    if not gives_way:
        return frozenset()
    leaving = {kind for finding in gives_way for kind in (finding, *graph.descendants(finding))}
    explained = {
        sign
        for finding in DISEASES
        if finding not in leaving
        and finding in reading.asserted
        and not leaving & set(graph.ancestors(finding))
        for sign in signs_of(graph, finding)
    }
    signs = {sign for finding in gives_way for sign in signs_of(graph, finding)}
    return frozenset(leaving | (signs - explained) | _gone_with(graph, gives_way))


@lru_cache(maxsize=64)
def signs_of(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Every attribute that may be written because of the finding."""
    return frozenset(relation.other(finding) for relation in graph.supports(finding))


@lru_cache(maxsize=4096)
def _gone_with(graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """What cannot stand without the findings: fluid in a fissure, the good position of a tube."""
    denied = {
        other
        for finding in gives_way
        for state in graph.normal_states_of(finding)[:1]
        if (negation := graph.excludes(state, finding)) is not None and negation.kind == "negation"
        for other, relation in graph.excluded(state).items()
        if graph.concept(other).kind == "attribute" and relation.strength != "weak"
    }
    told_of = {
        relation.other(finding)
        for finding in gives_way
        for relation in graph.relations_of(finding)
        if relation.kind == "modifier" and graph.concept(relation.other(finding)).kind == "normal_state"
    }
    return frozenset(denied | told_of)


def stands_against(mention: Mention, graph: ConceptGraph, target: str) -> bool:
    """Whether a mention denies the target, or asserts what the target excludes."""
    if mention.polarity == "absent":
        return mention.temporality != "prior" and mention.concept in _denied_by_name(graph, target)
    relation = graph.excludes(mention.concept, target)
    return is_asserted(mention) and relation is not None and relation.strength != "weak"


@lru_cache(maxsize=64)
def _denied_by_name(graph: ConceptGraph, target: str) -> frozenset[str]:
    return frozenset({target, *graph.ancestors(target), *graph.other_names(target)})


# --- is anything abnormal left ------------------------------------------------------------------


def is_normal_without(finding: str, reading: Reading, graph: ConceptGraph) -> bool:
    """Whether nothing abnormal is left of a report once one finding has gone from it."""
    if any(reading.states.get(other) == "uncertain" for other in DISEASES):
        return False
    return is_normal_after(reading, ceasing_mentions(reading, graph, "remove", finding, (finding,)), graph)


def is_normal_after(reading: Reading, must_cease: Iterable[Mention], graph: ConceptGraph) -> bool:
    """Whether what is left of a report without some of its mentions amounts to No Finding."""
    going = set(must_cease)
    abnormal = abnormal_concepts(graph)
    return not any(
        mention.concept in abnormal
        and mention.polarity != "absent"
        and mention.temporality != "prior"
        and mention not in going
        for mention in reading.mentions
    )


@lru_cache(maxsize=8)
def abnormal_concepts(graph: ConceptGraph) -> frozenset[str]:
    """What a chest without findings does not show; devices are not counted."""
    return Lexicon.from_graph(graph.file).abnormal
