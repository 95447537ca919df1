"""Find the concepts that a text names, whatever it says of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick

from ccf_pipeline.graph import ConceptGraph

# Radiologists repeat themselves, so most sentences were looked through before.
_REMEMBERED = 50_000
_NOT_A_LETTER = re.compile(r"[^a-z0-9]+")


class Naming:
    """The graph's forms, found as whole words; the longest form wins where forms overlap."""

    def __init__(self, graph: ConceptGraph) -> None:
        meanings: dict[str, set[str]] = {}
        for concept in graph.file.concepts:
            for form in (*concept.forms, *concept.exact_forms, concept.write.noun):
                meanings.setdefault(_strip_text(form), set()).add(concept.id)
            for form in concept.not_forms:
                meanings.setdefault(_strip_text(form), set())
        meanings.pop("  ", None)
        meanings.pop(" ", None)
        self._forms = list(meanings)
        self._meanings = [frozenset(meanings[form]) for form in self._forms]
        self._finder = AhoCorasick(self._forms)
        self._remembered: dict[str, frozenset[str]] = {}

    def named_in(self, text: str) -> frozenset[str]:
        """The concepts that a sentence names."""
        named = self._remembered.get(text)
        if named is None:
            if len(self._remembered) >= _REMEMBERED:
                self._remembered.clear()
            named = self._remembered[text] = self._look_up(text)
        return named

    def named_in_any(self, texts: Iterable[str]) -> frozenset[str]:
        """The concepts that any of the sentences names."""
        return frozenset().union(*map(self.named_in, texts))

    def _look_up(self, text: str) -> frozenset[str]:
        matches = self._finder.find_matches_as_indexes(_strip_text(text), overlapping=True)
        named: set[str] = set()
        covered = 0
        for form, _, end in sorted(matches, key=lambda m: (m[1], -m[2])):
            if end > covered:
                named |= self._meanings[form]
                covered = end
        return frozenset(named)


def _strip_text(text: str) -> str:
    """Lower-case words with a blank around each, plural endings left off."""
    words = _NOT_A_LETTER.sub(" ", text.lower()).split()
    return f" {' '.join(map(_make_singular, words))} "


def _make_singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and word[-2] not in "siu" else word
