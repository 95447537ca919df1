"""Findings that are left out where a second side is told: "effusion on the right, none on the left"."""

from __future__ import annotations

from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.walk import Item, Walk
from ccf_pipeline.records import Polarity, Side


def restate(walk: Walk, i: int) -> bool:
    """Say the finding named last of the other side that follows this joint; False where none does."""
    if not walk.items:
        return False
    side, after = _find_side(walk, i)
    last = None if side is None else walk.last_finding()
    if side is None or last is None:
        return False
    before = _collect_sides(walk.marks[_begin_of(walk, last) : i])
    told = walk.marks[i + 1 : after]
    polarity, cue = _find_polarity(walk, told, last)
    if not before or side == "bilateral" or (side in before and cue is None):
        return False
    # "Bilateral opacities, greater on the right" is one statement, and no second one.
    if before == {"bilateral"} and cue is None and not any(mark.entry.severity for mark in told):
        return False
    for item in [
        item for item in walk.items if item.mark == last.mark and not item.concept.startswith("nrm_")
    ]:
        twin = walk.add(item.concept, i + 1, told[0].start, told[-1].end, polarity, cue)
        twin.side, twin.placed = side, True
        twin.severity = next((mark.entry.severity for mark in told if mark.entry.severity), None)
        twin.region = next((mark.entry.region for mark in told if mark.entry.region), None)
        twin.temporality = next((mark.temporality for mark in told if mark.temporality), twin.temporality)
    walk.resume = after
    return True


def restate_elsewhere(walk: Walk, i: int, polarity: Polarity) -> bool:
    """Say the finding named last the other way of a place: "no effusion except for a trace on the right"."""
    after = i + 1
    while after < len(walk.marks) and walk.marks[after].role not in _JOINTS:
        after += 1
    told = walk.marks[i + 1 : after]
    last = walk.last_finding()
    if last is None or last.polarity in (polarity, "uncertain") or not all(map(_is_detail, told)):
        return False
    if not any(mark.entry.side or mark.entry.region or mark.entry.severity for mark in told):
        return False
    said = [item for item in walk.items if item.mark == last.mark]
    walk.items = [item for item in walk.items if item not in said or not item.concept.startswith("nrm_")]
    walk.end_clause()
    for item in said:
        if not item.concept.startswith("nrm_"):
            twin = walk.add(item.concept, i + 1, told[0].start, told[-1].end, polarity, None)
            twin.placed = True
            for mark in told:
                twin.side = twin.side or mark.entry.side
                twin.region = twin.region or mark.entry.region
                twin.severity = twin.severity or mark.entry.severity
    walk.resume = after
    return True


def hold_side(walk: Walk, i: int) -> None:
    """Remember a side whose finding is named after a "but": "right but not left effusion"."""
    if not walk.items and all(
        _is_detail(mark) or mark.role in ("no", "asserts", "comma") for mark in walk.marks[:i]
    ):
        sides = _collect_sides(walk.marks[:i])
        if len(sides) == 1:
            walk.held = (sides.pop(), walk.current())


def release_side(walk: Walk, item: Item) -> None:
    """Say of the side that was held what is now named."""
    if walk.held is not None:
        side, (polarity, cue) = walk.held
        twin = walk.add(item.concept, item.mark, item.start, item.end, polarity, cue)
        twin.side, twin.placed = side, True


def _find_side(walk: Walk, i: int) -> tuple[Side | None, int]:
    """The one side that the marks after a joint speak of, if they name nothing, and where they end."""
    marks = walk.marks
    after = i + 1
    while after < len(marks) and marks[after].role not in _JOINTS:
        entry = marks[after].entry
        if entry.concepts and marks[after].temporality is None:
            return None, after
        after += 1
    told = marks[i + 1 : after]
    sides = _collect_sides(told)
    if len(sides) != 1 or any(not (_is_detail(mark) or mark.role in _CUES) for mark in told):
        return None, after
    placed = any(mark.entry.subject for mark in told)
    if placed and (marks[i].role not in ("and", "break") or any(mark.role == "verb" for mark in told)):
        return None, after
    return sides.pop(), after


def _is_detail(mark: Mark) -> bool:
    """True if a mark gives a place, a degree or a time, and names nothing."""
    entry = mark.entry
    if entry.concepts and mark.temporality is None:
        return False
    if entry.subject is not None and entry.region is None:
        return False
    told = entry.is_detail or mark.temporality is not None
    return mark.role in ("of", "determiner") or (
        mark.role in ("", "change") and (told or entry.predicate is None)
    )


def _collect_sides(marks: list[Mark]) -> set[Side]:
    return {mark.entry.side for mark in marks if mark.entry.side is not None}


def _begin_of(walk: Walk, item: Item) -> int:
    """Return where the words around a finding begin: after the last thing that was named before it."""
    for k in range(item.mark - 1, -1, -1):
        mark = walk.marks[k]
        if (mark.entry.concepts and mark.temporality is None) or mark.role in (
            "semicolon",
            "break",
            "relative",
        ):
            return k + 1
    return 0


def _find_polarity(walk: Walk, told: list[Mark], last: Item) -> tuple[Polarity, str | None]:
    for mark in told:
        if mark.role == "not" and last.temporality == "resolved":
            return "present", mark.phrase  # "The left effusion has cleared, the right has not."
        polarity = _CUES.get(mark.role)
        if polarity is not None:
            return polarity, mark.phrase
    if last.polarity == "absent" and not any(mark.entry.severity or mark.role == "verb" for mark in told):
        return "absent", None
    return ("uncertain" if last.polarity == "uncertain" else "present"), None


_JOINTS = frozenset({"comma", "and", "or", "break", "relative", "semicolon", "except", "colon", "with"})
# What may be told of the second side, and what it makes of the finding there.
_CUES: dict[str, Polarity | None] = {
    "no": "absent", "not": "absent", "without": "absent", "absent": "absent", "unseen": "absent",
    "resolved": "absent", "maybe": "uncertain", "doubted": "uncertain", "maybe_before": "uncertain",
    "maybe_after": "uncertain", "not_excluded": "uncertain", "query": "uncertain",
    "verb": None, "seen": None, "asserts": None,
}  # fmt: skip
