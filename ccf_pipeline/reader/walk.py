"""The state of a walk over the marks of a sentence: what was read, and which trigger is in scope."""

from __future__ import annotations

from ccf_pipeline.reader.conventions import ReadingConventions
from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.tables import Tables
from ccf_pipeline.reader.words import Pieces
from ccf_pipeline.records import Polarity, Side, Temporality


class Item:
    """A concept read at a place of the sentence, before places and times are settled."""

    __slots__ = (
        "concept", "cue", "end", "implied_by", "mark", "placed", "polarity", "qualified", "region",
        "severity", "side", "start", "temporality",
    )  # fmt: skip

    def __init__(
        self, concept: str, mark: int, start: int, end: int, polarity: Polarity, cue: str | None
    ) -> None:
        self.concept = concept
        self.mark = mark
        self.start = start
        self.end = end
        self.polarity: Polarity = polarity
        self.cue = cue
        self.side: Side | None = None
        self.region: str | None = None
        self.severity: str | None = None
        self.temporality: Temporality | None = None
        self.implied_by: str | None = None
        self.qualified = False
        self.placed = False

    def following(self, concept: str, polarity: Polarity) -> Item:
        """Return the same statement about another concept."""
        twin = Item(concept, self.mark, self.start, self.end, polarity, self.cue)
        twin.side, twin.region, twin.severity = self.side, self.region, self.severity
        twin.temporality, twin.implied_by, twin.qualified = self.temporality, self.concept, self.qualified
        return twin

    def unplaced(self) -> Item:
        """The same statement again, without its place and degree."""
        twin = Item(self.concept, self.mark, self.start, self.end, self.polarity, self.cue)
        twin.temporality, twin.implied_by, twin.qualified = self.temporality, self.implied_by, self.qualified
        return twin


class Reach:
    """A cue that is deciding about what follows it; touched once it has decided about something."""

    __slots__ = ("cue", "kind", "polarity", "resolved", "touched")

    def __init__(self, polarity: Polarity, cue: str, kind: str, resolved: bool = False) -> None:
        self.polarity: Polarity = polarity
        self.cue = cue
        self.kind = kind
        self.resolved = resolved
        self.touched = False


