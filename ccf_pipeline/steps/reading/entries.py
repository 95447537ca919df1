"""What a phrase of the lexicon stands for."""

from __future__ import annotations

from dataclasses import dataclass

from ccf_pipeline.records import Side, Temporality

# A part of the chest and what is said of it, and the concepts that it means.
FrameTable = dict[str, dict[str, tuple[str, ...]]]

DENIED_MARK, DOUBTED_MARK, TIME_MARK = "!", "?", "@"


def concept_of(meaning: str) -> str:
    """The concept that a frame's meaning is about, without its marks."""
    return meaning.lstrip(DENIED_MARK + DOUBTED_MARK).split(TIME_MARK)[0]


@dataclass(frozen=True, slots=True)
class Entry:
    """What one phrase stands for; most phrases stand for one thing only.

    `names_something` and `is_detail` follow from the rest, and are set when the lexicon is complete: a
    concept or a part of the chest stands here; a side, region or degree is given.
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
    names_something: bool = False
    is_detail: bool = False
    goes_on_denying: bool = False
    denies: tuple[str, ...] = ()

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
        )
