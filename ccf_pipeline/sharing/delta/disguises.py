"""The words of a text however they are cut, glued, turned round or encoded, for the search for leaks."""

from __future__ import annotations

import base64
import codecs
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote

from ccf_pipeline.sharing.delta.words import SHINGLE, TELLING, Words, is_telling, shingles

# A report's four words may stand in one or two pieces, or in six and more. In three or five they may well be
# a hyphen or a space that writers leave out; four pieces cut otherwise are no accident either.
_PIECES = (1, 2, SHINGLE, 6, 7, 8, 9, 10)
_LEAST_LETTERS = 12
_MOST_LETTERS = 40
_LONG = 20
_SPACED = re.compile(r"(?<!\w)\w(?:[^\w\n]{1,3}\w(?!\w)){7,}")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_ESCAPED = re.compile(r"(?:\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})")


def glued_runs(text: str, *, in_rows: bool) -> Iterator[str]:
    """Return every run of pieces of words, without what stands between them.

    Args:
        in_rows: whether three words are looked for too where one of them is rare.
    """
    keys = [part for key in Words(_close_up(text)).keys for part in _split_lines(key)]
    for size in _PIECES:
        for run in shingles(keys, size):
            letters = "".join(run)
            if size == SHINGLE or _LEAST_LETTERS <= len(letters) <= _MOST_LETTERS:
                yield letters
    if in_rows:
        yield from ("".join(run) for run in shingles(keys, TELLING) if is_telling(run))
    for key in keys:
        if len(key) >= _LONG and key.isalpha():
            yield from _list_insides(key)


def undisguise(text: str) -> Iterator[str]:
    """Return what a text says when it is decoded, or read from its end."""
    if len(text) >= _LEAST_LETTERS:
        yield text[::-1]
    if "%" in text or "&" in text:
        yield html.unescape(unquote(text))
    if "\\" in text:
        yield _ESCAPED.sub(lambda found: codecs.decode(found[0], "unicode_escape"), text)
    for found in _ENCODED.findall(text):
        raw = _decode(found)
        if raw is not None:
            yield raw


def _decode(text: str) -> str | None:
    """The text that stands in base64 or in hexadecimal figures; None where neither gives a text."""
    for decode in (_decode_hex, _decode_base64):
        try:
            decoded = decode(text).decode("utf-8")
        except ValueError:
            continue
        if all(letter.isprintable() or letter in "\n\t" for letter in decoded):
            return decoded
    return None


def _decode_hex(text: str) -> bytes:
    return bytes.fromhex(text)


def _decode_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4))


def _close_up(text: str) -> str:
    """Take out what stands between single letters: "l e f t" is a word."""
    return _SPACED.sub(lambda found: re.sub(r"\W", "", found[0]), text)


def _split_lines(key: str) -> list[str]:
    return [part for part in key.split("_") if part] if "_" in key.strip("_") else [key]


def _list_insides(key: str) -> Iterator[str]:
    for start in range(len(key) - _LEAST_LETTERS + 1):
        for end in range(start + _LEAST_LETTERS, min(len(key), start + _MOST_LETTERS) + 1):
            yield key[start:end]
