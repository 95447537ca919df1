"""A text as words and what stands between them; two words are the same when only case differs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

SHINGLE = 4
"""So many words in a row are source text; fewer are language."""

Shingle = tuple[str, ...]

_WORD = re.compile(r"\w+")


class Words:
    """The words of a text: where they stand, and what they are without regard to case."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = [match.span() for match in _WORD.finditer(text)]
        even = fold(text)
        self.keys = [even[a:b] for a, b in self.spans]

    def __len__(self) -> int:
        return len(self.keys)

    def before(self, word: int) -> str:
        """Return what stands between this word and the one before it."""
        return self.text[self.spans[word - 1][1] if word else 0 : self.spans[word][0]]

    def after(self, word: int) -> str:
        """Return what stands between this word and the next one."""
        end = self.spans[word + 1][0] if word + 1 < len(self) else len(self.text)
        return self.text[self.spans[word][1] : end]

    def piece(self, first: int, count: int) -> str:
        """Words in a row, with what stands between them."""
        return self.text[self.spans[first][0] : self.spans[first + count - 1][1]]

    def shingles(self) -> Iterator[Shingle]:
        """Every four words in a row."""
        return shingles(self.keys)


def shingles(keys: list[str]) -> Iterator[Shingle]:
    """Every four words in a row."""
    return zip(*(keys[shift:] for shift in range(SHINGLE)), strict=False)


@lru_cache(maxsize=4096)
def words_of(text: str) -> Words:
    """Remembered, for a report is read once for each of its rows."""
    return Words(text)


def fold(text: str) -> str:
    """Lower case, letter by letter: the length stays, so that places stay too."""
    if text.isascii():
        return text.lower()
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
