"""Parts of the chest and what is said of them: "heart and mediastinum are normal"."""

from __future__ import annotations

from ccf_pipeline.records import Polarity
from ccf_pipeline.steps.reading.entries import DENIED_MARK, DOUBTED_MARK, TIME_MARK, concept_of
from ccf_pipeline.steps.reading.marks import Mark
from ccf_pipeline.steps.reading.walk import Item, Walk
from ccf_pipeline.steps.reading.words import Pieces


class Anatomy:
    """The parts of the chest that the sentence speaks of at this point of the walk."""

    def __init__(self, walk: Walk, pieces: Pieces) -> None:
        self.walk = walk
        self.pieces = pieces
        self.subjects: list[tuple[str, int]] = []
        self.bound = False
        self.titled = False
        self.topic: tuple[str, int] | None = None
        self.said: list[Item] = []

    def forget(self) -> None:
        """A finding was named, or the statement ended: what follows is not said of these parts."""
        self.subjects = []
        self.walk.fronted = []

    def subject(self, i: int, mark: Mark) -> None:
        """A part of the chest is named."""
        subject = mark.entry.subject or ""
        for predicate, j in self.walk.fronted:
            self._say(subject, predicate, i, j)
        if self.bound or self.titled:
            self.subjects = []
            self.said = []
            self.bound = self.titled = False
        self.subjects.append((subject, i))

    def title(self) -> None:
        """A colon: the parts before it head what follows, which may speak of anything else."""
        self.titled = bool(self.subjects)

    def predicate(self, i: int, mark: Mark) -> None:
        """Something is said of the part before it, or of the one that follows."""
        predicate = mark.entry.predicate or ""
        if self.titled and self._qualifies_a_finding(i):
            return
        ahead = self._subject_ahead(i, predicate if self.titled else None)
        behind = bool(self.subjects)
        previous = self._before_adjectives(i)
        if ahead and (
            not behind or self.bound or self.titled or (previous is not None and previous.role in _LINKS)
        ):
            self.walk.fronted = (
                [*self.walk.fronted, (predicate, i)]
                if self.walk.fronted and self._follows_predicate(i)
                else [(predicate, i)]
            )
            return
        if not behind and predicate in self.walk.lexicon.alone:
            self._say(self.walk.lexicon.alone[predicate], predicate, i, i)
            return
        if not behind and self.topic is not None:
            self._say(self.topic[0], predicate, i, i)
            return
        if behind:
            self.walk.fronted = []
            if predicate == "normal" and self.walk.reach is None:
                self._take_back()
            for subject, j in self.subjects:
                self._say(subject, predicate, j, i)
            self.bound = True
        if self.walk.reach is not None and self.walk.reach.kind == "not":
            self.walk.reach = None

    def _take_back(self) -> None:
        """What was named only to be called normal is denied: "engorgement within normal limits"."""
        for item in self.said:
            if item.polarity == "present" and item.cue is None:
                item.polarity, item.cue = "absent", "normal"

    def measure(self, i: int, mark: Mark) -> None:
        """A cardiothoracic ratio is said in figures."""
        if not self.subjects or self.subjects[-1][0] != "ratio" or self.bound:
            return
        if not (i + 1 < len(self.walk.marks) and self.walk.marks[i + 1].phrase == "/"):
            value = self.pieces.number(mark.start)
            large = value > (0.5 if value < 1 else 50)
            self._say("ratio", "enlarged" if large else "normal", self.subjects[-1][1], i)
            self.bound = True

    def is_framed(self, i: int, predicate: str) -> bool:
        """Whether a phrase that is also a concept is said of a part of the chest, which the frames read."""
        spoken_of = [subject for subject, _ in self.subjects] or [
            later.entry.subject or "" for later in self.walk.marks[i + 1 : i + 5] if self._subject_ahead(i)
        ]
        return any(predicate in self.walk.lexicon.frames.get(subject, {}) for subject in spoken_of)

    def _say(self, subject: str, predicate: str, i: int, j: int) -> None:
        meanings = self.walk.lexicon.frames.get(subject, {})
        outcome = meanings.get(predicate)
        if outcome is None:
            return
        polarity, cue = self.walk.current()
        if (
            polarity == "absent"
            and predicate in ("normal", "clear", "sharp", "intact")
            and "abnormal" in meanings
        ):
            outcome, polarity = meanings["abnormal"], "present"
        elif polarity == "absent" and predicate == "abnormal":
            outcome, polarity, cue = meanings.get("normal", ()), "present", cue
        a, b = self.walk.marks[i], self.walk.marks[j]
        for meaning in outcome:
            concept = concept_of(meaning)
            said = _combined(meaning, polarity)
            if predicate == "top_normal" and said == "absent":
                said = self.walk.conventions.upper_limits
            item = self.walk.add(concept, max(i, j), min(a.start, b.start), max(a.end, b.end), said, cue)
            self.said.append(item)
            if TIME_MARK in meaning and said == "absent":
                item.temporality = "resolved"
            if (said != polarity or predicate == "top_normal") and cue is None:
                item.cue = self.walk.marks[j].phrase
            if said == "absent" and cue is not None and self.walk.qualifier(min(i, j)) is None:
                for state in self.walk.lexicon.denial_states.get(concept, ()):
                    self.walk.add(state, max(i, j), item.start, item.end, "present", cue)
        if self.walk.reach is not None:
            self.walk.reach.touched = True

    def _before_adjectives(self, i: int) -> Mark | None:
        """The mark before this one, past words of place, degree and time."""
        for mark in reversed(self.walk.marks[max(0, i - 4) : i]):
            if mark.role or mark.names_something or mark.entry.predicate:
                return mark
        return None

    def _follows_predicate(self, i: int) -> bool:
        return i > 0 and (
            self.walk.marks[i - 1].entry.predicate is not None
            or self.walk.marks[i - 1].role in ("and", "or", "comma")
        )

    def _qualifies_a_finding(self, i: int) -> bool:
        """Whether the word belongs to a finding and not to the title: "Heart: large hiatal hernia"."""
        for later in self.walk.marks[i + 1 : i + 5]:
            if later.entry.concepts:
                return True
            if later.role or later.entry.subject is not None:
                return False
        return False

    def _subject_ahead(self, i: int, predicate: str | None = None) -> bool:
        """Whether the part spoken of follows: "normal heart size", "widening of the mediastinum".

        Args:
            predicate: what must mean something of that part: "Heart: normal contours" is said of the heart.
        """
        last = self.walk.marks[i].end
        for later in self.walk.marks[i + 1 : i + 7]:
            if later.start - last > 2:
                return False
            if later.entry.subject is not None:
                return predicate is None or predicate in self.walk.lexicon.frames.get(later.entry.subject, {})
            plain = later.role in ("", "determiner", "of", "and") and not later.entry.concepts
            if not plain:
                return False
            last = later.end
        return False


def _combined(meaning: str, polarity: Polarity) -> Polarity:
    if meaning.startswith(DENIED_MARK):
        return "present" if polarity == "absent" else ("absent" if polarity == "present" else "uncertain")
    if meaning.startswith(DOUBTED_MARK):
        return "uncertain"
    return polarity


_LINKS = frozenset(
    {"comma", "and", "or", "with", "break", "semicolon", "colon", "asserts", "no", "without", "not"}
)
