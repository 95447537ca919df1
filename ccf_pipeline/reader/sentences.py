"""Split a report into its sections and sentences.

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
    return [(begin, end) for _, begin, end in _split_sentences(text, start, "")]


def split_sections(text: str) -> list[Section]:
    """The sections of a report in order; text before the first heading has the heading ""."""
    return [Section(*section) for section in _split_sections(text)]


@lru_cache(maxsize=256)
def split_report(text: str) -> tuple[tuple[str, int, int], ...]:
    """The sentences of a whole report as (heading, start, end); headings are not part of a sentence.

    Remembered, for reading, aligning and checking ask the same of one text in turn.
    """
    spans: list[tuple[str, int, int]] = []
    for heading, start, end in _split_sections(text):
        spans += _split_sentences(text[start:end], start, heading)
    return tuple(spans)


def _split_sections(text: str) -> list[tuple[str, int, int]]:
    sections = []
    heading, begin = "", 0
    for colon in _COLON.finditer(text):
        at = colon.start()
        before = text[max(begin, at - _LONGEST_HEADING) : at]
        # Nearly always the heading is all that stands before the colon on its line.
        name = before.rpartition("\n")[2]
        found = name.lower()
        if found not in _HEADINGS:
            name = before[_find_last_begin(before) :]
            found = " ".join(name.lower().split())
        if found in _HEADINGS:
            if heading or text[begin:at].strip() != name.strip():
                sections.append((heading, begin, at - len(name.lstrip())))
            heading, begin = found, colon.end()
    if heading or text.strip():
        sections.append((heading, begin, len(text)))
    return sections


def _split_sentences(text: str, shift: int, heading: str) -> list[tuple[str, int, int]]:
    """The sentences of a section under its heading; `shift` is where the section begins in the report."""
    spans: list[tuple[str, int, int]] = []
    begin = 0
    for candidate in _CANDIDATE.finditer(text):
        at, end = candidate.span()
        if candidate.lastindex or _is_sentence_end(text, begin, at, end):
            sentence = text[begin:end].lstrip()
            if sentence:
                start = shift + end - len(sentence)
                spans.append((heading, start, start + len(sentence.rstrip())))
            begin = end
    sentence = text[begin:].lstrip()
    if sentence:
        start = shift + len(text) - len(sentence)
        spans.append((heading, start, start + len(sentence.rstrip())))
    return spans


_WORD_BREAK = re.compile(r"[\s(,;:/]")
_NUMBERED = re.compile(r"[\s(]*\d{1,2}[.)]?\Z")

# Words whose full stop does not end a sentence.
_ABBREVIATIONS = frozenset(
    """dr|mr|mrs|ms|st|prof|approx|assoc|vs|cf|fig|al|eg|ie|e.g|i.e|incl|excl|resp|dept|ext|int|ant|post|lat|sup|inf
    |bilat|rt|lt|est|temp|min|max|avg|poss|prob|susp|pulm|vasc|prev|mult|sev|mod|sm|lg|sl|tr|w|v|neg|pos|viz
    |incr|decr|unch""".replace("\n    ", "").split("|")
)
# These may end a sentence: only what follows tells.
_ENDS_BEFORE_CAPITAL = frozenset(
    {"a.m", "p.m", "etc", "cm", "mm", "no", "rt", "lt", "bilat", "neg", "pos", "min", "max",
     "incr", "decr", "unch"}
)  # fmt: skip
_STOPPED = _ABBREVIATIONS | _ENDS_BEFORE_CAPITAL
_LONGEST_ABBREVIATION = max(map(len, _STOPPED))

# A full stop before white space, one glued to the next sentence ("apex.There", "fracture.2.Old"),
# a blank line, and a list mark at the start of a line. The four characters that begin any of them come
# first, which lets the search skip all others. The group is there where nothing more has to be asked: most
# sentences end in a word that is longer than any abbreviation.
_CANDIDATE = re.compile(
    rf"""[.!?\n](?:
        (?<=[A-Za-z]{{{_LONGEST_ABBREVIATION + 1}}}\.)(?=\s|\Z)()
      | (?<!\n)["')\]]{{0,3}}(?=\s|\Z)
      | (?:(?<=[a-z)]\.)|(?<=[A-Z]{{3}}\.))(?=[A-Z][A-Za-z]|\d{{1,2}}\.\s{{0,2}}[A-Z])
      | (?<=\n)[ \t\r\f\v]*(?=\n)
      | (?<=\n)(?=[ \t]{{0,8}}(?:\d{{1,2}}[.)]|[-*•])\s{{0,3}}[A-Za-z]))""",
    re.VERBOSE,
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


def _find_last_begin(text: str) -> int:
    """Return where the last line or sentence of a piece of text begins."""
    return 1 + max(text.rfind("\n"), text.rfind("."), text.rfind("!"), text.rfind("?"))


def _is_sentence_end(text: str, begin: int, at: int, end: int) -> bool:
    """True if a candidate ends the sentence; False for an abbreviation, a list number or a leading "?"."""
    if text[at] == "?":
        # "? pneumonia" doubts what follows and ends nothing.
        before = text[begin:at].rstrip("?")
        return before.strip() != "" and before[-1] not in " \t\n(,"
    if text[at] != ".":
        return True
    word = _get_word_before(text, begin, at)
    if word not in _STOPPED and len(word) > 1 and word.isalpha():
        return True
    if at - begin <= 6 and _NUMBERED.match(text, begin, at):
        return False
    following = _get_first_letter(text, end)
    if word in _ENDS_BEFORE_CAPITAL:
        return following == "" or following.isupper()
    if word in _ABBREVIATIONS and following != "":
        return False
    is_initial = len(word) == 1 and word.isalpha() and word not in "rl"
    return not (is_initial and following.isupper() and text[at - 1].isupper())


def _get_word_before(text: str, begin: int, at: int) -> str:
    """The word that a full stop closes, in lower case; enough of it to know an abbreviation."""
    word = text[max(begin, at - 12) : at].lower().rpartition(" ")[2]
    return word if word.isalpha() else _WORD_BREAK.split(word)[-1]


def _get_first_letter(text: str, at: int) -> str:
    """The next character that is not white space, or "" near the end."""
    return text[at : at + 40].lstrip()[:1]
