"""Find what leaves a report together with a finding: its kinds, its signs, the words they share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Literal

from ccf_pipeline.counterfactual.check.accounting import ALL_IS_WELL
from ccf_pipeline.counterfactual.check.targets import ACUTE_KINDS
from ccf_pipeline.graph import ConceptGraph, Relation
from ccf_pipeline.reader import abnormal_in
from ccf_pipeline.reader.facts import Reading, is_asserted, spans_meet
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Direction,
    Mention,
    Sentence,
    Statement,
)

Bond = Literal["label", "proper", "shared", "loose"]
"""A sign that sets the finding's label, a strong one of it alone, a strong one of others too, or another."""

DISEASES = frozenset(FINDING_LABELS) - {NO_FINDING, SUPPORT_DEVICES}
# The graph says beside which diseases no all-clear can stand. These two are acute until they are explained,
# but their kinds, a nodule or a large heart, need not be, so that no relation of the graph can say it.
UNEXPLAINED = frozenset({"fnd_lung_opacity", "fnd_enlarged_cardiomediastinum"})


def ceasing_mentions(
    reading: Reading,
    graph: ConceptGraph,
    direction: Direction,
    target: str,
    gives_way: tuple[str, ...],
    told: Statement | None = None,
    sentences: Sequence[Sentence] = (),
) -> tuple[Mention, ...]:
    """Return the mentions that cannot stand in the counterfactual, and those that share their words.

    Args:
        sentences: those of the report.
        told: the target as it is to be told; where that is not known, it may be anywhere and of any degree.
    """
    leaving = _collect_leaving_concepts(graph, gives_way)
    if target == NO_FINDING:
        leaving |= abnormal_concepts(graph)
    going = [m for m in reading.mentions if m.concept in leaving and _is_of_now(m)]
    going += lone_signs(reading, graph, gives_way, going, sentences)
    if direction != "remove":
        against = _collect_concepts_against(graph, target)
        going += [
            m for m in reading.mentions if m.concept in against and stands_against(m, graph, target, told)
        ]
        going += _find_all_clears(reading) if target in UNEXPLAINED else ()
        going += _find_stable_chests(reading, graph, sentences) if target in DISEASES else ()
    if not going:
        return ()
    spans = [(mention.start, mention.end) for mention in going]
    # No phrase goes over the end of its sentence: only mentions of one sentence can share words.
    touched = {mention.sentence for mention in going}
    near = [mention for mention in reading.mentions if mention.sentence in touched]
    # Whatever shares its words with what goes has to go too: "no effusion or pneumothorax" cannot be cut in
    # two.
    return tuple([m for m in near if spans_meet(m, spans)])


def _find_all_clears(reading: Reading) -> list[Mention]:
    """Return the mentions of sentences that say nothing but that all is well."""
    clear = {m.sentence for m in reading.mentions if m.concept in ALL_IS_WELL and is_asserted(m)}
    own = [m for m in reading.mentions if m.sentence in clear] if clear else []
    mixed = {m.sentence for m in own if m.concept not in ALL_IS_WELL and m.implied_by is None}
    return [m for m in own if m.sentence not in mixed]


# "Stable chest.", "No interval change.": nothing is left of such a sentence once these words are out of it.
_CHEST = re.compile(
    r"[\d.,\s]+|\b(?:the|of|in|no|not|there|is|are|has|been|an?|overall|significant\w*|interval|chest|exam\w*"
    r"|radiograph\w*|film|study|appearance|view|x-?ray|since|from|prior|previous)\b",
    re.IGNORECASE,
)


def _find_stable_chests(
    reading: Reading, graph: ConceptGraph, sentences: Sequence[Sentence]
) -> list[Mention]:
    """Return the words of change of sentences that call the whole film as it was: something came."""
    changed = [m for m in reading.mentions if m.concept in graph.words_of_change]
    numbers = {m.sentence for m in changed}
    texts = {s.number: s for s in sentences if s.number in numbers}
    whole = set()
    for number, sentence in texts.items():
        # The words of change are blanked in place, so that the offsets of the others stay true.
        rest = list(sentence.text)
        for m in changed:
            if m.sentence == number:
                rest[m.start - sentence.start : m.end - sentence.start] = " " * (m.end - m.start)
        if not _CHEST.sub("", "".join(rest)):
            whole.add(number)
    return [m for m in changed if m.sentence in whole]


def _is_of_now(mention: Mention) -> bool:
    return mention.polarity != "absent" and mention.temporality != "prior"


