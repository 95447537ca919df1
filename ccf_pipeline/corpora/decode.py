"""Report bytes as text, whatever they were saved as; what had to be mended is noted by a code."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_REPORT = 256_000
"""Bytes. The longest reports are some ten thousand; a file beyond this is not a report."""

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_WORD = re.compile(r"[^\W\d_]+")
# Cyrillic and Greek letters that look like Latin ones.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТХУасԁеһіјкӏмոорԛѕтυѵԝхуΑΒΕΖΗΙΚΜΝΟΡΤΥΧαοριν",
    "ABESIJKMHOPCTXYacdehijklmnopqstuvwxyABEZHIKMNOPTYXaopiv",
)


class ReadText(NamedTuple):
    """Text and the codes of what was done to get at it."""

    text: str
    notes: tuple[str, ...]


def decode(raw: bytes) -> ReadText:
    """UTF-8, UTF-16 by its mark, else Windows' Latin-1: never an error, always told."""
    if raw.startswith(_UTF_16):
        return ReadText(raw.decode("utf-16", errors="replace"), ("decoded_utf_16",))
    notes = ("byte_order_mark",) if raw.startswith(b"\xef\xbb\xbf") else ()
    try:
        return ReadText(raw.decode("utf-8-sig"), notes)
    except UnicodeDecodeError:
        return ReadText(raw.decode("cp1252", errors="replace"), ("decoded_latin_1",))


def mend(text: str) -> ReadText:
    """One kind of line end, no control or invisible characters, Latin letters where others pose as them."""
    if text.isascii() and not _CONTROL.search(text) and "\r" not in text and "\f" not in text:
        return ReadText(text, ())
    notes = []
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n").replace("\x0b", "\n")
    text = text.replace("\x85", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    if _CONTROL.search(text):
        notes.append("control_characters")
        text = _CONTROL.sub("", text)
    if _INVISIBLE.search(text):
        notes.append("invisible_characters")
        text = _INVISIBLE.sub("", text)
    mended = text if text.isascii() else _WORD.sub(_replace_lookalikes, text)
    if mended != text:
        notes.append("lookalike_letters")
    return ReadText(mended, tuple(notes))


def _replace_lookalikes(word: re.Match[str]) -> str:
    """A word of mixed letters in Latin ones; a word that is foreign altogether stays as it is."""
    letters = word.group()
    if letters.isascii() or not any(letter.isascii() for letter in letters):
        return letters
    return letters.translate(_LOOKALIKES)
