"""Where the sections and sentences of a report begin and end.

Spans are half-open offsets into the text that was given, so that an edit can be put back
to the letter. Everything is found in one pass; no text makes it slow.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Section(NamedTuple):
    """A section's heading in lower case ("" before the first one) and the span of its body."""

    heading: str
    start: int
    end: int


def split_sentences(text: str, start: int = 0) -> list[tuple[int, int]]:
    """Spans of the sentences in `text`, trimmed; never across a blank line or before a list number.

    Args:
        start: where `text` begins in the report it was cut from; it is added to every offset.
    """
    spans = []
    begin = 0
    for candidate in _CANDIDATE.finditer(text):
        end = _sentence_end(text, begin, candidate)
        if end is not None:
            spans.append((begin, end))
            begin = end
    spans.append((begin, len(text)))
    return [span for a, b in spans if (span := _trimmed(text, a, b, start)) is not None]


def split_sections(text: str) -> list[Section]:
    """The sections of a report in order; text before the first heading has the heading ""."""
    sections = []
    heading, begin = "", 0
    for colon in _COLON.finditer(text):
        before = text[max(begin, colon.start() - _LONGEST_HEADING) : colon.start()]
        name = before[_after_sentence(before) :]
        found = " ".join(name.lower().split())
        if found in _HEADINGS:
            sections.append(Section(heading, begin, colon.start() - len(name.lstrip())))
            heading, begin = found, colon.end()
    sections.append(Section(heading, begin, len(text)))
    return [section for section in sections if section.heading or text[section.start : section.end].strip()]


@lru_cache(maxsize=256)
def split_report(text: str) -> tuple[tuple[str, int, int], ...]:
    """The sentences of a whole report as (heading, start, end); headings are not part of a sentence.

    Remembered, for reading, aligning and checking ask the same of one text in turn.
    """
    return tuple(
        (section.heading, a, b)
        for section in split_sections(text)
        for a, b in split_sentences(text[section.start : section.end], section.start)
    )


# A full stop before white space, one glued to the next sentence ("apex.There", "fracture.2.Old"),
# a blank line, and a list mark at the start of a line.
_CANDIDATE = re.compile(
    r"""[.!?]["')\]]{0,3}(?=\s|\Z)
      | (?:(?<=[a-z)])|(?<=[A-Z]{3}))\.(?=[A-Z][A-Za-z]|\d{1,2}\.\s{0,2}[A-Z])
      | \n[ \t\r\f\v]*(?=\n)
      | \n(?=[ \t]{0,8}(?:\d{1,2}[.)]|[-*•])\s{0,3}[A-Za-z])""",
    re.VERBOSE,
)

_NUMBERED = re.compile(r"[\s(]*\d{1,2}[.)]?\Z")

# Words whose full stop does not end a sentence.
_ABBREVIATIONS = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "st",
        "prof",
        "approx",
        "assoc",
        "vs",
        "cf",
        "fig",
        "al",
        "eg",
        "ie",
        "e.g",
        "i.e",
        "incl",
        "excl",
        "resp",
        "dept",
        "ext",
        "int",
        "ant",
        "post",
        "lat",
        "sup",
        "inf",
        "bilat",
        "rt",
        "lt",
        "est",
        "temp",
        "min",
        "max",
        "avg",
        "poss",
        "prob",
        "w",
        "neg",
        "pos",
        "viz",
    ]
)
_LONGEST_ABBREVIATION = 6
# These may end a sentence: only what follows tells.
_ENDS_BEFORE_CAPITAL = frozenset(
    {"a.m", "p.m", "etc", "cm", "mm", "no", "rt", "lt", "bilat", "neg", "pos", "min", "max"}
)

_COLON = re.compile(r":[ \t]*")
_LONGEST_HEADING = 40
_HEADINGS = frozenset(
    """finding|findings|impression|impressions|findings and impression|findings and impressions
    |findings/impression|findings/impressions|conclusion|conclusions|indication|indications|history
    |past medical history|clinical history|medical history|brief history|patient history
    |clinical information|clinical question|clinical indication|clinical data|reason for exam
    |reason for examination|reason for study|reason for this examination|request|requests|comparison
    |comparisons|technique|techniques|exam|examination|study|procedure|recommendation|recommendations
    |notification|notifications|addendum|final report|wet read|view|views|summary|opinion""".replace(
        "\n    ", ""
    ).split("|")
)


def _after_sentence(text: str) -> int:
    """Where the last line or sentence of a piece of text begins."""
    return 1 + max(text.rfind("\n"), text.rfind("."), text.rfind("!"), text.rfind("?"))


def _sentence_end(text: str, begin: int, candidate: re.Match[str]) -> int | None:
    """Where the sentence ends, or None when the candidate is only an abbreviation or a list number."""
    at = candidate.start()
    if text[at] == "\n":
        return at
    if text[at] != ".":
        return candidate.end()
    if at - begin > _LONGEST_ABBREVIATION and text[at - _LONGEST_ABBREVIATION : at].isalpha():
        return candidate.end()
    if at - begin <= 6 and _NUMBERED.match(text, begin, at):
        return None
    word = _word_before(text, begin, at)
    following = _first_letter(text, candidate.end())
    if word in _ENDS_BEFORE_CAPITAL:
        return candidate.end() if following == "" or following.isupper() else None
    if word in _ABBREVIATIONS and following != "":
        return None
    is_initial = len(word) == 1 and word.isalpha() and word not in "rl"
    if is_initial and following.isupper() and text[at - 1].isupper():
        return None
    return candidate.end()


def _word_before(text: str, begin: int, at: int) -> str:
    """The word that a full stop closes, in lower case; enough of it to know an abbreviation."""
    tail = text[max(begin, at - 12) : at].lower()
    return re.split(r"[\s(,;:/]", tail)[-1]


def _first_letter(text: str, at: int) -> str:
    """The next character that is not white space, or "" near the end."""
    return text[at : at + 40].lstrip()[:1]


def _trimmed(text: str, begin: int, end: int, shift: int) -> tuple[int, int] | None:
    piece = text[begin:end]
    stripped = piece.strip()
    if not stripped:
        return None
    first = begin + len(piece) - len(piece.lstrip())
    return first + shift, first + len(stripped) + shift
