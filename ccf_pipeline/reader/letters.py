"""The letters of a text that somebody else wrote: what can be seen and written down, in one spelling."""

from __future__ import annotations

import unicodedata

# Controls, marks that turn or hide text, halves of pairs, letters that mean nothing to others.
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean_text(text: str) -> str:
    """In composed letters (NFC), without what cannot be seen; line breaks and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(
        letter for letter in composed if letter in "\n\t" or unicodedata.category(letter) not in INVISIBLE
    )
