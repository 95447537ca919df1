"""What leaves a report together with a finding: its kinds, its signs, the words they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from ccf_pipeline.graph import ConceptGraph, Relation
from ccf_pipeline.reader import abnormal_in
from ccf_pipeline.reader.facts import Reading, is_asserted, spans_meet
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Direction,
    Mention,
    Statement,
)

DISEASES = frozenset(FINDING_LABELS) - {NO_FINDING, SUPPORT_DEVICES}


def ceasing_mentions(
    reading: Reading,
    graph: ConceptGraph,
    direction: Direction,
    target: str,
    gives_way: tuple[str, ...],
    told: Statement | None = None,
) -> tuple[Mention, ...]:
    """The mentions that cannot stand in the counterfactual, and those that share their words.

    Args:
        told: the target as it is to be told; where that is not known, it may be anywhere and of any degree.
    """
    leaving = _leaving_concepts(graph, gives_way)
    if target == NO_FINDING:
        leaving |= abnormal_concepts(graph)
    going = [m for m in reading.mentions if m.concept in leaving and _is_of_now(m)]
    going += lone_signs(reading, graph, gives_way, going)
    if direction != "remove":
        against = _concepts_against(graph, target)
        going += [
            m for m in reading.mentions if m.concept in against and stands_against(m, graph, target, told)
        ]
    if not going:
        return ()
    spans = [(mention.start, mention.end) for mention in going]
    # No phrase goes over the end of its sentence: only mentions of one sentence can share words.
    sentences = {mention.sentence for mention in going}
    near = [mention for mention in reading.mentions if mention.sentence in sentences]
    return tuple([m for m in near if spans_meet(m, spans)])


def _is_of_now(mention: Mention) -> bool:
    return mention.polarity != "absent" and mention.temporality != "prior"


@lru_cache(maxsize=4096)
def _leaving_concepts(graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """The findings that give way, their kinds, and what cannot stand without them."""
    kinds = {kind for finding in gives_way for kind in (finding, *graph.descendants(finding))}
    return frozenset(kinds | _gone_with(graph, gives_way)) if gives_way else frozenset()


# --- signs that nothing explains any more -------------------------------------------------------


def lone_signs(
    reading: Reading, graph: ConceptGraph, gives_way: tuple[str, ...], going: Sequence[Mention]
) -> list[Mention]:
    """The signs of what gives way that nothing which stays explains where they are."""
    if not gives_way:
        return []
    signs = _signs_of_all(graph, gives_way)
    leaving = {m.concept for m in going} | set(gives_way)
    # They are mentions of this very reading: to compare what they say would take longer.
    gone = set(map(id, going))
    told_with = {mention.sentence for mention in going if mention.concept in DISEASES}
    seen = [
        mention
        for mention in reading.mentions
        if mention.concept in signs
        and mention.polarity != "absent"
        and id(mention) not in gone
        # "Compared to the prior with a pleural line": the sign is as current as what it is told with.
        and (mention.temporality != "prior" or mention.sentence in told_with)
    ]
    if not seen:
        return []
    staying = [
        mention
        for mention in reading.mentions
        if mention.concept in DISEASES
        and mention.concept not in leaving
        and is_asserted(mention)
        and not leaving & set(graph.ancestors(mention.concept))
    ]
    lone = [m for m in seen if not any(_explains(finding, m, graph, told_with) for finding in staying)]
    return [m for m in lone if _is_spared(m, reading, graph, gives_way, [*going, *lone])]


def _explains(finding: Mention, sign: Mention, graph: ConceptGraph, told_with: Collection[int]) -> bool:
    """Whether a finding that stays shows the sign there.

    A sign that is told in one sentence with what gives way is a sign of that. A label that is no more than
    the sign's own, an opacity, explains nothing.
    """
    if sign.concept not in signs_of(graph, finding.concept):
        return False
    if finding.concept in graph.concept(sign.concept).sets_labels:
        return False
    if sign.sentence in told_with and finding.sentence != sign.sentence:
        return False
    return graph.overlaps((finding.side, None), (sign.side, None))


def _is_spared(
    sign: Mention,
    reading: Reading,
    graph: ConceptGraph,
    gives_way: tuple[str, ...],
    going: Sequence[Mention],
) -> bool:
    """Whether its going changes no other finding: the opacity that is told by it alone has to stay."""
    spans = [(mention.start, mention.end) for mention in going]
    for label in set(graph.concept(sign.concept).sets_labels) - set(gives_way):
        others = (m for m in reading.mentions if _shows(m, label, graph) and not spans_meet(m, spans))
        if reading.states.get(label) == "present" and not any(others):
            return False
    return True


def _shows(mention: Mention, label: str, graph: ConceptGraph) -> bool:
    return is_asserted(mention) and (
        mention.concept == label or label in graph.concept(mention.concept).sets_labels
    )


@lru_cache(maxsize=4096)
def _signs_of_all(graph: ConceptGraph, findings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(sign for finding in findings for sign in signs_of(graph, finding))


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


def stands_against(mention: Mention, graph: ConceptGraph, target: str, told: Statement | None = None) -> bool:
    """Whether a mention denies the target, or asserts what the target excludes, as the target is told."""
    if told is not None and not graph.overlaps((mention.side, None), (told.side, None)):
        return False
    if mention.polarity == "absent":
        return mention.temporality != "prior" and mention.concept in _denied_by_name(graph, target)
    relation = graph.excludes(mention.concept, target)
    if not is_asserted(mention) or relation is None or relation.strength == "weak":
        return False
    return told is None or _may_hold(relation, told, graph)


@lru_cache(maxsize=64)
def _concepts_against(graph: ConceptGraph, target: str) -> frozenset[str]:
    """Every concept of which a mention may stand against the target."""
    return _denied_by_name(graph, target) | frozenset(graph.excluded(target))


def _may_hold(relation: Relation, told: Statement, graph: ConceptGraph) -> bool:
    """Whether the target, as it is told, is not too slight or too marked for the relation."""
    when, severity = relation.when, told.severity
    is_its_degree = told.concept == relation.target or relation.source == told.concept
    if when is None or severity is None or not is_its_degree:
        return True
    return graph.is_of_degree(severity, when.min_severity, when.max_severity) is not False


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
    going = {(mention.concept, mention.start, mention.end) for mention in must_cease}
    abnormal = abnormal_concepts(graph)
    return not any(
        mention.concept in abnormal
        and mention.polarity != "absent"
        and mention.temporality != "prior"
        and (mention.concept, mention.start, mention.end) not in going
        for mention in reading.mentions
    )


@lru_cache(maxsize=8)
def abnormal_concepts(graph: ConceptGraph) -> frozenset[str]:
    """What a chest without findings does not show; devices are not counted."""
    return abnormal_in(graph.file)
