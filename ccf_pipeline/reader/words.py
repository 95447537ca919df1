"""Words as single characters: what makes one pass over a report enough.

Every word that the lexicon knows has a character of its own; plurals, spellings, slips of the pen
and case fold into it. A report becomes a short string of such characters, and a phrase a substring.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

UNKNOWN = "\x00"
NUMBER = "\x01"
GLUED = "\x02"
_FIRST = 3

# White space and hyphens go with the word that follows, so that lengths add up to offsets.
# The first two alternatives find nothing that the third would not: they are quick for what most pieces are.
_PIECES = re.compile(
    r" ?[a-zA-Z]++(?=[ .,])|[.,]"
    r"|[\s\-‐-―]*+(?:[^\W\d_]++(?:['’][a-z]{1,2}\b)?|\d+(?:\.\d+)?|_+|[^\s\-‐-―])|[\s\-‐-―]+"
)
_PADDING = " \t\n\r\f\v-‐‑‒–—―\x1c\x1d\x1e\x1f\x85\xa0"
_LONGEST_WORD = 40
_REMEMBERED = 100_000


class Vocabulary:
    """The words of a lexicon and the characters they fold into."""

    def __init__(
        self,
        plurals: Mapping[str, str],
        abbreviations: Mapping[str, str],
        confusable: Iterable[str],
        glued: Iterable[str],
    ) -> None:
        self._plurals = dict(plurals)
        self._abbreviations = dict(abbreviations)
        self._confusable = frozenset(confusable)
        self._glued = tuple(sorted(glued, key=len, reverse=True))
        self._codes: dict[str, str] = {}
        self._exact: dict[str, str] = {}
        self._long: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._learned = _Remembered(lambda word: self._learn(self._fold(word)))
        self._folded = _Remembered(self.fold_piece)

    def encode_phrase(self, phrase: str) -> str:
        """The characters of a phrase of the lexicon; its words become known."""
        key = self._phrases.get(phrase)
        if key is None:
            key = self._phrases[phrase] = "".join(map(self._learned.__getitem__, _split_words(phrase)))
        return key

    def encode_exact(self, phrase: str) -> str:
        """As `encode_phrase`, for an abbreviation that only counts in its own case."""
        return "".join(self._learn_exact(word) for word in _split_words(phrase))

    def finish(self) -> None:
        """Prepare for slips of the pen, once every phrase is known."""
        self._phrases.clear()
        self._learned.clear()
        for word in self._codes:
            if len(word) >= 7 and word.isalpha():
                for variant in _list_deletions(word):
                    self._long.setdefault(variant, word)

    def encode(self, text: str) -> tuple[str, list[str]]:
        """The characters of a text and the pieces they stand for."""
        pieces = _PIECES.findall(text)
        codes = "".join(map(self._folded.__getitem__, pieces))
        if GLUED in codes:
            pieces = [part for piece in pieces for part in self._unglue(piece)]
            codes = "".join(map(self._folded.__getitem__, pieces))
        if len(self._folded) > _REMEMBERED:
            self._folded.clear()
        return codes, pieces

    def fold_piece(self, piece: str) -> str:
        """The character of one piece of text."""
        word = piece.strip(_PADDING)
        if not word:
            return UNKNOWN
        if word in self._exact:
            return self._exact[word]
        if word[0].isdigit():
            return self._codes.get(word, NUMBER)
        if len(word) > _LONGEST_WORD:
            return UNKNOWN
        lowered = self._fold(word)
        code = self._codes.get(lowered)
        if code is not None:
            return code
        return self._mend_word(lowered)

    def _mend_word(self, word: str) -> str:
        """The character of a misspelt word, if it is one letter away from a long known one."""
        if len(word) < 5 or not word.isalpha() or word in self._confusable:
            return UNKNOWN
        if self._split(word) is not None:
            return GLUED
        if len(word) < 7:
            return UNKNOWN
        for variant in (word, *_list_deletions(word)):
            known = self._long.get(variant)
            if known is not None and known[0] == word[0] and _is_one_slip(word, known):
                return self._codes[known]
        return UNKNOWN

    def _split(self, word: str) -> int | None:
        for prefix in self._glued:
            rest = word[len(prefix) :]
            if len(rest) >= 7 and word.startswith(prefix) and self._fold(rest) in self._codes:
                return len(prefix)
        return None

    def _unglue(self, piece: str) -> tuple[str, ...]:
        if self._folded[piece] != GLUED:
            return (piece,)
        word = piece.lstrip(_PADDING)
        cut = len(piece) - len(word) + (self._split(self._fold(word)) or 0)
        return piece[:cut], piece[cut:]

    def _fold(self, word: str) -> str:
        word = word.lower().replace("’", "'")
        if word.endswith("n't"):
            return "not"
        word = self._abbreviations.get(word) or self._abbreviations.get(word.removesuffix("s"), word)
        if word in self._plurals:
            return self._plurals[word]
        if word.endswith("'s"):
            word = word[:-2]
        if len(word) > 5 and word.endswith("ies"):
            return word[:-3] + "y"
        if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
        return word.replace("oedema", "edema").replace("haem", "hem")

    def _learn(self, word: str) -> str:
        if word not in self._codes:
            self._codes[word] = self._draw_character()
        return self._codes[word]

    def _learn_exact(self, word: str) -> str:
        if word not in self._exact:
            self._exact[word] = self._codes.get(self._fold(word)) or self._draw_character()
        return self._exact[word]

    def _draw_character(self) -> str:
        return chr(_FIRST + len(self._codes) + len(self._exact))


class _Remembered(dict[str, str]):
    """Remembers the characters of pieces or words; long ones are not worth remembering."""

    def __init__(self, code_of: Callable[[str], str]) -> None:
        super().__init__()
        self._code_of = code_of

    def __missing__(self, piece: str) -> str:
        code = self._code_of(piece)
        if len(piece) <= _LONGEST_WORD:
            self[piece] = code
        return code


class Pieces:
    """The pieces of a text and their places in it."""

    __slots__ = ("_ends", "_pieces")

    def __init__(self, pieces: list[str]) -> None:
        self._pieces = pieces
        self._ends = list(accumulate(map(len, pieces)))

    def span(self, first: int, after: int) -> tuple[int, int]:
        """Return where the word of the first piece begins and the last piece before `after` ends."""
        ends = self._ends
        return ends[first] - len(self._pieces[first].lstrip(_PADDING)), ends[after - 1]

    def word(self, index: int) -> str:
        """The word as it is written, in lower case."""
        return self._pieces[index].strip(_PADDING).lower()

    def has_word(self, index: int) -> bool:
        """True if a word stands at an index, and not the end or a mark of punctuation."""
        return index < len(self._pieces) and self.word(index)[:1].isalpha()

    def number(self, index: int) -> float:
        """The figure that a piece is."""
        return float(self._pieces[index].strip(_PADDING))


def _split_words(phrase: str) -> list[str]:
    return [word for piece in _PIECES.findall(phrase) if (word := piece.strip(_PADDING))]


def _list_deletions(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(1, len(word))]


def _is_one_slip(word: str, known: str) -> bool:
    """True if one letter was dropped, added, mistaken or swapped; at the end it is an inflection."""
    if abs(len(word) - len(known)) > 1 or word.startswith(known) or known.startswith(word):
        return False
    same = 0
    while same < min(len(word), len(known)) and word[same] == known[same]:
        same += 1
    a, b = word[same:], known[same:]
    return a[1:] == b or a == b[1:] or a[1:] == b[1:] or (a[:2] == b[:2][::-1] and a[2:] == b[2:])
