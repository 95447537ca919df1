"""Parts of the chest and what is said of them: "heart and mediastinum are normal"."""

from __future__ import annotations

from ccf_pipeline.reader.cues import deny_before
from ccf_pipeline.reader.entries import DENIED_MARK, DOUBTED_MARK, TIME_MARK, Mark, concept_of
from ccf_pipeline.reader.walk import Item, Walk
from ccf_pipeline.records import Polarity


def forget_parts(walk: Walk, i: int, mark: Mark) -> None:
    """A finding was named, or the statement ended: what follows is not said of these parts."""
    walk.subjects = []
    walk.fronted = []


def name_part(walk: Walk, i: int, mark: Mark) -> None:
    """A part of the chest is named."""
    subject = mark.entry.subject or ""
    for predicate, j in walk.fronted:
        _say(walk, subject, predicate, i, j)
    if walk.bound or walk.titled:
        walk.subjects = []
        walk.said_of_parts = []
        walk.bound = walk.titled = False
    walk.subjects.append((subject, i))


def head_with_parts(walk: Walk, i: int, mark: Mark) -> None:
    """A colon: the parts before it head what follows, which may speak of anything else."""
    walk.titled = bool(walk.subjects)


def say_of_parts(walk: Walk, i: int, mark: Mark) -> None:
    """Something is said of the part before it, or of the one that follows."""
    predicate = mark.entry.predicate or ""
    if walk.titled and _is_qualifying(walk, i):
        return
    ahead = _has_part_ahead(walk, i, predicate if walk.titled else None)
    behind = bool(walk.subjects)
    previous = _find_mark_before_adjectives(walk, i)
    if ahead and (
        not behind or walk.bound or walk.titled or (previous is not None and previous.role in _LINKS)
    ):
        walk.fronted = (
            [*walk.fronted, (predicate, i)]
            if walk.fronted and _is_behind_predicate(walk, i)
            else [(predicate, i)]
        )
        return
    means_nothing = not any(predicate in walk.lexicon.frames.get(part, {}) for part, _ in walk.subjects)
    if means_nothing and predicate in walk.lexicon.alone:
        _say(walk, walk.lexicon.alone[predicate], predicate, i, i)
        return
    if not behind and mark.phrase == "negative" and walk.trail and isinstance(walk.trail[-1], Item):
        deny_before(walk, i, mark)  # "pneumothorax negative, effusion positive"
        return
    if not behind and walk.topic is not None:
        _say(walk, walk.topic[0], predicate, i, i)
        return
    if behind:
        walk.fronted = []
        if predicate == "normal" and walk.reach is None:
            _take_back(walk)
        for subject, j in walk.subjects:
            _say(walk, subject, predicate, j, i)
        walk.bound = True
    if walk.reach is not None and walk.reach.kind == "not" and (behind or not walk.something_ahead(i)):
        walk.reach = None


def _take_back(walk: Walk) -> None:
    """Deny what was named only to be called normal: "engorgement within normal limits"."""
    for item in walk.said_of_parts:
        if item.polarity == "present" and item.cue is None:
            item.polarity, item.cue = "absent", "normal"


def measure_part(walk: Walk, i: int, mark: Mark) -> None:
    """A cardiothoracic ratio is said in figures."""
    if not walk.subjects or walk.subjects[-1][0] != "ratio" or walk.bound:
        return
    if not (i + 1 < len(walk.marks) and walk.marks[i + 1].phrase == "/"):
        value = walk.pieces.number(mark.start)
        large = value > (0.5 if value < 1 else 50)
        _say(walk, "ratio", "enlarged" if large else "normal", walk.subjects[-1][1], i)
        walk.bound = True


def is_framed(walk: Walk, i: int, predicate: str) -> bool:
    """True if a phrase that is also a concept is said of a part of the chest, which the frames read."""
    spoken_of = [subject for subject, _ in walk.subjects] or [
        later.entry.subject or "" for later in walk.marks[i + 1 : i + 5] if _has_part_ahead(walk, i)
    ]
    return any(predicate in walk.lexicon.frames.get(subject, {}) for subject in spoken_of)


