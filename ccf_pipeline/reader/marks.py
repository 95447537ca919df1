"""The known phrases of a sentence in order, with the combinations that mean something else put together."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from operator import itemgetter

from ccf_pipeline.reader.entries import STARTERS, Entry, Mark
from ccf_pipeline.reader.lexicon import Lexicon
from ccf_pipeline.reader.scoping import steps_of
from ccf_pipeline.records import Temporality

# How many unknown words may stand between "not" and the word it denies: "not definitely well seen".
_GAP = 3
_CHANGELESS_GAP = 4


def find_marks(lexicon: Lexicon, codes: str) -> list[Mark]:
    """The longest known phrases of a sentence, combined where two make one cue.

    None where nothing is named, for such a sentence says nothing.
    """
    found = lexicon.automaton.find_matches_as_indexes(codes)
    phrases = set(map(_PHRASE, found))
    if lexicon.naming.isdisjoint(phrases):
        return []
    entries = lexicon.entries
    marks = [Mark(start, end, entries[phrase]) for phrase, start, end in found]
    return marks if lexicon.starters.isdisjoint(phrases) else _combined(marks)


_PHRASE = itemgetter(0)


def _combined(marks: list[Mark]) -> list[Mark]:
    combined: list[Mark] = []
    i = 0
    while i < len(marks):
        mark = marks[i]
        if mark.role in STARTERS:
            partner = _partner(marks, i)
            if partner is not None:
                j, role, temporality = partner
                if role == "unseen" and _is_about_the_past(marks, j + 1):
                    role, temporality = "", "new"
                combined.append(_joined(mark, marks[j], role, temporality))
                i = j + 1
                continue
        combined.append(mark)
        i += 1
    return combined if any(mark.entry.names_something for mark in combined) else []


def _joined(mark: Mark, other: Mark, role: str, temporality: Temporality | None) -> Mark:
    """A mark and a later one as a single cue."""
    between = " … " if other.start > mark.end else " "
    cue = Mark(mark.start, other.end, _cue(f"{mark.phrase}{between}{other.phrase}", role, temporality))
    cue.temporality = temporality
    return cue


@lru_cache(maxsize=4096)
def _cue(phrase: str, role: str, temporality: Temporality | None) -> Entry:
    cue = Entry(phrase, role=role)
    return replace(cue, steps=steps_of(cue, temporality))


def _is_about_the_past(marks: list[Mark], i: int) -> bool:
    """Whether "not seen" is said of an earlier film: the finding is new."""
    for mark in marks[i : i + 3]:
        if mark.role == "prior_exam":
            return True
        if mark.role not in ("of", "determiner"):
            return False
    return False


def _partner(marks: list[Mark], i: int) -> tuple[int, str, Temporality | None] | None:
    """The later mark that completes a cue, the role of both together, and what it says of time."""
    starter = marks[i]
    gap = _CHANGELESS_GAP if starter.role in ("no", "without") else _GAP
    for j in range(i + 1, min(i + 4, len(marks))):
        mark = marks[j]
        if mark.start - starter.end > gap:
            return None
        made = _COMBINATIONS.get((starter.role, mark.role))
        if made is not None:
            return j, *made
        if (
            starter.role == "not"
            and mark.entry.temporality in ("worsened", "improved", "unchanged")
            and not mark.entry.predicate
        ):
            return j, "", "unchanged"
        if mark.entry.names_something or mark.role in ("and", "or", "break", "semicolon"):
            return None
        if mark.role == "comma" and starter.role != "prior_exam":
            return None
    return None


_COMBINATIONS: dict[tuple[str, str], tuple[str, Temporality | None]] = {
    ("not", "seen"): ("unseen", None),
    ("not", "excluded"): ("maybe", None),
    ("not", "asserts"): ("no", None),
    ("not", "resolved"): ("", "unchanged"),
    ("not", "resolution_of"): ("", "unchanged"),
    ("not", "removed"): ("", None),
    ("not", "change"): ("", "unchanged"),
    ("no", "change"): ("", "unchanged"),
    ("without", "change"): ("", "unchanged"),
    ("no_longer", "seen"): ("unseen", "resolved"),
    ("prior_exam", "showed"): ("formerly", None),
    ("prior_exam", "with"): ("formerly", None),
    ("prior_exam", "break"): ("formerly", None),
    ("prior_exam", "asserts"): ("formerly", None),
    ("partly", "resolved"): ("", "improved"),
    ("partly", "resolution_of"): ("", "improved"),
}
