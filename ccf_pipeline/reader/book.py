"""The phrases of a lexicon while it is compiled: collected, merged, and taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from ccf_pipeline.graph.model import Concept, GraphFile
from ccf_pipeline.reader.entries import DENIED_MARK, DOUBTED_MARK, Entry, FrameTable, concept_of
from ccf_pipeline.reader.scoping import steps_of
from ccf_pipeline.reader.words import Vocabulary
from ccf_pipeline.records import Temporality

_DENYING = (
    "no evidence of ", "negative for ", "absence of ", "clear of ", "free of ", "free from ", "no ",
    "without ", "not ",
)  # fmt: skip


class Book:
    """Collects phrases while a lexicon is compiled."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.entries: dict[str, Entry] = {}
        self.framed_states: list[tuple[str, str]] = []
        self.not_forms: dict[str, set[str]] = {}

    def add(self, entry: Entry) -> None:
        key = self.vocabulary.encode_phrase(entry.phrase)
        if key:
            known = self.entries.get(key)
            self.entries[key] = entry if known is None else known.merged(entry)

    def add_not_form(self, concept: str, phrase: str) -> None:
        self.add(Entry(phrase, role="not_form"))
        self.not_forms.setdefault(concept, set()).add(self.vocabulary.encode_phrase(phrase))

    def has_denial(self, phrase: str) -> bool:
        """True if a phrase holds a word of denial."""
        return any(part.role in ("no", "not", "without", "no_longer") for part in self._find_parts(phrase))

    def _find_parts(self, phrase: str) -> Iterator[Entry]:
        return self._split_parts(self.vocabulary.encode_phrase(phrase))

    def add_form(
        self,
        concept: Concept,
        phrase: str,
        table: FrameTable,
        temporality: Temporality | None,
    ) -> None:
        if concept.kind == "normal_state":
            for start in _DENYING:
                if phrase.lower().startswith(start):
                    self._add_denied(concept.id, phrase[len(start) :], table)
                    return
        if concept.id in self._read_frames(phrase, table):
            return
        denying = concept.kind == "normal_state" and self.has_denial(phrase)
        if temporality == "resolved" and any(part.predicate for part in self._find_parts(phrase)):
            return
        role = "resolved" if temporality == "resolved" else ""
        self.add(
            Entry(phrase, role=role, concepts=(concept.id,), temporality=temporality, goes_on_denying=denying)
        )

    def _add_denied(self, state: str, rest: str, table: FrameTable) -> None:
        """A normal state worded as the denial of something: its phrase counts where it is denied."""
        if any(part.role in ("or", "and") for part in self._find_parts(rest)):
            return
        framed = self._read_frames(rest, table, denying=True)
        if framed:
            self.framed_states += [(state, concept) for concept in framed]
        else:
            self.add(Entry(rest, denied_states=(state,)))

    def add_exact(self, concept: Concept, phrase: str) -> None:
        key = self.vocabulary.encode_exact(phrase)
        entry = Entry(phrase, concepts=(concept.id,))
        known = self.entries.get(key)
        self.entries[key] = entry if known is None else known.merged(entry)

    def resolve_parts(self, kinship: set[tuple[str, str]]) -> None:
        """Give long forms what their parts say: side, region, severity, and concepts akin to theirs."""
        for key, entry in list(self.entries.items()):
            if len(key) > 1 and (entry.concepts or entry.denied_states or entry.role == "not_form"):
                self.entries[key] = self._add_parts(key, entry, kinship)

    def leave_plurals_to_the_reader(self, plural_of: dict[str, str]) -> None:
        """Singular and plural fold together: a plural that is a concept of its own is told by its letters."""
        for key, entry in list(self.entries.items()):
            plurals = {plural_of[c] for c in entry.concepts if c in plural_of}
            if plurals & set(entry.concepts):
                rest = tuple(c for c in entry.concepts if c not in plurals)
                self.entries[key] = replace(entry, concepts=rest)

    def _add_parts(self, key: str, entry: Entry, kinship: set[tuple[str, str]]) -> Entry:
        concepts = list(entry.concepts)
        found: dict[str, Any] = {"region": entry.region}
        placed: tuple[int, int] | None = None
        for i, j in combinations(range(len(key) + 1), 2):
            part = self.entries.get(key[i:j])
            if part is None or j - i == len(key):
                continue
            for name in ("side", "severity"):
                if found.get(name) is None:
                    found[name] = getattr(entry, name) or getattr(part, name)
            # "Both lung bases" are bases: what holds the first words of place in it says more than they.
            if part.region is not None and (placed is None or (i <= placed[0] and placed[1] <= j)):
                found["region"], placed = entry.region or part.region, (i, j)
            concepts += [c for c in part.concepts if self._is_meant(c, entry, key, (i, j), kinship)]
        named = tuple(dict.fromkeys(concepts))
        if entry.role == "not_form" and not entry.concepts:
            meant = tuple(c for c in named if key not in self.not_forms.get(c, ()))
            return replace(entry, concepts=meant, shadowed=named)
        if entry.goes_on_denying:
            denied = (
                c
                for part in self._split_parts(key, whole=False)
                for c in part.concepts
                if c not in entry.concepts
            )
            return replace(entry, denies=tuple(denied))
        # "Limits evaluation" names a limit, and is followed by what was looked for.
        if not entry.role and key[-1:] in self.entries and self.entries[key[-1:]].role == "looking":
            found["role"] = "looking"
        told = {"concepts": named, **found}
        if all(getattr(entry, name) == value for name, value in told.items()):
            return entry
        return replace(entry, **told)

    def _is_meant(
        self, concept: str, entry: Entry, key: str, span: tuple[int, int], kinship: set[tuple[str, str]]
    ) -> bool:
        """True if a part's concept is meant too: akin to the whole, or its head noun: calcified *plaque*."""
        if not entry.concepts or any((concept, own) in kinship for own in entry.concepts):
            return True
        if span[1] != len(key) or entry.concepts[0].startswith("nrm_"):
            return False
        never = self.not_forms.get(concept, set())
        return not any(key[i:j] in never for i, j in combinations(range(len(key) + 1), 2))

    def _read_frames(self, phrase: str, table: FrameTable, denying: bool = False) -> tuple[str, ...]:
        """The concepts that the frames make of a phrase, so that it need not be listed."""
        key = self.vocabulary.encode_phrase(phrase)
        parts = list(self._split_parts(key))
        subjects = [part.subject for part in parts if part.subject]
        predicates = [part.predicate for part in parts if part.predicate]
        denied = [part.role for part in parts if part.role in ("no", "not", "without")]
        if denied == ["not"]:
            predicates = ["abnormal"]
        elif denied:
            return ()
        if not subjects and len(predicates) > 1:
            subjects = list(table)
        meanings = [m for s in subjects for p in predicates for m in table.get(s, {}).get(p, ())]
        return tuple(concept_of(m) for m in meanings if not denying or m[0] not in DENIED_MARK + DOUBTED_MARK)

    def _split_parts(self, key: str, whole: bool = True) -> Iterator[Entry]:
        """The longest known phrases of a phrase, from left to right."""
        i = 0
        while i < len(key):
            for j in range(len(key), i, -1):
                part = self.entries.get(key[i:j]) if whole or j - i < len(key) else None
                if part is not None:
                    yield part
                    i = j - 1
                    break
            i += 1

    def denial_states(self, graph: GraphFile) -> dict[str, tuple[str, ...]]:
        """Return the normal state that a plain denial of a concept asserts: the one with the same words."""
        negated = {(r.source, r.target) for r in graph.relations if r.kind == "negation"}
        states: dict[str, list[str]] = {}
        for state, concept in self.framed_states:
            if (state, concept) in negated or (concept, state) in negated:
                states.setdefault(concept, []).append(state)
        for entry in self.entries.values():
            for state in entry.denied_states:
                for concept in entry.concepts:
                    if (state, concept) in negated or (concept, state) in negated:
                        states.setdefault(concept, []).append(state)
        return {concept: tuple(dict.fromkeys(names)) for concept, names in states.items()}

    def compiled(
        self, found_elsewhere: frozenset[str], alone: frozenset[str]
    ) -> tuple[list[str], tuple[Entry, ...]]:
        """The patterns to look for and what each stands for.

        Args:
            found_elsewhere: the concepts whose words are used of other organs too.
            alone: the predicates that need no part of the chest.
        """
        entries = (
            replace(
                e,
                names_something=bool(
                    e.concepts
                    or e.denied_states
                    or e.subject
                    or e.shadowed
                    or e.denies
                    or e.predicate in alone
                ),
                is_detail=bool(e.side or e.region or e.severity),
                is_found_elsewhere=not found_elsewhere.isdisjoint(e.concepts),
                steps=steps_of(e, e.temporality),
            )
            for e in self.entries.values()
        )
        return list(self.entries), tuple(entries)