def _say(walk: Walk, subject: str, predicate: str, i: int, j: int) -> None:
    meanings = walk.lexicon.frames.get(subject, {})
    outcome = meanings.get(predicate)
    if outcome is None:
        return
    polarity, cue = walk.current()
    if walk.marks[j].role == "non":
        if polarity == "absent":
            return
        polarity, cue = "absent", walk.marks[j].phrase
    if polarity == "absent" and predicate == "clear" and "unclear" in meanings:
        outcome, polarity = meanings["unclear"], "present"
    elif (
        polarity == "absent"
        and predicate in ("normal", "clear", "sharp", "intact")
        and "abnormal" in meanings
    ):
        outcome, polarity = meanings["abnormal"], "present"
    elif polarity == "absent" and predicate == "abnormal":
        outcome, polarity, cue = meanings.get("normal", ()), "present", cue
    first, last = (i, j) if i < j else (j, i)
    start, end = walk.marks[first].start, walk.marks[last].end
    for meaning in outcome:
        concept = concept_of(meaning)
        said = _combine_polarity(meaning, polarity)
        if predicate == "top_normal" and said == "absent":
            said = walk.conventions.upper_limits
        item = walk.add(concept, last, start, end, said, cue)
        walk.said_of_parts.append(item)
        if TIME_MARK in meaning and said == "absent":
            item.temporality = "resolved"
        if (said != polarity or predicate == "top_normal") and cue is None:
            item.cue = walk.marks[j].phrase
        if said == "absent" and cue is not None and walk.qualifier(first) is None:
            for state in walk.lexicon.denial_states.get(concept, ()):
                walk.add(state, last, start, end, "present", cue)
    if walk.reach is not None:
        walk.reach.touched = True


def _find_mark_before_adjectives(walk: Walk, i: int) -> Mark | None:
    """The mark before this one, past words of place, degree and time."""
    for mark in reversed(walk.marks[max(0, i - 4) : i]):
        if mark.role not in ("", "partly") or mark.entry.names_something or mark.entry.predicate:
            return mark
    return None


def _is_behind_predicate(walk: Walk, i: int) -> bool:
    return i > 0 and (
        walk.marks[i - 1].entry.predicate is not None or walk.marks[i - 1].role in ("and", "or", "comma")
    )


def _is_qualifying(walk: Walk, i: int) -> bool:
    """True if the word belongs to a finding and not to the title: "Heart: large hiatal hernia"."""
    for later in walk.marks[i + 1 : i + 5]:
        if later.entry.concepts:
            return True
        if later.role or later.entry.subject is not None:
            return False
    return False


def _has_part_ahead(walk: Walk, i: int, predicate: str | None = None) -> bool:
    """True if the part spoken of follows: "normal heart size", "widening of the mediastinum".

    Args:
        predicate: what must mean something of that part: "Heart: normal contours" is said of the heart.
    """
    last = walk.marks[i].end
    for later in walk.marks[i + 1 : i + 7]:
        if later.start - last > 2:
            return False
        if later.entry.subject is not None:
            return predicate is None or predicate in walk.lexicon.frames.get(later.entry.subject, {})
        plain = later.role in ("", "determiner", "of", "and", "number") and not later.entry.concepts
        if not plain:
            return False
        last = later.end
    return False


def _combine_polarity(meaning: str, polarity: Polarity) -> Polarity:
    if meaning.startswith(DENIED_MARK):
        return "present" if polarity == "absent" else ("absent" if polarity == "present" else "uncertain")
    if meaning.startswith(DOUBTED_MARK):
        return "uncertain"
    return polarity


_LINKS = frozenset(
    {
        "comma",
        "and",
        "or",
        "with",
        "break",
        "relative",
        "semicolon",
        "colon",
        "asserts",
        "no",
        "without",
        "not",
    }
)
