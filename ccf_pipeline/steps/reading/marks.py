"""The known phrases of a sentence in order, with the combinations that mean something else put together."""

from __future__ import annotations

from functools import lru_cache

from ccf_pipeline.records import Temporality
from ccf_pipeline.steps.reading.entries import Entry
from ccf_pipeline.steps.reading.lexicon import Lexicon

# How many unknown words may stand between "not" and the word it denies: "not definitely well seen".
_GAP = 3
_CHANGELESS_GAP = 4


class Mark:
    """One phrase found: where it stands, in pieces, and what it does there."""

    __slots__ = ("end", "entry", "names_something", "role", "start", "temporality")

    def __init__(self, start: int, end: int, entry: Entry) -> None:
        self.start = start
        self.end = end
        self.entry = entry
        # Asked for so often that they are at hand here too.
        self.role = entry.role
        self.temporality = entry.temporality
        self.names_something = entry.names_something

    @property
    def phrase(self) -> str:
        return self.entry.phrase

    def joined(self, other: Mark, role: str, temporality: Temporality | None) -> Mark:
        """This mark and a later one as a single cue."""
        between = " … " if other.start > self.end else " "
        phrase = f"{self.phrase}{between}{other.phrase}"
        mark = Mark(self.start, other.end, _cue(phrase, role))
        mark.temporality = temporality
        return mark


@lru_cache(maxsize=4096)
def _cue(phrase: str, role: str) -> Entry:
    return Entry(phrase, role=role)


def find_marks(lexicon: Lexicon, codes: str) -> list[Mark]:
    """The longest known phrases of a sentence, combined where two make one cue."""
    entries = lexicon.entries
    marks = [Mark(a, b, entries[i]) for i, a, b in lexicon.automaton.find_matches_as_indexes(codes)]
    if not _STARTERS.intersection([mark.role for mark in marks]):
        return marks
    combined: list[Mark] = []
    i = 0
    while i < len(marks):
        mark = marks[i]
        if mark.role in _STARTERS:
            partner = _partner(marks, i)
            if partner is not None:
                j, role, temporality = partner
                if role == "unseen" and _is_about_the_past(marks, j + 1):
                    role, temporality = "", "new"
                combined.append(mark.joined(marks[j], role, temporality))
                i = j + 1
                continue
        combined.append(mark)
        i += 1
    return combined


_STARTERS = frozenset({"not", "no", "without", "no_longer", "partly", "prior_exam"})


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
        if mark.names_something or mark.role in ("and", "or", "break", "semicolon"):
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
