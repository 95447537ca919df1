"""Words without which a slow pattern cannot match, all looked for in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ahocorasick_rs import AhoCorasick


def any_of(words: Iterable[str]) -> Callable[[str], bool]:
    """True if a text holds one of the words, or parts of words, as they are written."""
    find = AhoCorasick(list(words)).find_matches_as_indexes
    return lambda text: bool(find(text))