@lru_cache(maxsize=4096)
def _collect_leaving_concepts(graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """The findings that give way, their kinds, and what cannot stand without them."""
    kinds = {
        kind
        for finding in gives_way
        for kind in (finding, *graph.descendants(finding), *graph.other_names(finding))
    }
    return frozenset(kinds | _collect_gone_with(graph, gives_way)) if gives_way else frozenset()


# --- signs that nothing explains any more -------------------------------------------------------


def lone_signs(
    reading: Reading,
    graph: ConceptGraph,
    gives_way: tuple[str, ...],
    going: Sequence[Mention],
    sentences: Sequence[Sentence] = (),
) -> list[Mention]:
    """Return the signs that go with the findings that give way, whatever comes in their place.

    A sign that is told in one sentence with such a finding goes, unless something else in that sentence shows
    it too. A sign in a sentence of its own goes only if it is strong, and either nothing else in the graph is
    known by it or it lies where the finding lies. A weak sign stays, and so does what the report calls old.
    What sets the label of a finding by itself, as a scar does that of an opacity, always goes with it.
    """
    if not gives_way:
        return []
    signs = _map_signs_going_with(graph, gives_way)
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
        and (
            signs[mention.concept] == "label"
            or mention.sentence in told_with
            or _is_of_these(mention, signs[mention.concept], going, graph)
        )
        and (signs[mention.concept] == "label" or not _is_called_old(mention, sentences))
    ]
    if not seen:
        return []
    leaving = {m.concept for m in going} | set(gives_way)
    staying = [
        mention
        for mention in reading.mentions
        if id(mention) not in gone
        and mention.concept not in leaving
        and mention.polarity != "absent"
        and mention.temporality not in ("prior", "resolved")
        and not leaving & set(graph.ancestors(mention.concept))
    ]
    lone = [m for m in seen if not any(_is_explained_by(other, m, graph, told_with) for other in staying)]
    return [m for m in lone if _is_spared(m, reading, graph, gives_way, [*going, *lone])]


@lru_cache(maxsize=4096)
def _map_signs_going_with(graph: ConceptGraph, gives_way: tuple[str, ...]) -> dict[str, Bond]:
    """Map each sign of the findings to how closely it is tied to them, weak ones left out."""
    labels = {
        sign
        for finding in gives_way
        for sign in signs_of(graph, finding)
        if not set(gives_way).isdisjoint(graph.concept(sign).sets_labels)
    }
    of_these = {kin for finding in gives_way for kin in (finding, *graph.ancestors(finding))}
    # The weak ones are left out on both sides: a sign that is weak for another finding is still proper to
    # this.
    others = {
        relation.other(finding)
        for finding in DISEASES - of_these
        for relation in graph.supports(finding)
        if relation.strength != "weak"
    }
    ties = [
        (relation.other(finding), relation)
        for finding in gives_way
        for relation in graph.supports(finding)
        if relation.strength != "weak"
    ]
    strong = {sign for sign, relation in ties if relation.strength == "strong"}
    bonds: dict[str, Bond] = {
        sign: "loose" if sign not in strong else "shared" if sign in others else "proper" for sign, _ in ties
    }
    return bonds | dict.fromkeys(labels, "label")


def _is_of_these(sign: Mention, bond: Bond, going: Iterable[Mention], graph: ConceptGraph) -> bool:
    """True if a sign in a sentence of its own speaks for what goes, and hardly for anything else."""
    if bond != "shared":
        return bond == "proper"
    # Side and region both: two findings on one side without a region may be anywhere on it.
    return any(
        sign.side
        and sign.side == other.side
        and sign.region
        and other.region
        and graph.overlaps((sign.side, sign.region), (other.side, other.region))
        for other in going
        if other.concept in DISEASES
    )


_OLD = re.compile(
    r"\b(?:chronic\w*|old|healed|remote|long-?standing|post-?(?:operative|surgical)\w*)\b[^,;.]*$",
    re.IGNORECASE,
)


def _is_called_old(mention: Mention, sentences: Sequence[Sentence]) -> bool:
    """True if the words before it, in its own part of the sentence, call it old or a result of surgery."""
    text = next((s for s in sentences if s.number == mention.sentence), None)
    return text is not None and _OLD.search(text.text, 0, max(0, mention.start - text.start)) is not None


