"""A report that somebody rewrote as a whole, laid beside the sentences it came from."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import Edit, Sentence, Study

_FIRST_OF_NUMBER = frozenset("(0123456789")
_NUMBER = re.compile(r"\A\(?\d{1,2}[.)]\s+(?=\S)")


def align_candidate(study: Study, text: str, plan_id: str) -> Edit:
    """Return which sentence of a candidate is which of the study's, but for case, space and list number."""
    sentences = number_sentences(text)
    before, after = ([same_words(s.text) for s in told] for told in (study.sentences, sentences))
    return Edit(
        plan_id=plan_id,
        steps=(),
        text=text,
        sentences=sentences,
        origins=_find_origins(before, after),
        problem=None,
    )


@lru_cache(maxsize=256)
def number_sentences(text: str) -> tuple[Sentence, ...]:
    """The sentences of any report, with the headings they stand under."""
    return tuple(
        [
            Sentence(number=number, section=heading, start=start, end=end, text=text[start:end])
            for number, (heading, start, end) in enumerate(split_report(text), 1)
        ]
    )


@lru_cache(maxsize=50_000)
def same_words(sentence: str) -> str:
    """Return the same key for sentences that differ only in case, white space, list number or full stop."""
    words = " ".join(sentence.split())
    if words[:1] in _FIRST_OF_NUMBER:
        words = _NUMBER.sub("", words)
    return words.rstrip(". ").lower()


def _find_origins(before: list[str], after: list[str]) -> tuple[int, ...]:
    """The number of the sentence each one came from, 0 for a new one; one that was moved keeps its number."""
    numbers = {sentence: number for number, sentence in enumerate(before, 1)}
    if len(numbers) == len(before) and len(set(after)) == len(after):
        return tuple([numbers.get(sentence, 0) for sentence in after])
    return _find_origins_of_repeated(before, after)


def _find_origins_of_repeated(before: list[str], after: list[str]) -> tuple[int, ...]:
    """Return where a sentence stands twice, its neighbours tell which is which."""
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
