"""Strip what a model or its server puts around an answer, and characters that may not stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_THOUGHT_BEGINS = re.compile(r"<(?:think|thinking|reasoning)>", re.IGNORECASE)
_THOUGHT_ENDS = re.compile(r"</(?:think|thinking|reasoning)>", re.IGNORECASE)
_FENCED = re.compile(r"```[A-Za-z]*[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL)
_MARKS = re.compile(r"</?report[^>\n]{0,40}>", re.IGNORECASE)

# What models write and reports do not: typed marks, and blanks of other widths.
_TYPED = {
    "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-",
    "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2026": "...", "\u00a0": " ", "\u2007": " ", "\u2009": " ",
    "\u202f": " ",
}  # fmt: skip
_BREAKS = "\n\u2028\u2029"


def unwrapped(text: str) -> str | None:
    """The answer without thinking before it, code fence and report marks; None if it is all thinking."""
    said = text.lstrip("\ufeff")
    if "<" in said:
        said = _THOUGHT.sub("", said)
        # Where a template opens the thinking itself, only its end is in the answer.
        said = _THOUGHT_ENDS.split(said)[-1]
        if _THOUGHT_BEGINS.search(said):
            return None
        said = _MARKS.sub("", said)
    fenced = _FENCED.findall(said) if "```" in said else []
    return (fenced[0] if len(fenced) == 1 else said).strip()


def cleaned(text: str, report: str) -> str:
    """Composed letters, no controls and nothing invisible; typed marks as they are typed in the report."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(_replace_letter(letter, report) for letter in composed)


def _replace_letter(letter: str, report: str) -> str:
    if letter in _TYPED:
        return letter if letter in report else _TYPED[letter]
    if letter in _BREAKS:
        return "\n"
    if letter == "\t":
        return " "
    return "" if unicodedata.category(letter) in ("Cf", "Cc") else letter


def fault_of_letters(texts: Iterable[str], report: str) -> str | None:
    """True if letters stand in an answer that look like others, or that no text can hold."""
    for text in texts:
        if text.isascii():
            continue
        for letter in set(text) - set(report):
            if unicodedata.category(letter) in ("Cs", "Co", "Cn") or letter == "\ufffd":
                return "The answer holds characters that are not text; write plain words."
            if letter.isalpha() and not _is_common(letter):
                return "The answer holds letters of another alphabet; write plain words."
    return None


@lru_cache(maxsize=4096)
def _is_common(letter: str) -> bool:
    """Latin letters, and what units and names of signs need."""
    if letter in "\u00b5\u00aa\u00ba\u03b1\u03b2\u03bc":
        return True
    return unicodedata.name(letter, "").startswith("LATIN ")
