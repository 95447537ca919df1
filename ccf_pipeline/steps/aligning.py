"""A report that somebody rewrote as a whole, laid beside the sentences it came from."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from ccf_pipeline.records import Edit, Sentence, Study
from ccf_pipeline.sentences import split_report
from ccf_pipeline.steps.unvalidated import unvalidated

_NUMBER = re.compile(r"\A\(?\d{1,2}[.)]\s+(?=\S)")


def align_candidate(study: Study, text: str, plan_id: str) -> Edit:
    """Which sentence of a candidate is which of the study's, but for case, space and list number."""
    sentences = number_sentences(text)
    before, after = ([same_words(s.text) for s in told] for told in (study.sentences, sentences))
    return unvalidated(
        Edit,
        {
            "plan_id": plan_id,
            "steps": (),
            "text": text,
            "sentences": sentences,
            "origins": _origins(before, after),
            "problem": None,
        },
    )


@lru_cache(maxsize=256)
def number_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of any report, with the headings they stand under."""
    return tuple(
        [
            unvalidated(
                Sentence,
                {"number": number, "section": heading, "start": start, "end": end, "text": text[start:end]},
            )
            for number, (heading, start, end) in enumerate(split_report(text), 1)
        ]
    )


@lru_cache(maxsize=50_000)
def same_words(sentence: str) -> str:
    """What two sentences share that differ in case, white space, list number or the final stop only."""
    return _NUMBER.sub("", " ".join(sentence.split())).rstrip(". ").lower()


def _origins(before: list[str], after: list[str]) -> tuple[int, ...]:
    """The number of the sentence each one came from, 0 for a new one; one that was moved keeps its number."""
    origins = _around_the_change(before, after)
    if origins is not None:
        return tuple(origins)
    origins = [0] * len(after)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        for step in range(size):
            origins[b + step] = a + step + 1
    taken = set(origins)
    free: dict[str, list[int]] = {}
    for number, sentence in enumerate(before, 1):
        if number not in taken:
            free.setdefault(sentence, []).append(number)
    for place, sentence in enumerate(after):
        if not origins[place] and free.get(sentence):
            origins[place] = free[sentence].pop(0)
    return tuple(origins)


def _around_the_change(before: list[str], after: list[str]) -> list[int] | None:
    """The origins where all that stayed stands before or after one place of change, as nearly always.

    None where a sentence occurs twice, or was moved, or several places changed.
    """
    known = set(before)
    if len(known) != len(before) or len(set(after)) != len(after):
        return None
    shorter = min(len(before), len(after))
    head = 0
    while head < shorter and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shorter - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    changed = after[head : len(after) - tail]
    if not known.isdisjoint(changed):
        return None
    return [
        *range(1, head + 1),
        *(0 for _ in changed),
        *range(len(before) - tail + 1, len(before) + 1),
    ]