class Walk:
    """Everything known at one mark of the sentence.

    `trail` holds the items read and, between them, the joints that a cue behind them looks back over:
    comma, and, or, with, verb, and "stop" where a statement ended. `unchanged` are the marks that say that
    nothing changed.

    `subjects` are the parts of the chest that are spoken of, with their marks: `bound` once something was
    said of them, `titled` where they head what follows. `fronted` are the predicates that stand before their
    part, `topic` is a part that a finding brought up, and `said_of_parts` is what was said of the parts.
    """

    def __init__(
        self, lexicon: Tables, marks: list[Mark], pieces: Pieces, conventions: ReadingConventions
    ) -> None:
        self.lexicon = lexicon
        self.marks = marks
        self.pieces = pieces
        self.conventions = conventions
        self.items: list[Item] = []
        self.trail: list[Item | str] = []
        self.reach: Reach | None = None
        self.past: str | None = None
        self.coming_time: Temporality | None = None
        self.subjects: list[tuple[str, int]] = []
        self.bound = False
        self.titled = False
        self.topic: tuple[str, int] | None = None
        self.said_of_parts: list[Item] = []
        self.fronted: list[tuple[str, int]] = []
        self.unchanged: list[int] = []
        self.has_verb = False
        self.excepted = False
        self.portion = False
        self.resume = 0
        self.held: tuple[Side, tuple[Polarity, str | None]] | None = None

    def next(self, i: int) -> Mark | None:
        """The mark after this one."""
        return self.marks[i + 1] if i + 1 < len(self.marks) else None

    def add(self, concept: str, i: int, start: int, end: int, polarity: Polarity, cue: str | None) -> Item:
        """One more statement, told of by what is known of time."""
        item = Item(concept, i, start, end, polarity, cue)
        if self.past is not None and polarity != "absent":
            item.temporality, item.cue = "prior", self.past
        # A normal state becomes neither better nor worse: "increased" is not said of lungs that are clear.
        elif self.coming_time is not None and not concept.startswith("nrm_"):
            item.temporality = self.coming_time
        self.items.append(item)
        self.trail.append(item)
        return item

    def current(self) -> tuple[Polarity, str | None]:
        """The polarity of what is named here, and the cue that decides it."""
        return ("present", None) if self.reach is None else (self.reach.polarity, self.reach.cue)

    def end_clause(self) -> None:
        """Nothing said so far decides about what follows."""
        self.reach = None
        self.past = None
        self.coming_time = None
        self.fronted = []
        self.trail.append("stop")

    def group_behind(self, past_break: bool = False, own_verb: int = 0) -> list[Item]:
        """Return the concepts that a cue after them speaks of: the last one, and the list it closes.

        Args:
            past_break: look past the break before the cue: "an opacity, which is unchanged".
            own_verb: 1 where the cue holds a verb: "has resolved".
        """
        group: list[Item] = []
        conjoined = False
        separator = ""
        # "An effusion that was seen before is gone": the second verb is about what stands before "that".
        verbs = own_verb
        for step in reversed(self.trail):
            if isinstance(step, Item):
                # "Effusion, opacity unchanged": a comma without an "and" behind it closes no list, so that
                # the word of time is said of the opacity alone.
                if group and separator == "comma" and not conjoined:
                    break
                # "Endotracheal tube malposition": only the malposition is spoken of.
                misplaced = group and group[-1].concept in self.lexicon.contraries.values()
                if misplaced and not separator and step.concept in self.lexicon.devices:
                    break
                if step.concept in self.lexicon.temporal_concepts:
                    continue
                group.append(step)
                separator = ""
            elif step in ("and", "or"):
                conjoined = conjoined or bool(group)
                separator = "and"
            elif step == "comma":
                separator = separator or "comma"
            elif step == "verb" and not group:
                verbs += 1
            elif not group and (past_break or (step == "relative" and verbs > 1)):
                continue
            elif group or step in ("stop", "relative"):
                break
        return group

    def last_finding(self) -> Item | None:
        """Return the finding or device named last; normal states and words of time are none."""
        for item in reversed(self.items):
            if not item.concept.startswith("nrm_") and item.concept not in self.lexicon.temporal_concepts:
                return item
        return None

    def something_ahead(self, i: int) -> bool:
        """True if this clause names anything after this mark."""
        for later in self.marks[i + 1 :]:
            if later.role in ("break", "relative", "semicolon", "comma", "except"):
                return False
            if later.entry.names_something and later.temporality is None:
                return True
        return False

    def or_ahead(self, i: int) -> bool:
        """True if a list goes on with "or" after this mark."""
        for later in self.marks[i + 1 :]:
            if later.role == "or":
                return True
            if later.role in ENDS_OF_LIST:
                return False
        return False

    def qualifier(self, i: int) -> str | None:
        """The word that narrows a denial to a kind: no *large* effusion, no *new* opacity."""
        for mark in reversed(self.marks[:i]):
            if mark.role in _CLOSERS_OF_PHRASE or mark.entry.concepts:
                if mark.entry.temporality == "new" and mark.entry.concepts:
                    return "new"
                return None
            if mark.entry.temporality == "new":
                return "new"
            if mark.entry.severity or mark.role == "qualifier":
                return mark.phrase
        return None


_CLOSERS_OF_PHRASE = frozenset(
    {"comma", "and", "or", "no", "without", "not", "with", "verb", "break", "relative", "semicolon"}
)
ENDS_OF_LIST = frozenset(
    {
        "break",
        "relative",
        "semicolon",
        "except",
        "no",
        "without",
        "asserts",
        "verb",
        "not",
        "maybe",
        "doubted",
        "maybe_before",
        "hedge",
    }
)
