"""Take what must cease out of the sentences that are free to change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property

from ccf_pipeline.counterfactual.plan.statements import leaning_attributes
from ccf_pipeline.experts.rules.cutting import Said, cut_sentence
from ccf_pipeline.experts.rules.dependents import cut_clauses, going_in, pointing_to_nothing
from ccf_pipeline.experts.rules.grammar import (
    COPULA,
    DENIED_OR_NORMAL,
    FRAMES,
    finish_sentence,
    is_whole,
    split_label,
    words_in,
)
from ccf_pipeline.experts.rules.writing import list_denials
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Plan, Prompt, Sentence


class CannotCut(Exception):
    """Nothing that reads as the report wrote it would be left of a sentence."""


class Remains:
    """Takes statements out of sentences, as a plan asks."""

    def __init__(self, graph: ConceptGraph) -> None:
        self._graph = graph
        self._leaning = leaning_attributes(graph)
        self._leaving: dict[tuple[str, ...], frozenset[str]] = {}

    def of_prompt(self, prompt: Prompt) -> dict[int, str]:
        """By number, what is left of each free sentence behind its label; the empty text when nothing is.

        Raises:
            CannotCut: if a sentence cannot lose what goes and stay whole.
        """
        return {
            sentence.number: self._write_rest(sentence, prompt.plan)
            for sentence in prompt.sentences
            if sentence.number in prompt.plan.free_sentences
        }

    def leaving(self, plan: Plan) -> frozenset[str]:
        """The findings that give way, their kinds and their signs."""
        gives_way = (plan.target,) if plan.direction == "remove" else plan.swap_from
        if gives_way not in self._leaving:
            kinds = {kind for finding in gives_way for kind in (finding, *self._graph.descendants(finding))}
            signs = {relation.other(f) for f in gives_way for relation in self._graph.supports(f)}
            told_of = {state for finding in gives_way for state in self._find_states_told(finding)}
            self._leaving[gives_way] = frozenset(kinds | signs | told_of)
        leaving = self._leaving[gives_way]
        return leaving.union(m.concept for m in plan.must_cease) if plan.target == NO_FINDING else leaving

    def _find_states_told(self, finding: str) -> frozenset[str]:
        """Normal states that speak of what is there: "in good position" cannot stand without the tube."""
        normal = {state.id for state in self._graph.normal_states}
        modifiers = (r.other(finding) for r in self._graph.relations_of(finding) if r.kind == "modifier")
        return frozenset(normal.intersection(modifiers))

    def _write_rest(self, sentence: Sentence, plan: Plan) -> str:
        going = going_in(sentence, plan)
        sentence, plan = cut_clauses(sentence, [one for one in going if not one.is_rewritten], plan)
        label, body = split_label(sentence.text)
        body, next_number = split_next_number(label, body)
        if going and not any(m.sentence == sentence.number for m in plan.must_cease):
            rest = finish_sentence(body.strip(" .,;"))
            if not is_whole(rest) and any(not one.is_rewritten for one in going):
                if any(m.sentence == sentence.number for m in plan.must_stay):
                    raise CannotCut
                rest = ""  # what stood before "CT is recommended" only led to it
        else:
            rest = self._write_rest_of_body(sentence, label, body, plan)
        if any(one.is_rewritten for one in going):
            rest = pointing_to_nothing(rest)
        return f"{rest.removesuffix('.')}{next_number}" if rest and next_number else rest

    def _write_rest_of_body(self, sentence: Sentence, label: str, body: str, plan: Plan) -> str:
        ceasing = [m for m in plan.must_cease if m.sentence == sentence.number]
        gone = [m for m in ceasing if self._must_go(m, plan)] or ceasing
        staying = self._find_staying(sentence, plan, gone)
        if staying and all(m.concept in self._leaning for m in gone):
            return body  # "at both bases" goes with the finding that it places, and that one stays
        gone = _drop_composites(gone, sentence)
        spans = {(m.start, m.end) for m in gone}
        # They are mentions of this very plan: to compare what they say would take longer.
        going_ids = set(map(id, gone))
        swept = [
            m for m in ceasing if id(m) not in going_ids and (m.start, m.end) not in spans and self._stands(m)
        ]
        for kept in ([*staying, *swept], staying) if swept else (staying,):
            shift = sentence.start + len(label)
            said = [*_list_spans(gone, shift, goes=True), *_list_spans(kept, shift, goes=False)]
            if plan.direction == "alter":
                said = [replace(one, side=None) for one in said]  # what is new is told there, on that side
            if not kept:
                rest = self._deny_same_words(ceasing, plan) or _cut_organ(body, plan)
                return rest or cut_sentence(body, said, self._idle) or ""
            rest = cut_sentence(body, said, self._idle)
            if rest is not None:
                return rest
        return self._deny_again(staying, gone, sentence)

    def gone(self, sentence: Sentence, plan: Plan) -> list[Mention]:
        """The statements that a free sentence loses."""
        ceasing = [m for m in plan.must_cease if m.sentence == sentence.number]
        gone = [m for m in ceasing if self._must_go(m, plan)] or ceasing
        if self._find_staying(sentence, plan, gone) and all(m.concept in self._leaning for m in gone):
            return []
        return [m for m in _drop_composites(gone, sentence) if self._stands(m)]

    def _find_staying(self, sentence: Sentence, plan: Plan, gone: Sequence[Mention]) -> list[Mention]:
        return [
            m
            for m in plan.must_stay
            if m.sentence == sentence.number
            and self._stands(m)
            and not self._has_lost_its_point(m, plan)
            and not self._describes_one_of(m, gone, sentence)
            and not self._would_deny_target(m, gone, sentence, plan)
        ]

    def _would_deny_target(
        self, mention: Mention, gone: Iterable[Mention], sentence: Sentence, plan: Plan
    ) -> bool:
        """True if it is an adjective whose noun goes, and its own noun would deny what comes."""
        if plan.direction == "remove" or not any(_is_following(m, mention, sentence) for m in gone):
            return False
        states = self._graph.normal_states_of(mention.concept)[:1]
        return any(self._graph.excludes(state, plan.target) is not None for state in states)

    def _describes_one_of(self, mention: Mention, gone: Iterable[Mention], sentence: Sentence) -> bool:
        """True if it is an adjective of a noun that goes: "cavitary" in "cavitary lesions"."""
        if self._graph.concept(mention.concept).kind != "attribute":
            return False
        return any(_is_following(m, mention, sentence) and m.polarity == mention.polarity for m in gone)

    @cached_property
    def _idle(self) -> frozenset[str]:
        """Words that tell of no patient by themselves: places, degrees, change, how the film was taken."""
        file = self._graph.file
        told = [word for region in file.regions for word in region.words]
        told += [word for words in file.severity_grades for word in words]
        told += [form for word in self._graph.words_of_change for form in self._graph.concept(word).forms]
        return FRAMES | _IDLE | words_in(" ".join(told))

    def _deny_same_words(self, ceasing: Iterable[Mention], plan: Plan) -> str:
        """Return what else was denied by the same words: "neither effusion nor pneumothorax"."""
        going = {m.concept for m in ceasing if m.polarity == "present" and self._must_go(m, plan)}
        nouns = [
            self._graph.concept(m.concept).write.noun
            for m in ceasing
            if m.implied_by is None
            and m.polarity == "absent"
            and not self._must_go(m, plan)
            and going.isdisjoint(self._graph.normal_states_of(m.concept)[:1])
            and m.concept in FINDING_LABELS
        ]
        return list_denials(list(filter(None, nouns))) if any(nouns) else ""

    def _stands(self, mention: Mention) -> bool:
        """True if it is a statement of its own, and not only a detail of another."""
        return mention.implied_by is None and mention.concept not in self._leaning

    def _has_lost_its_point(self, mention: Mention, plan: Plan) -> bool:
        """True if it denies a kind or a sign of what goes: "pneumothorax, without tension"."""
        if mention.polarity != "absent" or plan.direction == "add":
            return False
        return mention.concept in self.leaving(plan) - {plan.target, *plan.swap_from}

    def _must_go(self, mention: Mention, plan: Plan) -> bool:
        """True if the mention itself has to go, and not only words that it shares with one that has."""
        if mention.polarity != "absent" and mention.concept in self.leaving(plan):
            return True
        if plan.direction == "remove":
            return False
        if mention.polarity == "absent":
            return mention.concept in (plan.target, *self._graph.ancestors(plan.target))
        return self._graph.excludes(mention.concept, plan.target) is not None

    # --- sentences that cannot be cut ---------------------------------------------------------

    def _deny_again(self, staying: Sequence[Mention], gone: Sequence[Mention], sentence: Sentence) -> str:
        """Deny what must stay denied; what the sentence tells of besides cannot be told as well as there.

        Raises:
            CannotCut: if more than denials would have to be told anew.
        """
        single = [m for m in _pick_one_per_span(staying) if not any(_is_begun_by(m, n) for n in staying)]
        if not single or not all(_is_denied(m, sentence) for m in single):
            raise CannotCut
        return list_denials(list(dict.fromkeys(self._write_denial_again(m, gone, sentence) for m in single)))

    def _write_denial_again(self, mention: Mention, gone: Iterable[Mention], sentence: Sentence) -> str:
        """Return the words of a denial, or a noun for "consolidative" where its own noun goes."""
        noun = self._graph.concept(mention.concept).write.noun
        return (
            noun
            if noun and any(_is_following(m, mention, sentence) for m in gone)
            else _get_words(mention, sentence)
        )


# "Heart and mediastinum are normal" is read as one statement; only one of the two ceases to be.
_ORGANS = {
    "fnd_cardiomegaly": re.compile(r"\b(?:heart(?: size)?|cardiac (?:size|silhouette|contours?))", re.I),
    "fnd_enlarged_cardiomediastinum": re.compile(r"\bmediastin\w+(?: silhouettes?| contours?)?", re.I),
}


def _cut_organ(body: str, plan: Plan) -> str | None:
    """Return what a sentence says of the one organ where only the other is no longer normal."""
    found = {finding: words.search(body) for finding, words in _ORGANS.items()}
    changed = found.get(plan.target)
    if plan.direction == "remove" or changed is None or "," in body:
        return None
    others = [words for finding, words in found.items() if words and finding != plan.target]
    said = [Said(changed.start(), changed.end(), goes=True)]
    said += [Said(words.start(), words.end(), goes=False) for words in others]
    rest = cut_sentence(body, said) if others else None
    return rest if rest and DENIED_OR_NORMAL.search(rest) else None


def _is_denied(mention: Mention, sentence: Sentence) -> bool:
    """True if its words hold by a denial in front of them, as those of "no acute disease" do."""
    if DENIED_OR_NORMAL.search(_get_words(mention, sentence)):
        return False  # "Heart size upper limits of normal" denies by itself.
    return mention.polarity == "absent" or _NO.match(mention.cue or "") is not None


_NO = re.compile(r"(?:no|without|negative)\b", re.IGNORECASE)


def _is_following(mention: Mention, other: Mention, sentence: Sentence) -> bool:
    """True if nothing but a blank stands between the two."""
    between = sentence.text[other.end - sentence.start : mention.start - sentence.start]
    return mention.start > other.end and not between.strip()


_IDLE = words_in(
    "again also now than more most greater less worse prior previous previously comparison compared"
    " exam examination study studies chest frontal lateral view views ap pa portable appearance area areas"
    " interval heart lungs lung both left right overall some few several there these those"
)
_NEXT_NUMBER = re.compile(r"\s+\d{1,2}\.?\s*$")


def split_next_number(label: str, body: str) -> tuple[str, str]:
    """Part an item of a list from the next one's number, which stands behind it without a full stop."""
    found = _NEXT_NUMBER.search(body) if label[:1].isdigit() else None
    return (body[: found.start()], found[0].rstrip()) if found else (body, "")


