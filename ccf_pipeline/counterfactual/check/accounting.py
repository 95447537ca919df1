"""Every written sentence accounts for itself: it tells the change, or says again what its source said.

A sentence that the edit wrote has to carry the target, one of its signs, something that must change, or the
words of a sentence that it replaces. It may describe that in any of the words that reports describe findings
with. Whatever else it holds was not asked for: another finding, a remark to the reader, a name, another
language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import (
    DISEASES,
    Case,
    block,
    family_of,
    is_device,
    kinds_of,
    matters,
    signs_of,
)
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import spans_meet
from ccf_pipeline.reader.known_words import WORD, describes, function_words, is_known, known_words, places
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Mention,
    Problem,
    ReasonCode,
    Sentence,
)

CODE: ReasonCode = "collateral_change"
ALL_IS_WELL = frozenset({NO_FINDING, "nrm_no_acute_process"})
# So much of what a sentence says must be its source's where it carries nothing of the change.
SHARE_OF_THE_SOURCE = 0.6
# One word in so many may be one that we do not know: radiologists have more words than any list.
# A sentence of fewer than four words has room for none: "Kein Pneumothorax".
WORDS_TO_AN_UNKNOWN = 10
FEWEST_WORDS = 4
# The joints of a sentence: a piece between two of them that describes nothing is foreign to the report.
_JOINT = re.compile(
    r"[,;:()\[\]{}/]|[.!?]\s|\s[-–—]+\s"
    # "By the fissure" goes with its verb, "by Miller" stands for itself.
    r"|\b(?:and|or|but|with|without|in|for|from|per|by(?! (?:the|an?)\b)|after|before|as|at|on|to|while|which"
    r"|that|who|when|where|whose|whatever|regardless|so|due|if)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[(\[{]")
_REFERS_BACK = re.compile(
    r"\W*(?:it|this|these|they|those|its|their|the (?:former|latter|largest))\b", re.IGNORECASE
)
# Letters of other scripts, signs that no report has, words spelt with figures or capitals inside, a dose, an
# address: none has its place in a finding.
_FOREIGN = re.compile(
    r"[^\W\d_A-Za-zÀ-ÿ]"
    r"|\b(?=\w*[a-z]\d|\w*\d[a-z])(?!\d+(?:st|nd|rd|th|mm|cm|x|v|fr?)\b|[tlcx]\d{1,2}\b)\w+"
    r"|\b\d+(?:\.\d+)?\s?(?:mg|mcg|ug|g|ml|l|iu|units?|tablets?)\b|://|\bwww\.|[@#$€£|\\^*=]"
    r"|\b(?:[a-z][ .·-]){4,}[a-z]\b|[^\x00-\x7fÀ-ÿ°±µ·×½¼¾–—‘’“”…≤≥]|(?-i:\b\w*[a-z][A-Z]\w*[a-z][A-Z])",
    re.IGNORECASE,
)
# Most sentences hold nothing of what each of these has.
_MAY_BE_FOREIGN = re.compile(
    r"[^A-Za-z\s,.;:()'\"/-]|\b[A-Za-z][ .-][A-Za-z]\b|\bwww\b|://|(?-i:[a-z][A-Z])", re.IGNORECASE
)
# Whoever speaks to the reader, or of a person, does not describe a film.
_PERSON = re.compile(
    r"\b(?:i|me|my|mine|we|our|ours|you|your|yours|he|him|his|she|her|hers|myself|yourself)\b"
    r"|\b(?:the|this|that|an?)\s(?:\w+\s)?patients?\b(?!['’])",
    re.IGNORECASE,
)


def unaccounted_sentences(case: Case) -> Iterator[Problem]:
    """Yield a problem for each written sentence that holds what nobody asked for."""
    if not case.written_sentences:
        return
    own, denied = _collect_own_concepts(case), _collect_deniable_concepts(case)
    said = [mention for mention in case.counterfactual.mentions if mention.implied_by is None]
    carrying = False
    for sentence in case.written_sentences:
        told = [m for m in said if sentence.start <= m.start < sentence.end]
        stranger = _find_stranger(told, own, denied, case)
        carries = _is_accounted_for(sentence, told, own, case)
        refers_back = carrying and _continues(sentence, told)
        carrying = carries or refers_back
        if stranger is not None:
            label = case.graph.concept(stranger.concept).label
            message = f"Sentence {sentence.number} speaks of {label}, which was not asked for; leave it out."
            yield block(CODE, message, stranger)
        elif not carrying:
            message = f"Sentence {sentence.number} has nothing to do with the change; leave it out."
            yield block(CODE, message, sentence)
        elif _has_undescriptive_words(sentence, told, case):
            # The words are not quoted: they may be an order, and the message goes back to a model.
            message = f"Sentence {sentence.number} says more than the change; describe the finding only."
            yield block(CODE, message, sentence)


def _continues(sentence: Sentence, told: list[Mention]) -> bool:
    """True if a sentence tells more of the finding before it: "It measures 12 mm"."""
    if _REFERS_BACK.match(sentence.text) is None:
        return False
    return bool(told) or any(places(word) for word in _list_content_words(sentence.text))


# --- what a sentence is about --------------------------------------------------------------------


def _collect_own_concepts(case: Case) -> frozenset[str]:
    """Return the concepts that the change is about: what comes, what goes, and what the plan names."""
    plan = case.plan
    going = case.leaving
    if plan.target == NO_FINDING:
        going = (*going, *sorted(DISEASES))
    coming = () if plan.direction == "remove" else (plan.target,)
    named = [said.concept for said in plan.must_appear] + [m.concept for m in plan.must_cease]
    own = _collect_concepts_of_change(case.graph, coming, going).union(named)
    if not going:
        return own
    # The states that deny what showed it; the signs that may be denied are in `own` already.
    shown = {m.concept for m in case.factual.mentions if m.polarity != "absent"} & own
    states = [state for concept in shown for state in case.graph.normal_states_of(concept)]
    return own.union(_collect_ceasing_normal_states(case.graph, going), states)


def _collect_deniable_concepts(case: Case) -> frozenset[str]:
    """Return the signs of what goes: they may be denied, though nobody said that they were there."""
    return _collect_signs(case.graph, case.leaving)


@lru_cache(maxsize=1024)
def _collect_signs(graph: ConceptGraph, findings: tuple[str, ...]) -> frozenset[str]:
    return frozenset(sign for finding in findings for sign in signs_of(graph, finding))


@lru_cache(maxsize=1024)
def _collect_concepts_of_change(
    graph: ConceptGraph, coming: tuple[str, ...], going: tuple[str, ...]
) -> frozenset[str]:
    about: set[str] = set()
    for finding in (*coming, *going):
        about |= family_of(graph, finding) | kinds_of(graph, finding)
    for finding in coming:
        for sign in signs_of(graph, finding):
            about |= {
                sign,
                *graph.ancestors(sign),
                *graph.descendants(sign),
                *graph.concept(sign).sets_labels,
            }
        about |= {r.other(finding) for r in graph.relations_of(finding) if r.kind in ("modifier", "location")}
    return frozenset(about)


@lru_cache(maxsize=1024)
def _collect_ceasing_normal_states(graph: ConceptGraph, going: tuple[str, ...]) -> frozenset[str]:
    """Return the normal states that deny what goes."""
    ceasing = {kind for finding in going for kind in kinds_of(graph, finding)}
    return ALL_IS_WELL.union(state for concept in ceasing for state in graph.normal_states_of(concept))


def _find_stranger(
    told: list[Mention], own: frozenset[str], denied: frozenset[str], case: Case
) -> Mention | None:
    """Return the first statement of a sentence that is not of the change, or None."""
    strangers = [m for m in told if _is_stranger(m, own, case)]
    if not strangers:
        return None
    tells_target = any(m.concept in case.target_kinds and m.polarity == "present" for m in told)
    strangers = [m for m in strangers if not _is_denied_beside(m, denied, tells_target, case)]
    # "No mediastinal shift" is read as a denied shift, and as a midline mediastinum.
    spans = [(m.start, m.end) for m in told if m.polarity == "absent" and m not in strangers]
    normal = _collect_normal_states(case.graph)
    return next((m for m in strangers if m.concept not in normal or not spans_meet(m, spans)), None)


@lru_cache(maxsize=4)
def _collect_normal_states(graph: ConceptGraph) -> frozenset[str]:
    return frozenset(state.id for state in graph.normal_states)


def _is_stranger(mention: Mention, own: frozenset[str], case: Case) -> bool:
    """True if a mention is neither of the change, nor of a replaced sentence, nor a mere description."""
    concept = mention.concept
    if concept in own or concept in case.graph.words_of_change or _is_of_the_source(mention, case):
        return False
    if (concept, mention.polarity) in case.said_by_kept:
        return False  # A finding that stands may be named again where the sentence's own finding goes.
    if _is_mere_description(case.graph, concept):
        return False
    return not _is_tied(case.graph, concept, case.plan.target) or case.plan.direction == "remove"


def _is_of_the_source(mention: Mention, case: Case) -> bool:
    """True if a sentence that is gone said the same, or as much of it, or has these very words."""
    graph, said = case.graph, case.said_by_gone
    concept = graph.concept(mention.concept)
    if concept.id in ALL_IS_WELL and any((one, "present") in said for one in ALL_IS_WELL):
        return True
    kin = [concept.id] if concept.id in FINDING_LABELS else [concept.id, *graph.ancestors(concept.id)]
    if any((one, mention.polarity) in said for one in kin):
        return True
    words = _list_content_words(case.edit.text[mention.start : mention.end])
    if concept.kind == "normal_state" and mention.polarity == "present":
        # "The hemidiaphragm is well defined" where what obscured it goes.
        if case.leaving and not case.gone_words.isdisjoint(words):
            return True
        # "The mediastinum is otherwise normal" is what is left of a normal "heart and mediastinum".
        denied = graph.implied_denials(concept.id)
        if any((one, "absent") in said for other in denied for one in (other, *graph.ancestors(other))):
            return True
    matters_to_readers = concept.id in FINDING_LABELS or matters(graph, concept.id)
    if matters_to_readers and any(one == concept.id for one, _ in said):
        return False
    return bool(words) and case.gone_words.issuperset(words)


def _is_denied_beside(mention: Mention, denied: frozenset[str], tells_target: bool, case: Case) -> bool:
    """True for a pertinent negative: "pneumothorax without mediastinal shift", "no opacity to suggest it"."""
    if mention.polarity != "absent":
        return False
    is_label = mention.concept in FINDING_LABELS or is_device(case.graph, mention.concept)
    return mention.concept in denied or (tells_target and not is_label)


@lru_cache(maxsize=4096)
def _is_mere_description(graph: ConceptGraph, concept: str) -> bool:
    """True for a place, a spread or a margin, which says nothing without its finding."""
    is_plain = graph.concept(concept).kind == "attribute" and not graph.concept(concept).cancels_no_finding
    if not is_plain or graph.concept(concept).sets_labels:
        return False
    ties = [r for r in graph.relations_of(concept) if r.relation == "positive"]
    return bool(ties) and all(r.kind in ("location", "modifier", "temporal") for r in ties)


@lru_cache(maxsize=4096)
def _is_tied(graph: ConceptGraph, concept: str, target: str) -> bool:
    """True if a positive relation ties a sign to the target; another finding is never tied to it."""
    if concept in FINDING_LABELS:
        return False
    if concept in kinds_of(graph, SUPPORT_DEVICES):
        return target == SUPPORT_DEVICES
    ends = {r.other(concept) for r in graph.relations_of(concept) if r.relation == "positive"}
    return not ends.isdisjoint(family_of(graph, target) | signs_of(graph, target))


def _is_accounted_for(sentence: Sentence, told: list[Mention], own: frozenset[str], case: Case) -> bool:
    """True if a sentence tells something of the change, or is mostly in the words of a replaced sentence."""
    if any(mention.concept in own or _is_of_the_source(mention, case) for mention in told):
        return True
    words = _list_content_words(sentence.text)
    return bool(words) and len([w for w in words if w in case.gone_words]) >= SHARE_OF_THE_SOURCE * len(words)


# --- words -----------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def _list_content_words(text: str) -> tuple[str, ...]:
    return tuple([word for word in WORD.findall(text.lower()) if word not in function_words()])


@dataclass(frozen=True)
class _Piece:
    """A part of a sentence between two joints, with the words in it that describe no finding."""

    start: int
    end: int
    strange: tuple[str, ...]
    person: str
    is_foreign: bool
    """True where most of its words are strange, or half of them and the others describe nothing."""
    is_empty_aside: bool
    """True for a part in brackets that describes nothing, or not only: "(inserted)", "(see edit 2)"."""


@lru_cache(maxsize=50_000)
def _find_odd_pieces(text: str, graph: ConceptGraph) -> tuple[_Piece, ...]:
    """Return the pieces of a sentence that hold words which describe no finding; most sentences have none."""
    known = known_words(graph)
    has_person = _PERSON.search(text) is not None
    if not has_person and _ASIDE.search(text) is None and _has_known_words_only(text, known):
        return ()
    odd = []
    begin = 0
    for cut in (*_JOINT.finditer(text), None):
        end = cut.start() if cut else len(text)
        words = WORD.findall(text[begin:end].lower())
        content = [word for word in words if word not in function_words()]
        strange = tuple([word for word in content if not is_known(word, known)])
        person = _PERSON.search(text, begin, end) if has_person else None
        is_aside = text[begin - 1 : begin] in ("(", "[", "{")
        is_plain = any(describes(word) for word in content)
        is_empty_aside = bool(words) and is_aside and (bool(strange) or not is_plain)
        is_foreign = 2 * len(strange) > len(content) or (2 * len(strange) == len(content) and not is_plain)
        if strange or person or is_empty_aside:
            named = person.group().lower() if person else ""
            odd.append(_Piece(begin, end, strange, named, is_foreign, is_empty_aside))
        begin = cut.end() if cut else end
    return tuple(odd)


def _has_known_words_only(text: str, known: frozenset[str]) -> bool:
    """True if no piece of a text can hold a strange word; an apostrophe may part a word at a joint."""
    words = set(WORD.findall(text.lower()))
    if any("'" in word or "’" in word for word in words):
        return False
    return all(is_known(word, known) for word in words - known - function_words())


@lru_cache(maxsize=50_000)
def _find_foreign(text: str) -> str | None:
    """Return the first spelling that has no place in a finding, or None."""
    spelt = _FOREIGN.search(text) if _MAY_BE_FOREIGN.search(text) else None
    return spelt and spelt.group()


def _has_undescriptive_words(sentence: Sentence, told: list[Mention], case: Case) -> bool:
    """True if words of a sentence do not describe what is on a film."""
    text, source = sentence.text, case.gone_words
    spelt = _find_foreign(text)
    if spelt is not None and not any(spelt in gone.text for gone in case.gone):
        return True
    unknown: list[str] = []
    for piece in _find_odd_pieces(text, case.graph):
        strange = [word for word in piece.strange if word not in source]
        start, end = sentence.start + piece.start, sentence.start + piece.end
        is_told = any(m.start < end and start < m.end for m in told)
        is_foreign = piece.is_empty_aside or (piece.is_foreign and len(strange) == len(piece.strange))
        if (is_foreign and not is_told) or not source.issuperset(piece.person.split()):
            return True
        unknown += strange
    words = len(WORD.findall(text))
    return len(unknown) > (max(1, words // WORDS_TO_AN_UNKNOWN) if words >= FEWEST_WORDS else 0)
