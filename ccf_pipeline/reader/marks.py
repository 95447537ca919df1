"""The known phrases of a sentence in order, with the combinations that mean something else put together."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from operator import itemgetter

from ccf_pipeline.reader.entries import STARTERS, Entry, Mark
from ccf_pipeline.reader.lexicon import Lexicon
from ccf_pipeline.reader.scoping import steps_of
from ccf_pipeline.records import Temporality

# How many words may stand between the parts of a cue: "not definitely well seen", "no interval increase".
_GAP = 4
_GAP_OF_CHANGE = 6
_MARKS_AHEAD = 7


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
    return marks if lexicon.starters.isdisjoint(phrases) else _combine_marks(marks)


_PHRASE = itemgetter(0)


def _combine_marks(marks: list[Mark]) -> list[Mark]:
    combined: list[Mark] = []
    i = 0
    while i < len(marks):
        mark = marks[i]
        if mark.role in STARTERS:
            partner = _find_partner(marks, i)
            if partner is not None:
                j, role, temporality = partner
                if role == "unseen" and _is_about_the_past(marks, j + 1):
                    role, temporality = "", "new"
                if role == "short_of":
                    combined.append(_join_marks(mark, mark, "not", None))
                    i += 1
                    continue
                combined.append(_join_marks(mark, marks[j], role, temporality))
                i = j + 1
                continue
        combined.append(mark)
        i += 1
    return combined if any(mark.entry.names_something for mark in combined) else []


def _join_marks(mark: Mark, other: Mark, role: str, temporality: Temporality | None) -> Mark:
    """A mark and a later one as a single cue."""
    between = " … " if other.start > mark.end else " "
    cue = Mark(mark.start, other.end, _make_cue(f"{mark.phrase}{between}{other.phrase}", role, temporality))
    cue.temporality = temporality
    return cue


@lru_cache(maxsize=4096)
def _make_cue(phrase: str, role: str, temporality: Temporality | None) -> Entry:
    cue = Entry(phrase, role=role)
    return replace(cue, steps=steps_of(cue, temporality))


def _is_about_the_past(marks: list[Mark], i: int) -> bool:
    """True if "not seen" is said of an earlier film: the finding is new."""
    for mark in marks[i : i + 3]:
        if mark.role == "prior_exam":
            return True
        if mark.role not in ("of", "determiner"):
            return False
    return False


def _find_partner(marks: list[Mark], i: int) -> tuple[int, str, Temporality | None] | None:
    """The later mark that completes a cue, the role of both together, and what it says of time."""
    starter = marks[i]
    denies_change = starter.role in _DENIES_CHANGE
    gap = _GAP_OF_CHANGE if denies_change else _GAP
    for j in range(i + 1, min(i + _MARKS_AHEAD, len(marks))):
        mark = marks[j]
        if mark.start - starter.end > gap:
            return None
        if starter.role == "prior_exam" and _is_of_the_past(marks, i, j):
            return j, "formerly", None
        if starter.role == "short_of" and mark.entry.predicate is not None:
            return j, "short_of", None
        made = _COMBINATIONS.get((starter.role, mark.role))
        if made is not None and mark.start - starter.end <= _GAP:
            return j, *made
        if denies_change and _is_change(marks, i, j):
            return j, "", "unchanged"
        if mark.entry.names_something or (mark.role in _ENDS_OF_CUE and mark.phrase != "yet"):
            return None
        if mark.role == "comma" and starter.role != "prior_exam":
            return None
    return None


def _is_change(marks: list[Mark], i: int, j: int) -> bool:
    """True if a mark is a change that did not happen; to enlarge is one where a finding does."""
    mark = marks[j]
    if mark.entry.predicate is not None:
        named = (m.entry for m in (*marks[j + 1 : j + 6], *reversed(marks[:i])) if m.entry.names_something)
        spoken_of = next(named, None)
        return mark.role == "change" and spoken_of is not None and spoken_of.subject is None
    if mark.role in ("change", "resolution_of"):
        return True
    if mark.role == "moved":
        return j + 1 < len(marks) and marks[j + 1].role == "of"
    changed = mark.entry.temporality in ("worsened", "improved", "unchanged")
    leads_on = mark.phrase.endswith((" in", " of")) or (j + 1 < len(marks) and marks[j + 1].role == "of")
    return changed and (marks[i].role == "not" or leads_on)


def _is_of_the_past(marks: list[Mark], i: int, j: int) -> bool:
    """True if what follows was seen on an earlier film: "which showed", "on the prior film there was"."""
    mark = marks[j]
    if mark.role == "showed" or (mark.phrase in _PAST_VERBS and mark.start - marks[i].end <= 2):
        return True
    before = [m for m in marks[:i] if m.role != "determiner"]
    if len(before) != 1 or before[0].phrase not in ("on", "in"):
        return False
    begins = mark.role == "comma" or mark.phrase in _PAST_COPULAS
    return begins and any(m.phrase in _PAST_COPULAS for m in marks[j : j + _MARKS_AHEAD])


_PAST_VERBS = frozenset({"demonstrated", "had", "when", "where"})
_PAST_COPULAS = frozenset({"was", "were", "had"})
_ENDS_OF_CUE = frozenset({"and", "or", "break", "semicolon", "colon"})
_DENIES_CHANGE = frozenset({"no", "without", "not", "little"})
_COMBINATIONS: dict[tuple[str, str], tuple[str, Temporality | None]] = {
    ("not", "seen"): ("unseen", None),
    ("not", "excluded"): ("not_excluded", None),
    ("hard", "excluded"): ("not_excluded", None),
    ("not", "asserts"): ("no", None),
    ("not", "resolved"): ("", "unchanged"),
    ("not", "resolve"): ("", "unchanged"),
    ("not", "removed"): ("", None),
    ("not", "hedge"): ("absent", None),
    ("not", "without"): ("asserts", None),
    ("no_longer", "without"): ("asserts", None),
    ("not", "looking"): ("maybe_after", None),
    ("hard", "perceive"): ("maybe_after", None),
    ("hard", "purpose"): ("not_excluded", None),
    ("no", "hedge"): ("no", None),
    ("without", "hedge"): ("no", None),
    ("maybe", "removed"): ("", None),
    ("maybe", "hidden"): ("maybe_after", None),
    ("proposed", "hidden"): ("maybe_after", None),
    ("little", "resolved"): ("", "unchanged"),
    ("no_longer", "seen"): ("unseen", "resolved"),
    ("prior_exam", "with"): ("formerly", None),
    ("partly", "resolved"): ("", "improved"),
    ("partly", "resolution_of"): ("", "improved"),
}
