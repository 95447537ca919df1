"""Which concepts of a sentence are asserted, denied or doubted: one walk over its marks."""

from __future__ import annotations

from ccf_pipeline.steps.reading.anatomy import Anatomy
from ccf_pipeline.steps.reading.cues import HANDLERS
from ccf_pipeline.steps.reading.marks import Mark
from ccf_pipeline.steps.reading.walk import Item, Reach, Walk
from ccf_pipeline.steps.reading.words import Pieces


def walk_marks(walk: Walk, pieces: Pieces) -> list[Item]:
    """Every concept of the sentence with its polarity; `pieces` tell the figures in it."""
    anatomy = Anatomy(walk, pieces)
    handler_of = HANDLERS.get
    for i, mark in enumerate(walk.marks):
        role = mark.role
        handle = handler_of(role) if role else None
        if handle is not None:
            handle(walk, i, mark)
        if mark.temporality is not None:
            _say_time(walk, i, mark)
            if mark.temporality == "unchanged":
                walk.unchanged.append(i)
        if mark.names_something or mark.entry.predicate is not None or role in _ANATOMY_ROLES:
            _read_entry(walk, anatomy, i, mark)
    return walk.items


_ANATOMY_ROLES = frozenset({"number", "semicolon", "colon"})


def _read_entry(walk: Walk, anatomy: Anatomy, i: int, mark: Mark) -> None:
    entry = mark.entry
    if entry.concepts or entry.denied_states or entry.shadowed:
        _name(walk, anatomy, i, mark)
    if entry.predicate is not None:
        anatomy.predicate(i, mark)
    if entry.subject is not None:
        anatomy.subject(i, mark)
    if mark.role == "number":
        anatomy.measure(i, mark)
    elif mark.role == "colon":
        anatomy.title()
    elif mark.role == "semicolon":
        anatomy.forget()


def _name(walk: Walk, anatomy: Anatomy, i: int, mark: Mark) -> None:
    """A phrase that names concepts: each becomes a statement, as the cue in force has it."""
    entry = mark.entry
    if entry.temporality is not None and entry.concepts[0] in walk.lexicon.temporal_concepts:
        walk.items.append(Item(entry.concepts[0], i, mark.start, mark.end, "present", None))
        return
    if walk.conventions.elsewhere == "ignore" and _is_elsewhere(walk, i):
        return
    if entry.predicate is not None and anatomy.is_framed(i, entry.predicate):
        return
    _state(walk, anatomy, i, mark)
    if entry.subject is None and entry.predicate is None and entry.concepts and entry.temporality is None:
        anatomy.forget()
    for concept in entry.denies:
        walk.add(concept, i, mark.start, mark.end, "absent", mark.phrase)
    if entry.goes_on_denying:
        walk.reach = Reach("absent", mark.phrase, "no")
    if walk.reach is not None:
        walk.reach.touched = True
        later = walk.next(i)
        if walk.reach.kind == "not" and (later is None or later.role not in ("or", "comma")):
            walk.reach = None


def _state(walk: Walk, anatomy: Anatomy, i: int, mark: Mark) -> None:
    polarity, cue = walk.current()
    gone = walk.reach is not None and walk.reach.resolved
    qualifier = walk.qualifier(i) if polarity == "absent" else None
    if qualifier == "new":
        polarity, cue = walk.conventions.no_new, f"{cue} new"
    shadowed = mark.entry.shadowed if walk.conventions.elsewhere == "count" else ()
    for concept in mark.entry.concepts or shadowed:
        if concept in walk.lexicon.of_bones and _is_of_a_device(walk, mark):
            continue
        item = walk.add(concept, i, mark.start, mark.end, polarity, cue)
        item.qualified = qualifier is not None
        if gone:
            item.temporality = "resolved"
        if concept in walk.lexicon.topics:
            anatomy.topic = (walk.lexicon.topics[concept], i)
    if polarity == "absent" and qualifier is None and not gone:
        for state in mark.entry.denied_states:
            walk.add(state, i, mark.start, mark.end, "present", cue)


def _is_of_a_device(walk: Walk, mark: Mark) -> bool:
    """Whether a device broke and no bone: "sternal wires, one of them fractured"."""
    if mark.entry.region in walk.lexicon.bones:
        return False
    named = [step for step in walk.trail if isinstance(step, Item)]
    last_is_device = bool(named) and named[-1].concept in walk.lexicon.devices
    return last_is_device and not any(
        m.entry.region in walk.lexicon.bones and not walk.lexicon.devices.intersection(m.entry.concepts)
        for m in walk.marks
    )


def _is_elsewhere(walk: Walk, i: int) -> bool:
    """Whether a word of another organ qualifies this phrase: breast mass, mass in the left breast."""
    mark = walk.marks[i]
    if not walk.lexicon.found_elsewhere_too.intersection(mark.entry.concepts):
        return False
    if mark.entry.elsewhere:
        return True
    if i > 0 and walk.marks[i - 1].entry.elsewhere and mark.start - walk.marks[i - 1].end <= 1:
        return True
    of = False
    for later in walk.marks[i + 1 : i + 5]:
        if later.role == "of":
            of = True
        elif later.entry.elsewhere:
            return of
        elif later.role not in ("", "determiner") or later.names_something:
            return False
    return False


def _say_time(walk: Walk, i: int, mark: Mark) -> None:
    """A word of time is said of what stands before it, or of what it leads on to."""
    time = mark.temporality
    leads_on = mark.phrase.endswith((" of", " in")) or (
        i + 1 < len(walk.marks) and walk.marks[i + 1].role == "of"
    )
    if mark.role == "verb" or (leads_on and mark.role != "resolution_of"):
        walk.coming_time = time
    previous = walk.marks[i - 1] if i else None
    is_predicate = previous is not None and (
        previous.role in ("verb", "comma") or not walk.something_ahead(i)
    )
    if mark.role == "verb" or (is_predicate and mark.role == ""):
        for item in walk.group_behind(past_break=previous is not None and previous.role == "break"):
            item.temporality = time if item.temporality in (None, "prior") else item.temporality
    if not mark.entry.concepts:
        for concept, meaning in walk.lexicon.temporal_concepts.items():
            if meaning == time and not any(item.concept == concept for item in walk.items):
                walk.items.append(Item(concept, i, mark.start, mark.end, "present", None))
