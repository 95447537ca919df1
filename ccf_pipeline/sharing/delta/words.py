"""A text as words and what stands between them; two words are the same however they are spelled.

Case, width, accents, letters that only look alike, marks that cannot be seen and a plural make no other word:
whoever spells a report's words so has told them all the same.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader.known_words import function_words, is_known, known_words

SHINGLE = 4
"""So many words in a row are source text; fewer are language, but for what `is_telling` says."""

TELLING = 3

Shingle = tuple[str, ...]

# Marks inside a word that nobody sees, and accents that stand by themselves.
_UNSEEN = (
    "\u00ad\u0300-\u036f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff"
)
_WORD = re.compile(rf"\w+(?:[{_UNSEEN}]+\w+)*")
# Greek and Cyrillic letters, large and small, and the Latin ones that they are taken for.
_LOOK_ALIKE = str.maketrans(
    "АВЕКМНОРСТУХІЈЅԌԚԜӀаеорсухіјѕԁԛԝһӏкмтвнгпΑΒΕΖΗΙΚΜΝΟΡΤΥΧαεικνορτυχγηωıɑɡɩȷℓ",
    "ABEKMHOPCTYXIJSGQWlaeopcyxijsdqwhlkmtbhrnABEZHIKMNOPTYXaeikvoptuxynwiagijl",
)


class Words:
    """The words of a text: where they stand, and what they are however they are spelled."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = [match.span() for match in _WORD.finditer(text)]
        self.keys = [word_key(text[a:b]) for a, b in self.spans]

    def __len__(self) -> int:
        return len(self.keys)

    def word(self, place: int) -> str:
        """Return one word as it is spelled."""
        start, end = self.spans[place]
        return self.text[start:end]

    def before(self, word: int) -> str:
        """Return what stands between this word and the one before it."""
        return self.text[self.spans[word - 1][1] if word else 0 : self.spans[word][0]]

    def after(self, word: int) -> str:
        """Return what stands between this word and the next one."""
        end = self.spans[word + 1][0] if word + 1 < len(self) else len(self.text)
        return self.text[self.spans[word][1] : end]

    def shingles(self) -> Iterator[Shingle]:
        """Every four words in a row."""
        return shingles(self.keys)

    def runs(self) -> Iterator[tuple[int, Shingle]]:
        """Every run of words that tells of a report, with the word it begins at."""
        yield from enumerate(self.shingles())
        for first, run in enumerate(shingles(self.keys, TELLING)):
            if is_telling(run):
                yield first, run


def shingles(keys: list[str], size: int = SHINGLE) -> Iterator[Shingle]:
    """Every so many words in a row."""
    return zip(*(keys[shift:] for shift in range(size)), strict=False)


def is_telling(run: Shingle) -> bool:
    """True if three words in a row are no language: all have content, and one is rare."""
    return any(map(is_rare, run)) and _collect_function_keys().isdisjoint(run)


@lru_cache(maxsize=1 << 16)
def is_rare(key: str) -> bool:
    """True if a word is neither in the graph nor in the reader's lexicon: it may point to one report."""
    return len(key) > 1 and key.isalpha() and not is_known(key, _collect_known_keys())


@lru_cache(maxsize=1)
def _collect_known_keys() -> frozenset[str]:
    return _collect_function_keys().union(map(word_key, known_words(load_graph(None))))


@lru_cache(maxsize=1)
def _collect_function_keys() -> frozenset[str]:
    return frozenset(map(word_key, function_words()))


@lru_cache(maxsize=4096)
def words_of(text: str) -> Words:
    """Remembered, for a report is read once for each of its rows."""
    return Words(text)


@lru_cache(maxsize=1 << 16)
def word_key(word: str) -> str:
    """Return what a word is: plain small letters, without accents, unseen marks and the end of a plural."""
    if not word.isascii():
        plain = unicodedata.normalize("NFKD", word.translate(_LOOK_ALIKE)).translate(_LOOK_ALIKE)
        word = "".join(letter for letter in plain.casefold() if letter.isalnum() or letter == "_") or word
    key = word.lower()
    while (singular := _drop_plural(key)) != key:
        key = singular
    return key


def _drop_plural(word: str) -> str:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes", "zes")) else word[:-1]
