"""Was anything invented that could point to a person, or a blank filled in?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import Case, block
from ccf_pipeline.reader.pattern_hints import any_of
from ccf_pipeline.records import Problem

BLANK = "___"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_TOLD = (
    "discussed|reviewed|communicated|spoke|conveyed|reported|called|telephoned|paged|relayed|notified"
    "|dictated|signed|read"
)
_PEOPLE = "attending|resident|radiologist|technologist|physician"
_DECADES = "twenties|thirties|forties|fifties|sixties|seventies|eighties|nineties"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_SURNAME = r"(?:(?:van|von|de|den|der|del|la|el|di|da|bin|al)[\s-])*[A-Z][\w'-]*"
IDENTIFIER = re.compile(
    rf"""\b\d{{1,4}}[/-]\d{{1,2}}[/-]\d{{2,4}}\b | \b\d{{1,2}}/\d{{2,4}}\b | \b(?:19|20)\d\d\b
      | \b{_DAY}\s(?:(?i:of\s)?(?i:{_MONTH}))\b | \b(?i:{_MONTH})\.?\s{_DAY}\b
      | \b\d{{1,2}}:\d\d(?:\s?[ap]\.?m\.?)?\b | \b\d{{1,2}}\s?[ap]\.?m\b | \b\d{{4}}\s?(?:hours|hrs|h)\b
      | \b(?:Dr|Mr|Mrs|Ms|Doctor|Prof|Professor|Nurse)\.?\s{_SURNAME}
      | \b[A-Z][a-z]+(?:\s[A-Z][a-z]+)?,?\s(?:MD|M\.D\.|RN|DO|PA-C|NP)\b
      | \b(?i:(?:{_TOLD})\s(?:with|to|by|at))\s(?!Dr|Mr|Ms|The|This|No)[A-Z](?:[a-z]+|\.\s?[A-Z]|'[A-Z])
      | \b\d{{1,3}}[- ]?(?i:yrs?[- ]old|y/?o)\b | (?i:\b[\w-]{{1,30}}[- ]years?[- ]?olds?\b)
      | \b\d{{2}}\s?[MF]\b | (?i:\baged?\s(?:of\s)?\d{{1,3}}\b)
      | (?i:\bMRN\b|\baccession\b|\bSSN\b|\bDOB\b|\bpatient\sid\b)\W*\w+ | \b\d{{6,}}\b
      | (?i:\b(?:pager|beeper|phone|extension|ext\.|tel\.)\s?:?\s?\d{{3}})
      | \b\d{{3}}[-.\s]\d{{3,4}}[-.\s]?\d{{4}}\b
      | \b[A-Z][a-z]+(?:\s[A-Z][a-z]+)*\s(?:Hospital|Clinic|Medical\sCent(?:er|re))\b
      | \b\d+\s(?:[A-Z][a-z]+\s)+(?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Boulevard|Blvd)\b
      | \b[\w.]+@[\w.]+\b""",
    re.VERBOSE,
)
# What has no place in a sentence on a finding, though it is common elsewhere: in a file, in a card.
_OUT_OF_PLACE = re.compile(
    rf"""\#\s?\d+ | \b\d{{4,}}\b | \b\d{{1,2}}\.\d{{1,2}}\.\d{{2,4}}\b | \bhttps?:// | \bwww\.
      | \b(?:name|{_PEOPLE})\s?:\s?\S | \b(?:{_DECADES})\b | \b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b
      | \b(?:christmas|easter|thanksgiving|new\syear)""",
    re.VERBOSE | re.IGNORECASE,
)
# Cheap to ask; nearly every text has none of them, and then no identifier either. The figures that reports
# are full of point to nobody: numbers of a list, sizes, vertebrae.
_FIGURE = re.compile(r"\d")
_HARMLESS = re.compile(
    r"""^\(?\d{1,2}[.)][ \t]+(?=[A-Z])
      | (?<![\w./:-])(?:
            \d{1,3}(?:\.\d{1,2})?(?:\s?x\s?\d{1,3}(?:\.\d{1,2})?)*[\s-]?[mc]m
          | [TLC]\d{1,2}
        )(?![\w/:-])""",
    re.MULTILINE | re.VERBOSE,
)
_hints_at_names = any_of((
    "Dr", "Mr", "Ms", "Doctor", "Prof", "Nurse", "MD", "M.D", "RN", "DO", "PA-C", "NP", "Hospital", "Clinic",
    "Medical", "@",
))  # fmt: skip
_hints_in_any_case = any_of(
    (
        *(f"{told} " for told in _TOLD.split("|")),
        *("mrn", "accession", "ssn", "dob", "patient id", "day", "year", "http", "www.", "name"),
        *("christmas", "easter", "thanksgiving"),
        *(*_PEOPLE.split("|"), *_DECADES.split("|")),
    )
)
_WORD = re.compile(r"_{3}|[\w'.]+|[^\w\s]")


def invented_identifiers(case: Case) -> Iterator[Problem]:
    """Names, dates, ages and numbers of a person that the report does not have; filled or new blanks."""
    before = case.study.text
    written = "\n".join([s.text for s in case.written_sentences])
    new = _find_identifiers(f"{written}\n{_get_headings(case)}")
    if new and not new <= _find_identifiers(before):
        message = "A name, date, time or age was added that the report does not have; leave it out."
        where = next(
            (s for s in case.written_sentences if not _find_identifiers(s.text) <= _find_identifiers(before)),
            None,
        )
        yield block("invented_phi", message, where)
    if BLANK in before and _is_blank_filled(case):
        yield block("invented_phi", f"A blank ({BLANK}) was filled in; leave blanks as they are.")
    if BLANK in written and written.count(BLANK) > sum(sentence.text.count(BLANK) for sentence in case.gone):
        yield block("invented_phi", f"A blank ({BLANK}) was added; leave blanks as they are.")


def _get_headings(case: Case) -> str:
    """Return what stands before the first sentence: a heading of the writer's own could carry a name."""
    return case.edit.text[: case.edit.sentences[0].start] if case.edit.sentences else ""


@lru_cache(maxsize=1024)
def _find_identifiers(text: str) -> frozenset[str]:
    hinted = _has_figures(text) or _hints_at_names(text) or _hints_in_any_case(" ".join(text.lower().split()))
    if not hinted:
        return frozenset()
    told = (*IDENTIFIER.findall(text), *_OUT_OF_PLACE.findall(text))
    return frozenset([" ".join(found.lower().split()) for found in told])


def _has_figures(text: str) -> bool:
    return _FIGURE.search(text) is not None and _FIGURE.search(_HARMLESS.sub("", text)) is not None


def _is_blank_filled(case: Case) -> bool:
    """True if words that stood around a blank stand around something else."""
    gone = [sentence for sentence in case.gone if BLANK in sentence.text]
    after = [word.lower() for word in _WORD.findall(case.edit.text)] if gone else []
    for sentence in gone:
        words = [word.lower() for word in _WORD.findall(sentence.text)]
        for place, word in enumerate(words):
            if word == BLANK and _is_filled_at(words, place, after):
                return True
    return False


def _is_filled_at(words: list[str], place: int, after: list[str]) -> bool:
    left, right = words[max(0, place - 2) : place], words[place + 1 : place + 3]
    if len(left) < 2 and len(right) < 2:
        return False
    for start in range(len(after) - len(left)):
        if after[start : start + len(left)] != left:
            continue
        begin = start + len(left)
        if after[begin] == BLANK:
            continue
        for end in range(begin + 1, min(begin + 6, len(after)) + 1):
            if after[end : end + len(right)] == right and BLANK not in after[begin:end]:
                return True
    return False
