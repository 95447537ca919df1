"""The entries of the lexicon, and the marks that they leave in a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ccf_pipeline.records import Side, Temporality

# What a mark does on the walk over its sentence: a function of the walk, the mark's index and the mark.
# The walk stands above this module, so that its type cannot be named here; `cues.HANDLERS` does.
Step = Callable[..., None]

# A part of the chest and what is said of it, and the concepts that it means.
FrameTable = dict[str, dict[str, tuple[str, ...]]]

DENIED_MARK, DOUBTED_MARK, TIME_MARK = "!", "?", "@"

# Roles that make one cue with a word behind them: "not … seen", "no … change".
STARTERS = frozenset(
    {
        "not",
        "no",
        "without",
        "no_longer",
        "partly",
        "prior_exam",
        "little",
        "hard",
        "short_of",
        "maybe",
        "proposed",
    }
)


def concept_of(meaning: str) -> str:
    """The concept that a frame's meaning is about, without its marks."""
    return meaning.lstrip(DENIED_MARK + DOUBTED_MARK).split(TIME_MARK)[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """The meaning of one phrase; most phrases have one meaning only.

    The last four follow from the rest, and are set when the lexicon is complete: a concept or a part of the
    chest stands here; a side, region or degree is given; a concept of this name is found in other organs too;
    what the phrase does on the walk over a sentence.
    """

    phrase: str
    role: str = ""
    concepts: tuple[str, ...] = ()
    denied_states: tuple[str, ...] = ()
    side: Side | None = None
    region: str | None = None
    severity: str | None = None
    temporality: Temporality | None = None
    subject: str | None = None
    predicate: str | None = None
    elsewhere: bool = False
    shadowed: tuple[str, ...] = ()
    goes_on_denying: bool = False
    denies: tuple[str, ...] = ()
    names_something: bool = False
    is_detail: bool = False
    is_found_elsewhere: bool = False
    steps: tuple[Step, ...] = ()

    def merged(self, other: Entry) -> Entry:
        """Both meanings of a phrase that was listed twice."""
        return Entry(
            phrase=self.phrase,
            role=self.role or other.role,
            concepts=tuple(dict.fromkeys((*self.concepts, *other.concepts))),
            denied_states=tuple(dict.fromkeys((*self.denied_states, *other.denied_states))),
            side=self.side or other.side,
            region=self.region or other.region,
            severity=self.severity or other.severity,
            temporality=self.temporality or other.temporality,
            subject=self.subject or other.subject,
            predicate=self.predicate or other.predicate,
            elsewhere=self.elsewhere or other.elsewhere,
            goes_on_denying=self.goes_on_denying or other.goes_on_denying,
            denies=(*self.denies, *other.denies),
        )


class Mark:
    """One phrase found: where it stands, in pieces, and what it does there."""

    __slots__ = ("end", "entry", "role", "start", "temporality")

    def __init__(self, start: int, end: int, entry: Entry) -> None:
        self.start = start
        self.end = end
        self.entry = entry
        # Asked for so often that they are at hand here too; a cue of two marks may have a time of its own.
        self.role = entry.role
        self.temporality = entry.temporality

    @property
    def phrase(self) -> str:
        return self.entry.phrase
