"""What should have stayed: other findings, devices, sides, and the words of unrelated sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import (
    DISEASES,
    REST,
    Case,
    block,
    family_of,
    kinds_of,
    matters,
    sides_of,
    signs_of,
    warn,
)
from ccf_pipeline.counterfactual.check.exclusions import contradictions, exclusive_pairs
from ccf_pipeline.counterfactual.check.plausibility import implausible_statements
from ccf_pipeline.counterfactual.check.targets import target_faults
from ccf_pipeline.counterfactual.check.time import tells_no_change
from ccf_pipeline.counterfactual.edit.align import same_words
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.embedded_orders import is_order
from ccf_pipeline.reader.facts import Reading, spans_meet
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Problem, Sentence

SPARED_REWRITES = 1
_TITLE = re.compile(r"[A-Z][A-Za-z ,&/]{2,40}: (?=\S)")
_WORD = re.compile(r"\w+")
_LETTERS = re.compile(r"[a-z]+")
WORDS_AHEAD = 3  # "no convincing radiographic evidence of": so far before its words a denial may stand
_EXCEPTIONS = frozenset({"otherwise", "other", "remaining", "additional", "residual", "further", "else"})
_DENIALS = frozenset({"no", "not", "without", "there", "is"})


def collateral_changes(case: Case) -> Iterator[Problem]:
    """Findings, devices and sides that changed although the plan touches neither them nor their kin."""
    yield from _find_changed_findings(case)
    yield from _find_dropped_denials(case)
    yield from _find_lost_mentions(case)
    yield from _find_turned_sides(case)


def _collect_touched_findings(case: Case) -> frozenset[str]:
    """The findings that the change may set: its own, their kin, and what its signs imply."""
    plan = case.plan
    centre = _collect_centre(plan.target, plan.swap_from)
    signs = _collect_signs(case.graph, centre)
    there = (case.counterfactual.asserted & signs) | (case.factual.asserted & signs)
    ceasing = {m.concept for m in plan.must_cease if m.polarity != "absent"}
    # "This may represent scarring" goes with what it explains, and the opacity that a scar is with it.
    clauses = [(dependent.start, dependent.end) for dependent in plan.dependents if dependent.goes]
    fallen = {m.concept for m in plan.must_cease if spans_meet(m, clauses)} if clauses else ()
    ceasing.update(label for concept in fallen for label in case.graph.concept(concept).sets_labels)
    return _set_by(case.graph, centre, there) | ceasing


@lru_cache(maxsize=1024)
def _collect_centre(target: str, leaving: tuple[str, ...]) -> frozenset[str]:
    """Return what comes and goes."""
    return frozenset({target, *leaving, *(DISEASES if target == NO_FINDING else ())})


@lru_cache(maxsize=1024)
def _collect_signs(graph: ConceptGraph, centre: frozenset[str]) -> frozenset[str]:
    return frozenset(sign for finding in centre for sign in signs_of(graph, finding))


@lru_cache(maxsize=4096)
def _set_by(graph: ConceptGraph, centre: frozenset[str], signs: frozenset[str]) -> frozenset[str]:
    """The kin of what comes and goes, and the findings that signs of it set."""
    kin = {kin for finding in centre for kin in family_of(graph, finding)}
    return frozenset(kin.union(*(graph.concept(sign).sets_labels for sign in signs)))


def _find_changed_findings(case: Case) -> Iterator[Problem]:
    was, now = case.factual.states, case.counterfactual.states
    spared = (case.plan.target, NO_FINDING)
    changed = [f for f in FINDING_LABELS if was.get(f) != now.get(f) and f not in spared]
    touched = _collect_touched_findings(case) if changed else frozenset()
    for finding in changed:
        if finding in touched:
            continue
        label, before, after = FINDING_LABELS[finding], was.get(finding), now.get(finding)
        if after is None and before == "absent" and _is_gone_with_its_words(finding, case):
            continue
        # A denial that only followed from "no acute process" was never made: losing it is no loss.
        tell = block if _is_label_change(finding, before, after, case) else warn
        yield tell(
            "collateral_change",
            f"{label} was {before or 'not mentioned'} and is {after or 'not mentioned'}; leave it as it was.",
            next(iter(case.counterfactual.of(finding)), None),
            factual=next(iter(case.factual.of(finding)), None),
        )


def _is_label_change(finding: str, before: str | None, after: str | None, case: Case) -> bool:
    if before is None:
        return after != "absent"
    if after is not None or before != "absent":
        return True
    return any(m.implied_by is None for m in case.factual.of(finding) if m.polarity == "absent")


def _is_gone_with_its_words(finding: str, case: Case) -> bool:
    """True if every denial of it was only implied by words that had to go."""
    ceasing = {(mention.start, mention.end, mention.concept) for mention in case.plan.must_cease}
    return all(
        (mention.start, mention.end, mention.concept) in ceasing
        for mention in case.factual.of(finding)
        if mention.polarity == "absent"
    )


def _find_dropped_denials(case: Case) -> Iterator[Problem]:
    """A list is split, not cut: "no effusion or pneumothorax" keeps the one that is still true (R59)."""
    to_deny = [
        m
        for m in case.plan.must_stay
        if m.polarity == "absent"
        and m.implied_by is None
        and m.concept in FINDING_LABELS
        and m.concept in case.counterfactual.states
    ]
    if not to_deny:
        return
    denied = {
        m.concept for m in case.counterfactual.mentions if m.polarity != "present" and m.implied_by is None
    }
    for denial in to_deny:
        if denial.concept not in denied and denial.concept not in _collect_touched_findings(case):
            label = FINDING_LABELS[denial.concept]
            message = f"The denial of {label} was dropped; put it back."
            yield block("collateral_change", message, factual=denial)


def _find_lost_mentions(case: Case) -> Iterator[Problem]:
    """Devices and signs that the change does not explain away."""
    lost = {
        concept
        for concept in case.factual.asserted - case.counterfactual.asserted
        if concept not in FINDING_LABELS and matters(case.graph, concept)
    }
    if not lost or not case.gone:
        return
    going = _collect_going_with(case.graph, case.leaving) | {m.concept for m in case.plan.must_cease}
    if case.plan.target == NO_FINDING:
        going |= {m.concept for m in case.before if case.graph.excludes(m.concept, NO_FINDING)}
        going |= _collect_touched_findings(case)
    for concept in dict.fromkeys(m.concept for m in case.before if m.concept in lost - going):
        label = case.graph.concept(concept).label
        was_there = next(m for m in case.before if m.concept == concept)
        message = f"{label} was there and is not told any more; put it back."
        yield block("collateral_change", message, factual=was_there)


@lru_cache(maxsize=1024)
def _collect_going_with(graph: ConceptGraph, findings: tuple[str, ...]) -> frozenset[str]:
    """Return what may go when findings go: their kin, their signs, and what comes with them."""
    ties = {r.other(f) for f in findings for r in graph.relations_of(f) if r.relation == "positive"}
    return _collect_own_concepts(graph, findings) | ties


def _find_turned_sides(case: Case) -> Iterator[Problem]:
    """Findings and devices whose side is another one."""
    if not case.gone:
        return
    gone = {sentence.number for sentence in case.gone}
    said = {m.concept for m in case.before if m.sentence in gone}
    said |= {m.concept for m in case.added}
    stayed = said & case.factual.asserted & case.counterfactual.asserted
    stayed -= _collect_own_concepts(case.graph, (case.plan.target, *case.leaving))
    stayed = {concept for concept in stayed if case.graph.concept(concept).kind != "normal_state"}
    for concept in sorted(stayed - _collect_touched_findings(case)) if stayed else ():
        before = sides_of(m for m in case.before if m.concept == concept)
        after = sides_of(m for m in case.asserted if m.concept == concept)
        if before and before != after:
            label = case.graph.concept(concept).label
            was, now = "/".join(sorted(before)), "/".join(sorted(after)) or "nowhere in particular"
            mention = next(m for m in case.asserted if m.concept == concept)
            message = f"{label} was on the {was} and is {now}; leave it where it was."
            told_before = next(m for m in case.before if m.concept == concept and m.side)
            yield block("collateral_change", message, mention, factual=told_before)


@lru_cache(maxsize=1024)
def _collect_own_concepts(graph: ConceptGraph, findings: tuple[str, ...]) -> frozenset[str]:
    """The findings, their kinds, their other names and their signs."""
    return frozenset(
        own for finding in findings for own in kinds_of(graph, finding) | signs_of(graph, finding)
    )


# --- words ------------------------------------------------------------------------------------


def rewritten_sentences(case: Case) -> Iterator[Problem]:
    """Sentences that have nothing to do with the change and do not stand there word for word."""
    kept_by_plan = set(case.plan.kept_sentences) - _open_advice(case)
    missing = [
        sentence
        for sentence in case.gone
        if sentence.number in kept_by_plan
        and not (tells_no_change(sentence.text) and not _has_lost_its_denial(sentence.text, case))
        and not _is_summary_of_normal_film(sentence, case)
        and not _is_robbed_of_its_title(sentence, case)
        and not _has_taken_a_title_over(sentence, case)
        and not _is_extended(sentence, case)
        and not _has_only_lost_its_exception(sentence, case)
        and not could_not_stay(sentence, case)
    ]
    if missing and not _is_part_of_the_change(missing, case):
        numbers = ", ".join(str(sentence.number) for sentence in missing)
        named, them = ("Sentence", "it") if len(missing) == 1 else ("Sentences", "them")
        message = f"{named} {numbers} had nothing to do with the change; keep {them} word for word."
        rewritten = block("unrelated_rewrite", message, factual=missing[0])
        yield rewritten.model_copy(update={"sentence": missing[0].number})
    kept = [origin for origin in case.edit.origins if origin]
    if kept != sorted(kept):
        yield block("unrelated_rewrite", "The sentences were put in another order; keep the order.")


def _has_only_lost_its_exception(sentence: Sentence, case: Case) -> bool:
    """True if "otherwise" or "residual" went where something went that it may have spoken of."""
    words = [word for word in _WORD.findall(sentence.text.lower()) if word not in _EXCEPTIONS]
    return case.plan.direction != "add" and any(
        words == _WORD.findall(written.text.lower()) for written in case.written_sentences
    )


def _is_extended(sentence: Sentence, case: Case) -> bool:
    """True if a sentence that was written still has all words of this one, says all it said, and goes on."""
    said = {_make_statement_key(m) for m in case.factual.mentions if m.sentence == sentence.number}
    words = _WORD.findall(sentence.text.lower())
    for written in case.written_sentences:
        rest = iter(_WORD.findall(written.text.lower()))
        if all(word in rest for word in words):
            told = [m for m in case.counterfactual.mentions if written.start <= m.start < written.end]
            if said <= {_make_statement_key(m) for m in told}:
                return any(m.concept in case.target_kinds for m in told)
    return False


def _make_statement_key(mention: Mention) -> tuple[str | None, ...]:
    return mention.concept, mention.polarity, mention.side, mention.region, mention.severity


def could_not_stay(sentence: Sentence, case: Case) -> bool:
    """True if the counterfactual would be refused with this sentence put back.

    So that no sentence is refused both when it stays and when it goes, whatever the plan says of it.
    """
    faults = (target_faults, exclusive_pairs, contradictions, implausible_statements)
    with_it = _put_back(sentence, case)

    def refusals(of: Case) -> int:
        return sum(problem.level == "block" for find in faults for problem in find(of))

    return refusals(with_it) > refusals(case)


def _put_back(sentence: Sentence, case: Case) -> Case:
    """Return the case with a factual sentence at the end of the counterfactual."""
    edit, factual = case.edit, case.factual
    number, shift = len(edit.sentences) + 1, len(edit.text) + 1 - sentence.start
    moved = {"number": number, "start": sentence.start + shift, "end": sentence.end + shift}
    mentions = [
        m.model_copy(update={"sentence": number, "start": m.start + shift, "end": m.end + shift})
        for m in factual.mentions
        if m.sentence == sentence.number
    ]
    whole = edit.model_copy(
        update={
            "text": f"{edit.text} {sentence.text}",
            "sentences": (*edit.sentences, sentence.model_copy(update=moved)),
            "origins": (*edit.origins, sentence.number),
        }
    )
    reading = Reading((*case.counterfactual.mentions, *mentions), case.counterfactual.states)
    return replace(case, edit=whole, counterfactual=reading)


def _open_advice(case: Case) -> set[int]:
    """Advice of which the likeliest reason went: it may go along, or stay for the others."""
    continuations = case.factual.continuations(case.study.sentences, case.graph)
    return {one.sentence for one in continuations if one.is_whole and one.may_fall_with(case.plan.must_cease)}


def _is_robbed_of_its_title(sentence: Sentence, case: Case) -> bool:
    """ "Bones: No change." after a new sentence that begins with "Bones:" stands there without it."""
    title = _TITLE.match(sentence.text)
    if title is None:
        return False
    written = [new.text for new in case.edit.sentences if new.number in case.written]
    rest = same_words(sentence.text[title.end() :])
    return rest in map(same_words, written) and any(text.startswith(title.group()) for text in written)


def _has_taken_a_title_over(sentence: Sentence, case: Case) -> bool:
    """ "Pleura: No change." where the sentence went that the title stood before is "No change." as it was."""
    words = same_words(sentence.text)
    for written in case.written_sentences:
        title = _TITLE.match(written.text)
        if title and same_words(written.text[title.end() :]) == words:
            return any(gone.text.startswith(title.group()) for gone in case.gone if gone != sentence)
    return False


def _is_summary_of_normal_film(sentence: Sentence, case: Case) -> bool:
    """An all-clear may give way to any new finding, even to one that it does not deny."""
    said = {
        m.concept for m in case.factual.mentions if m.sentence == sentence.number and m.implied_by is None
    }
    if case.plan.direction == "remove" or not said or not said <= {"nrm_no_acute_process", NO_FINDING}:
        return False
    return not _has_lost_its_denial(sentence.text, case)


def _has_lost_its_denial(text: str, case: Case) -> bool:
    """True if the sentence is there but for its denial: "evidence of acute disease" names no disease."""
    words = [word for word in _LETTERS.findall(text.lower()) if word not in _DENIALS]
    # In small letters it may not be told apart from the sentence before it: "Opacity. evidence of disease."
    written = (_LETTERS.findall(s.text.lower()) for s in case.written_sentences)
    return any(
        words and new[-len(words) :] == words and _DENIALS.isdisjoint(new[: -len(words)][-WORDS_AHEAD:])
        for new in written
    )


def _is_part_of_the_change(missing: list[Sentence], case: Case) -> bool:
    """One sentence next to the change may be drawn into it, as long as what it says is still said."""
    if len(missing) > SPARED_REWRITES:
        return False
    (sentence,) = missing
    number = sentence.number
    if is_order(sentence.text):
        return False
    if not any(abs(free - number) == 1 for free in case.plan.free_sentences):
        return False
    said = [m for m in case.factual.mentions if m.sentence == number and m.implied_by is None]
    # "Otherwise clear" speaks of what is gone: without it, the lungs are simply clear.
    if not REST.search(sentence.text) and _is_paraphrased(said, case):
        return False
    return bool(said) and all(_is_still_said(mention, case) for mention in said)


def _is_paraphrased(said: list[Mention], case: Case) -> bool:
    """True if a sentence that was written says the same and nothing else: that is no part of any change."""
    told: dict[int, set[tuple[str, str, str | None]]] = {}
    for mention in case.counterfactual.mentions:
        if mention.implied_by is None and case.is_written(mention):
            told.setdefault(mention.sentence, set()).add((mention.concept, mention.polarity, mention.side))
    return {(m.concept, m.polarity, m.side) for m in said} in told.values()


def _is_still_said(mention: Mention, case: Case) -> bool:
    gone = set(case.leaving)
    again = (
        other
        for other in case.counterfactual.mentions
        if other.concept == mention.concept and other.polarity == mention.polarity
    )
    if any(case.is_written(other) and case.meets(mention, other) for other in again):
        return True
    # "The left lung is clear" is taken up by "the lungs are clear", and gives way where the target is.
    relation = case.graph.excludes(mention.concept, case.plan.target)
    return mention.concept in gone or relation is not None