def _is_explained_by(other: Mention, sign: Mention, graph: ConceptGraph, told_with: Collection[int]) -> bool:
    """True if something that stays shows the sign there: a finding, or a kind of what the sign stands for.

    A sign that is told in one sentence with what gives way is explained by that sentence only. A label that
    is no more than the sign's own, an opacity, explains nothing.
    """
    if sign.sentence in told_with and other.sentence != sign.sentence:
        return False
    labels = graph.concept(sign.concept).sets_labels
    if other.concept in DISEASES:
        if sign.concept not in signs_of(graph, other.concept) or other.concept in labels:
            return False
    elif other.sentence != sign.sentence or other.concept == sign.concept:
        return False
    elif not any(label in graph.concept(other.concept).sets_labels for label in labels):
        # "Opacity, scarring or atelectasis": without the atelectasis it is the scar's.
        return False
    # A sign on the other side explains nothing here: each side of the chest is judged by itself.
    return graph.overlaps((other.side, None), (sign.side, None))


def _is_spared(
    sign: Mention,
    reading: Reading,
    graph: ConceptGraph,
    gives_way: tuple[str, ...],
    going: Sequence[Mention],
) -> bool:
    """True if its going changes no other finding: the opacity that is told by it alone has to stay."""
    spans = [(mention.start, mention.end) for mention in going]
    for label in set(graph.concept(sign.concept).sets_labels) - set(gives_way):
        others = (m for m in reading.mentions if _is_shown_by(m, label, graph) and not spans_meet(m, spans))
        if reading.states.get(label) == "present" and not any(others):
            return False
    return True


def _is_shown_by(mention: Mention, label: str, graph: ConceptGraph) -> bool:
    return is_asserted(mention) and (
        mention.concept == label or label in graph.concept(mention.concept).sets_labels
    )


@lru_cache(maxsize=64)
def signs_of(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Every attribute that may be written because of the finding."""
    return frozenset(relation.other(finding) for relation in graph.supports(finding))


@lru_cache(maxsize=4096)
def _collect_gone_with(graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """Return what cannot stand without the findings: fluid in a fissure, the good position of a tube."""
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
    """True if a mention denies the target, or asserts what the target excludes, as the target is told."""
    if told is not None and not graph.overlaps((mention.side, None), (told.side, None)):
        return False
    if mention.polarity == "absent":
        return mention.temporality != "prior" and mention.concept in _collect_denied_by_name(graph, target)
    relation = graph.excludes(mention.concept, target)
    if not is_asserted(mention) or relation is None or relation.strength == "weak":
        return False
    return told is None or _is_tenable(relation, told, graph)


@lru_cache(maxsize=64)
def _collect_concepts_against(graph: ConceptGraph, target: str) -> frozenset[str]:
    """Every concept of which a mention may stand against the target."""
    return _collect_denied_by_name(graph, target) | frozenset(graph.excluded(target))


def _is_tenable(relation: Relation, told: Statement, graph: ConceptGraph) -> bool:
    """True if the target, as it is told, is not too slight or too marked for the relation."""
    when, severity = relation.when, told.severity
    is_its_degree = told.concept == relation.target or relation.source == told.concept
    if when is None or severity is None or not is_its_degree:
        return True
    return graph.is_of_degree(severity, when.min_severity, when.max_severity) is not False


@lru_cache(maxsize=64)
def _collect_denied_by_name(graph: ConceptGraph, target: str) -> frozenset[str]:
    """The concepts whose denial denies the target; a break that is not called old is an acute one."""
    acute = {ACUTE_KINDS[target]} if target in ACUTE_KINDS else set[str]()
    return frozenset({target, *graph.ancestors(target), *graph.other_names(target), *acute})


# --- is anything abnormal left ------------------------------------------------------------------


def is_normal_without(
    finding: str, reading: Reading, graph: ConceptGraph, sentences: Sequence[Sentence] = ()
) -> bool:
    """True if nothing abnormal is left of a report once one finding has gone from it."""
    if any(reading.states.get(other) == "uncertain" for other in DISEASES):
        return False
    ceasing = ceasing_mentions(reading, graph, "remove", finding, (finding,), sentences=sentences)
    return is_normal_after(reading, ceasing, graph)


def is_normal_after(reading: Reading, must_cease: Iterable[Mention], graph: ConceptGraph) -> bool:
    """True if what is left of a report without some of its mentions amounts to No Finding."""
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
    """Return what a chest without findings does not show; devices are not counted."""
    return abnormal_in(graph.file)
