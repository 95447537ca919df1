"""Commas and "and": they go on with a list of findings or end a scope (ConText's termination)."""

from __future__ import annotations

from ccf_pipeline.reader.ellipsis import hold_side, restate
from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.walk import ENDS_OF_LIST, Item, Walk


def join(walk: Walk, i: int, kind: str) -> None:
    """A comma or an "and": the end of a statement, of a denied list, or of nothing."""
    if restate(walk, i):
        return
    later = walk.next(i)
    if later is not None and later.role in ("no", "not"):
        hold_side(walk, i)
    if starts_clause(walk, i):
        walk.end_clause()
        walk.has_verb = False
        return
    walk.trail.append(kind)
    if _has_denied_an_unknown_word(walk, i):
        walk.reach = None
    if walk.past is not None and kind == "comma" and not bare_item_ahead(walk, i):
        walk.past = None
    if walk.reach is not None and not goes_on_after(walk, i, kind):
        walk.reach = None


def _has_denied_an_unknown_word(walk: Walk, i: int) -> bool:
    """True if "not" has spent itself on a word that nobody knows: "not ventilated, consistent with"."""
    before = walk.marks[i - 1] if i else None
    if before is None or before.role != "not" or walk.reach is None or walk.reach.touched:
        return False
    return walk.marks[i].start > before.end


def starts_clause(walk: Walk, i: int) -> bool:
    """True if a new statement begins after this comma or "and"."""
    if not (walk.has_verb or walk.reach is not None):
        return False
    named = subject = False
    for later in walk.marks[i + 1 : i + 9]:
        if later.role in ("comma", "and", "or", "break", "relative", "semicolon"):
            return False
        if later.role == "unseen" or later.role == "absent":
            return walk.has_verb
        if subject and later.role == "verb":
            return True
        if named and later.role == "verb":
            return walk.has_verb or not perceived_next(walk, later)
        if subject and later.entry.predicate is not None:
            return True
        subject = subject or (later.entry.subject is not None and not later.entry.concepts)
        named = named or later.entry.names_something
    return False


def perceived_next(walk: Walk, verb: Mark) -> bool:
    k = walk.marks.index(verb) + 1
    return k < len(walk.marks) and walk.marks[k].role in ("seen", "unseen", "absent")


def goes_on_after(walk: Walk, i: int, kind: str) -> bool:
    """True if a denial or doubt still holds after this comma or "and"."""
    reach = walk.reach
    if reach is None or (not reach.touched and kind == "comma"):
        return reach is not None
    if walk.or_ahead(i) or reach.kind in ("differential", "removal"):
        return True
    if kind == "comma" and (reach.kind in ("not", "maybe") or has_its_verb(walk)):
        return i + 1 < len(walk.marks) and walk.marks[i + 1].role in ("or", "and")
    return bare_item_ahead(walk, i)


def has_its_verb(walk: Walk) -> bool:
    """True if the denied thing already has its verb: the list is over."""
    for step in reversed(walk.trail[:-1]):
        if step == "verb":
            return True
        if isinstance(step, Item):
            return False
    return False


def bare_item_ahead(walk: Walk, i: int) -> bool:
    """True if a thing is named without any detail: details mean that it is there."""
    named = False
    for later in walk.marks[i + 1 :]:
        if later.role in ENDS_OF_LIST or later.role in ("comma", "and", "or", "seen", "unseen"):
            return named or later.role in ("and", "or")
        if later.entry.names_something:
            named = True
        elif (
            later.entry.severity
            or later.entry.side
            or later.temporality
            or later.role in ("determiner", "asserts")
        ):
            return False
    return named