def _drop_composites(gone: Sequence[Mention], sentence: Sentence) -> list[Mention]:
    """Leave out "effusion or pneumothorax" read as one thing: it ceases with the item that goes."""
    return [
        m
        for m in gone
        if COPULA.search(_get_words(m, sentence)) or not any(_is_wider(m, other) for other in gone)
    ]


def _is_begun_by(mention: Mention, other: Mention) -> bool:
    return mention.start == other.start and mention.end > other.end


def _is_wider(mention: Mention, other: Mention) -> bool:
    covers = mention.start <= other.start and other.end <= mention.end
    return covers and mention.end - mention.start > other.end - other.start


def _list_spans(mentions: Iterable[Mention], shift: int, *, goes: bool) -> list[Said]:
    """Return the spans of mentions, counted from `shift`; a label counts as the beginning of the body."""
    return [
        Said(max(0, m.start - shift), m.end - shift, goes, denies=m.polarity == "absent", side=m.side)
        for m in _pick_one_per_span(mentions)
    ]


def _pick_one_per_span(mentions: Iterable[Mention]) -> list[Mention]:
    first: dict[tuple[int, int], Mention] = {}
    for mention in mentions:
        first.setdefault((mention.start, mention.end), mention)
    return list(first.values())


def _get_words(mention: Mention, sentence: Sentence) -> str:
    return sentence.text[mention.start - sentence.start : mention.end - sentence.start]
