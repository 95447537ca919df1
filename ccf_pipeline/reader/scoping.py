"""One walk over the marks of a sentence decides which concepts are asserted, denied or doubted."""

from __future__ import annotations

from ccf_pipeline.reader.anatomy import (
    forget_parts,
    head_with_parts,
    is_framed,
    measure_part,
    name_part,
    say_of_parts,
)
from ccf_pipeline.reader.cues import HANDLERS
from ccf_pipeline.reader.ellipsis import release_side
from ccf_pipeline.reader.entries import Entry, Mark, Step
from ccf_pipeline.reader.walk import Item, Reach, Walk
from ccf_pipeline.records import Polarity, Temporality


def walk_marks(walk: Walk) -> list[Item]:
    """Every concept of the sentence with its polarity."""
    for i, mark in enumerate(walk.marks):
        if i >= walk.resume:
            for step in mark.entry.steps:
                step(walk, i, mark)
    return walk.items


def steps_of(entry: Entry, temporality: Temporality | None) -> tuple[Step, ...]:
    """Return what a mark does when the walk comes to it, in this order; places and degrees do nothing."""
    steps: list[Step] = []
    if entry.role in HANDLERS and entry.role != "looking":
        steps.append(HANDLERS[entry.role])
    if temporality is not None:
        steps.append(_say_time)
    if entry.concepts or entry.denied_states or entry.shadowed or entry.denies:
        steps.append(_name_concepts)
    # "Limits evaluation for" is itself a finding, and not among what is looked for.
    if entry.role == "looking":
        steps.append(HANDLERS["looking"])
    if entry.predicate is not None:
        steps.append(say_of_parts)
    if entry.subject is not None:
        steps.append(name_part)
    if entry.role in _SAID_OF_PARTS:
        steps.append(_SAID_OF_PARTS[entry.role])
    return tuple(steps)


_SAID_OF_PARTS: dict[str, Step] = {
    "number": measure_part,
    "colon": head_with_parts,
    "semicolon": forget_parts,
}


def _name_concepts(walk: Walk, i: int, mark: Mark) -> None:
    """A phrase that names concepts: each becomes a statement, as the cue in force has it."""
    entry = mark.entry
    if entry.temporality is not None and entry.concepts[0] in walk.lexicon.temporal_concepts:
        walk.items.append(Item(entry.concepts[0], i, mark.start, mark.end, "present", None))
        return
    if entry.is_found_elsewhere and walk.conventions.elsewhere == "ignore" and _is_elsewhere(walk, i):
        return
    if entry.predicate is not None and is_framed(walk, i, entry.predicate):
        return
    if entry.subject is not None and _is_title(walk, i):
        return
    _note_statement(walk, i, mark)
    if entry.subject is None and entry.predicate is None and entry.concepts and entry.temporality is None:
        forget_parts(walk, i, mark)
    for concept in entry.denies:
        walk.add(concept, i, mark.start, mark.end, "absent", mark.phrase)
    if entry.goes_on_denying:
        walk.reach = Reach("absent", mark.phrase, "no")
    if walk.reach is not None:
        walk.reach.touched = True
        later = walk.next(i)
        # "No" before "or" or a comma goes on to the next phrase; "not" ends with the phrase that it denied.
        if walk.reach.kind == "not" and (later is None or later.role not in ("or", "comma")):
            walk.reach = None


def _is_title(walk: Walk, i: int) -> bool:
    """True if a part heads what follows: "Lines and tubes: no PICC", but not "Lines and tubes: none"."""
    later = walk.next(i)
    return later is not None and later.role == "colon" and walk.something_ahead(i + 1)


def _note_statement(walk: Walk, i: int, mark: Mark) -> None:
    entry, reach, lexicon = mark.entry, walk.reach, walk.lexicon
    polarity: Polarity = "present"
    cue = qualifier = None
    gone = False
    if reach is not None:
        polarity, cue, gone = reach.polarity, reach.cue, reach.resolved
        if polarity == "absent":
            qualifier = walk.qualifier(i)
            # "No new opacity" leaves old ones where they are: whether it is a denial is a convention, not
            # grammar.
            if qualifier == "new":
                polarity, cue = walk.conventions.no_new, f"{cue} new"
    concepts = entry.concepts
    if not concepts and walk.conventions.elsewhere == "count":
        concepts = entry.shadowed
    for concept in concepts:
        if concept in lexicon.of_bones and _is_of_a_device(walk, mark):
            continue
        item = walk.add(concept, i, mark.start, mark.end, polarity, cue)
        item.qualified = qualifier is not None
        if gone:
            item.temporality = "resolved"
        release_side(walk, item)
        if concept in lexicon.topics:
            walk.topic = (lexicon.topics[concept], i)
    # "No large effusion" may leave a small one: only a plain denial brings the normal state with it.
    if polarity == "absent" and qualifier is None and not gone:
        for state in entry.denied_states:
            walk.add(state, i, mark.start, mark.end, "present", cue)


def _is_of_a_device(walk: Walk, mark: Mark) -> bool:
    """True if a device broke and no bone: "sternal wires, one of them fractured"."""
    if mark.entry.region in walk.lexicon.bones:
        return False
    named = [step for step in walk.trail if isinstance(step, Item)]
    last_is_device = bool(named) and named[-1].concept in walk.lexicon.devices
    return last_is_device and not any(
        m.entry.region in walk.lexicon.bones and not walk.lexicon.devices.intersection(m.entry.concepts)
        for m in walk.marks
    )


def _is_elsewhere(walk: Walk, i: int) -> bool:
    """True if a word of another organ qualifies this phrase: breast mass, mass in the left breast."""
    mark = walk.marks[i]
    if mark.entry.elsewhere:
        return True
    # Within one letter: "breast mass" is of the breast, "breast. Mass" is not.
    if i > 0 and walk.marks[i - 1].entry.elsewhere and mark.start - walk.marks[i - 1].end <= 1:
        return True
    of = False
    for later in walk.marks[i + 1 : i + 5]:
        if later.role == "of":
            of = True
        elif later.entry.elsewhere:
            return of
        elif later.role not in ("", "determiner") or later.entry.names_something:
            return False
    return False


def _say_time(walk: Walk, i: int, mark: Mark) -> None:
    """A word of time is said of what stands before it, or of what it leads on to."""
    time = mark.temporality
    if time == "unchanged":
        walk.unchanged.append(i)
    leads_on = mark.phrase.endswith((" of", " in")) or (
        i + 1 < len(walk.marks) and walk.marks[i + 1].role == "of"
    )
    if mark.role == "verb" or (leads_on and mark.role != "resolution_of"):
        walk.coming_time = time
    previous = walk.marks[i - 1] if i else None
    is_predicate = previous is not None and (
        previous.role in ("verb", "comma") or not walk.something_ahead(i)
    )
    if mark.role == "verb" or (is_predicate and mark.role in ("", "qualifier", "asserts")):
        begins = any(m.role in ("break", "relative") for m in walk.marks[max(0, i - 2) : i])
        for item in walk.group_behind(past_break=begins):
            item.temporality = time if item.temporality in (None, "prior") else item.temporality
    if not mark.entry.concepts:
        for concept, meaning in walk.lexicon.temporal_concepts.items():
            if meaning == time and not any(item.concept == concept for item in walk.items):
                walk.items.append(Item(concept, i, mark.start, mark.end, "present", None))
