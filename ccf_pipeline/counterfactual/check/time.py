"""Do the words of change agree with each other and with what is known of earlier films?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import Case, block, warn
from ccf_pipeline.reader.facts import is_asserted
from ccf_pipeline.records import FINDING_LABELS, Mention, Problem, ReasonCode

CODE: ReasonCode = "temporal_inconsistent"
CHANGES = frozenset({"new", "worsened", "improved", "unchanged", "resolved"})
# Anything by which a report shows that there was an earlier film.
_COMPARED = re.compile(
    r"\b(?:compar\w+|prior|previous\w*|earlier|interval|unchanged|stable|again|since|last|new|newly|persist\w*"
    r"|increas\w+|decreas\w+|improv\w+|worse\w*|progress\w+|resol\w+|no longer|removed|change[ds]?\b"
    r"|yesterday|remains?|recent|follow-?up)\b",
    re.IGNORECASE,
)
_NO_COMPARISON = re.compile(
    r"\bcomparisons?:?\s*(?:is |are )?(?:none|no\b|not available|unavailable|n/a)"
    r"|\bno (?:prior|previous|comparison|earlier)\b[^.]{0,30}\b(?:studies|study|films?|radiographs?"
    r"|examinations?|exams?|images?|imaging|available|comparison)",
    re.IGNORECASE,
)
# "No degenerative change" is a finding that is denied; these only say of what kind or how great a change is.
_HOW_MUCH = (
    "interval|significant|substantial|relevant|appreciable|definite|major|marked|new|other|further|acute|short|term"
    "|radiographic|evident|obvious|visible|discernible|notable|important|recent|clear|great|detectable|real|overall"
)
_NO_CHANGE = re.compile(
    rf"\b(?:no|without|lack of) (?:(?:{_HOW_MUCH}) ){{0,3}}changes?\b(?! in)"
    r"|\b(?:chest|examination|exam|study|appearances?|radiograph|film|findings)\s(?:is|are|remains?)?\s?"
    r"(?:\w+ )?(?:unchanged|stable)\b|\bunchanged (?:chest|exam\w*|appearance|radiograph|study|findings)\b"
    r"|\bstable (?:chest|exam\w*|appearance|radiograph|study|findings)\b"
    r"|\bnothing new\b|\bno new (?:findings?|abnormalit\w+|process|disease)\b"
    r"|\A\W*(?:unchanged|stable|no change)\W*\Z",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new(?:ly)?|interval (?:development|appearance)|has (?:developed|appeared)"
    r"|now (?:seen|present|shows?)|developed|increas\w+ in size|worsen\w+|progress\w+)\b",
    re.IGNORECASE,
)
_CHANGED = re.compile(
    r"\b(?:new(?:ly)?|unchanged|stable|worsen\w*|worse|improv\w+|resol\w+|interval|no longer|previous\w*"
    r"|prior|since|compar\w+|persist\w*|progress\w+|again|remains?|clear(?:ed|ing))\b",
    re.IGNORECASE,
)
_ACUTE = re.compile(r"(?<!no )(?<!or )\b(?:acute|new|fresh|recent)\b(?!-on| on| or)", re.IGNORECASE)
_OLD = re.compile(r"\b(?:healed|old|remote|chronic|longstanding|long-standing)\b", re.IGNORECASE)
_CLASHES = tuple(
    (re.compile(rf"\b(?:{one})\b", re.IGNORECASE), re.compile(rf"\b(?:{other})\b", re.IGNORECASE))
    for one, other in (
        ("new|newly", "unchanged|stable|resolved|improved|chronic|long-?standing"),
        ("improved|improving|decreased", "worsened|worsening|worse"),
        ("unchanged", "worsened|worsening|resolved"),
    )
)

# Cheap to ask: the first change of every clash has one of them.
_CLASH_HINTS = ("new", "improv", "decreas", "unchanged")


def time_faults(case: Case) -> Iterator[Problem]:
    """Change words without a film to compare with, and those that clash with priors or with each other."""
    told = [m for m in case.counterfactual.mentions if m.temporality in CHANGES]
    changes = _list_written_changes(told, case)
    yield from _check_without_comparison(changes, case)
    yield from _check_against_priors(changes, case)
    yield from _check_against_no_change(changes, case)
    yield from _check_resolved_and_there(told, case)
    yield from _check_clashing_changes(told, case)
    yield from _check_acute_and_old(case)


@lru_cache(maxsize=50_000)
def tells_no_change(sentence: str) -> bool:
    """True if a sentence says of the whole film that nothing changed: a new finding makes it untrue."""
    return _NO_CHANGE.search(sentence) is not None


def _list_written_changes(told: list[Mention], case: Case) -> list[Mention]:
    """Findings and signs of which the edit says how they changed."""
    written = [mention for mention in told if case.is_written(mention)]
    if not written:
        return []
    said_before = {(mention.concept, mention.temporality) for mention in case.factual.mentions}
    return [
        mention
        for mention in written
        if (mention.concept, mention.temporality) not in said_before
        and case.graph.concept(mention.concept).kind != "normal_state"
    ]


def _check_without_comparison(changes: list[Mention], case: Case) -> Iterator[Problem]:
    """Rule R50: who has no earlier film cannot tell a change."""
    if not changes or _is_compared(case.study.text):
        return
    for mention in changes:
        # "Increased transverse diameter" describes a heart, "increased since" compares it.
        if not _CHANGED.search(case.words_of(mention)):
            continue
        yield block(
            CODE,
            f"Sentence {mention.sentence} says how something changed, but there is no earlier film"
            " to compare with; leave the word of change out.",
            mention,
        )
        return


@lru_cache(maxsize=1024)
def _is_compared(text: str) -> bool:
    return _COMPARED.search(text) is not None and _NO_COMPARISON.search(text) is None


def _check_against_priors(changes: list[Mention], case: Case) -> Iterator[Problem]:
    """An unchanged finding that the earlier film did not have, a new one that it had."""
    for mention in changes:
        past = [
            m
            for m in case.factual.mentions
            if m.temporality == "prior" and m.concept == mention.concept and case.meets(m, mention)
        ]
        if not past or mention.polarity != "present":
            continue
        was_absent = all(m.polarity == "absent" for m in past)
        was_present = any(m.polarity == "present" for m in past)
        label = case.graph.concept(mention.concept).label
        if was_absent and mention.temporality in ("unchanged", "improved", "worsened", "resolved"):
            message = (
                f"Sentence {mention.sentence} calls {label} {mention.temporality}, but the earlier film had"
                " none; correct it."
            )
            yield block(CODE, message, mention)
            return
        if was_present and mention.temporality == "new":
            message = (
                f"Sentence {mention.sentence} calls {label} new, but the earlier film had it; correct it."
            )
            yield block(CODE, message, mention)
            return


def _check_against_no_change(changes: list[Mention], case: Case) -> Iterator[Problem]:
    """A change beside a statement that nothing changed, and a finding unchanged that was denied."""
    new = [m for m in changes if m.temporality in ("new", "worsened", "improved", "resolved")]
    told_new = new or [m for m in case.added_of_target if _is_new(case.words_of(m))]
    if told_new:
        for sentence in case.edit.sentences:
            if tells_no_change(sentence.text) and not any(case.sentence_of(m) is sentence for m in told_new):
                yield block(
                    CODE,
                    f"Sentence {sentence.number} still says that nothing changed, but sentence"
                    f" {told_new[0].sentence} tells of a change; make them agree.",
                    told_new[0],
                )
                return
    if case.plan.direction == "remove":
        return
    denied = case.factual.states.get(case.plan.target) == "absent"
    for mention in case.added_of_target:
        if denied and mention.temporality in ("improved", "unchanged"):
            message = (
                f"Sentence {mention.sentence} calls {case.label} {mention.temporality}; nothing says that it"
                " was there before."
            )
            yield warn(CODE, message, mention)
            return


def _check_resolved_and_there(changes: list[Mention], case: Case) -> Iterator[Problem]:
    """Rule R51: resolved in one place of the report, present in another."""
    for gone in changes:
        if gone.temporality != "resolved" or gone.concept not in FINDING_LABELS:
            continue
        for there in case.counterfactual.of(gone.concept):
            if there.polarity != "present" or there.temporality in ("prior", "resolved"):
                continue
            if case.meets(gone, there) and (case.is_written(gone) or case.is_written(there)):
                label = FINDING_LABELS[gone.concept]
                yield block(
                    CODE,
                    f"{label} has resolved in sentence {gone.sentence} and is there in sentence"
                    f" {there.sentence}; only one can be true.",
                    there,
                )
                return


def _check_clashing_changes(changes: list[Mention], case: Case) -> Iterator[Problem]:
    """Rule R52: two changes of one finding that cannot both be."""
    apart = {
        "new": {"unchanged", "improved", "resolved"},
        "improved": {"worsened"},
        "unchanged": {"worsened", "improved"},
    }
    told = [m for m in changes if m.concept in FINDING_LABELS and is_asserted(m)]
    for a in told:
        for b in told:
            if (
                a.concept == b.concept
                and b.temporality in apart.get(a.temporality or "", ())
                and case.meets(a, b)
            ):
                if not (case.is_written(a) or case.is_written(b)) or _has_clashed_before(a, b, case):
                    continue
                label = FINDING_LABELS[a.concept]
                message = (
                    f"{label} is {a.temporality} in sentence {a.sentence} and {b.temporality} in sentence"
                    f" {b.sentence}; only one can be true."
                )
                yield block(CODE, message, b)
                return


def _has_clashed_before(a: Mention, b: Mention, case: Case) -> bool:
    told = {m.temporality for m in case.factual.of(a.concept)}
    return {a.temporality, b.temporality} <= told


def _check_acute_and_old(case: Case) -> Iterator[Problem]:
    """Rules R37, R52 and R60: a healed fracture is not acute, a plaque is not new, new is not unchanged."""
    lasting = ("att_healed_fracture", "att_callus", "att_pleural_plaque", "att_pleural_calcification")
    for mention in case.added:
        words = case.words_of(mention)
        is_old = mention.concept in lasting or (mention.concept == "fnd_fracture" and _OLD.search(words))
        if is_old and _ACUTE.search(words):
            label = case.graph.concept(mention.concept).label
            yield block(
                CODE,
                f"Sentence {mention.sentence} calls {label} both old and acute; choose one.",
                mention,
            )
            return
        if mention.concept in case.target_kinds and _has_two_changes(words):
            yield block(
                CODE, f"Sentence {mention.sentence} tells two changes of one finding; choose one.", mention
            )
            return


@lru_cache(maxsize=4096)
def _is_new(words: str) -> bool:
    return _NEW.search(words) is not None


@lru_cache(maxsize=4096)
def _has_two_changes(words: str) -> bool:
    lowered = words.lower()
    if not any(hint in lowered for hint in _CLASH_HINTS):
        return False
    return any(one.search(words) and other.search(words) for one, other in _CLASHES)
