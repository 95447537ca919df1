"""Side, region, severity and temporality of each concept read: ConText's modifiers."""

from __future__ import annotations

from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.tables import Tables
from ccf_pipeline.reader.walk import Item, Walk

_STOP_LEFT = frozenset(
    {"comma", "or", "no", "without", "not", "with", "verb", "break", "relative", "semicolon", "asserts", "of"}
)
_STOP_RIGHT = frozenset(
    {"break", "relative", "semicolon", "with", "or", "no", "without", "asserts", "versus"}
)


def place_items(walk: Walk) -> list[Item]:
    """The items with what the words around them say; a noun shared by two places becomes two statements."""
    for mark in walk.marks:
        if mark.temporality or mark.entry.is_detail:
            return _find_places(walk)
    return walk.items


def _find_places(walk: Walk) -> list[Item]:
    lexicon, marks = walk.lexicon, walk.marks
    placed: list[Item] = []
    for item in walk.items:
        placed.append(item)
        if item.concept in lexicon.temporal_concepts:
            continue
        if item.placed:
            continue
        _look_inside(lexicon, marks, item)
        second = _look_left(lexicon, marks, item)
        if second is not None:
            placed.append(second)
        second = _look_right(lexicon, marks, item)
        if second is not None:
            placed.append(second)
    for item in placed:
        if item.side is None and item.region is not None:
            item.side = lexicon.sides_of_regions.get(item.region)
        if item.severity == "borderline" and item.polarity == "present":
            item.polarity, item.cue = walk.conventions.borderline, "borderline"
    _pass_places_on(lexicon, placed)
    return placed


def _look_inside(lexicon: Tables, marks: list[Mark], item: Item) -> None:
    """The marks that the item spans: one phrase, or a part of the chest and what is said of it."""
    own = marks[item.mark]
    if own.start == item.start:
        _take_detail(lexicon, own, item)
        return
    first = item.mark
    while first > 0 and marks[first - 1].start >= item.start:
        first -= 1
    for mark in marks[first : item.mark + 1]:
        if mark.end <= item.end:
            _take_detail(lexicon, mark, item)


def _take_detail(lexicon: Tables, mark: Mark, item: Item) -> None:
    entry = mark.entry
    if entry.is_detail:
        if entry.side and item.side is None:
            item.side = entry.side
        if entry.region and (item.region is None or item.region in lexicon.wider_regions[entry.region]):
            item.region = entry.region
        if entry.severity and item.severity is None:
            item.severity = entry.severity
    if mark.temporality and item.temporality is None and mark.role != "verb":
        item.temporality = mark.temporality


def _look_left(lexicon: Tables, marks: list[Mark], item: Item) -> Item | None:
    """Adjectives before the noun; after an "and" they make a second statement: "right and left effusions"."""
    last = item.start
    for k in range(item.mark - 1, -1, -1):
        mark = marks[k]
        if mark.end > item.start:
            continue
        if (
            mark.role == "and"
            and (item.side or item.region)
            and item.concept in marks[item.mark].entry.concepts
        ):
            return _find_second_place(lexicon, marks, item, k)
        if mark.role in _STOP_LEFT or mark.role == "and" or last - mark.end > 2:
            return None
        _take_detail(lexicon, mark, item)
        last = mark.start
    return None


def _find_second_place(lexicon: Tables, marks: list[Mark], item: Item, k: int) -> Item | None:
    twin = item.unplaced()
    for mark in reversed(marks[max(0, k - 4) : k]):
        entry = mark.entry
        if (entry.concepts and mark.temporality is None) or (entry.predicate and not entry.is_detail):
            return None
        if mark.role == "of" and twin.region is not None:
            return None
        if (mark.entry.names_something and mark.entry.region is None) or mark.role in _STOP_LEFT:
            break
        _take_detail(lexicon, mark, twin)
    if not (twin.side and twin.side != item.side) and not (twin.region and twin.region != item.region):
        return None
    twin.side = twin.side or item.side
    twin.region = twin.region or item.region
    return twin


def _look_right(lexicon: Tables, marks: list[Mark], item: Item) -> Item | None:
    """Take what follows the noun: "at the right base", "on the left", ", moderate"."""
    placing = False
    last = item.end
    for k, mark in enumerate(marks[item.mark + 1 : item.mark + 10], item.mark + 1):
        entry = mark.entry
        apart = entry.concepts and mark.temporality is None and not entry.region and mark.start > last
        if mark.role in _STOP_RIGHT or apart:
            return None
        if mark.role == "comma":
            if not _has_only_details(marks, mark):
                return None
            placing = True
        elif mark.role == "and":
            if not placing:
                return None
            if item.side is not None:
                return _find_second_place_after(lexicon, marks, item, k)
        elif mark.role in ("of", "verb"):
            placing = True
        elif placing or mark.start - last <= 1:
            _take_detail(lexicon, mark, item)
        last = mark.end
    return None


def _find_second_place_after(lexicon: Tables, marks: list[Mark], item: Item, k: int) -> Item | None:
    """The same noun at a second place after "and", if that place has a preposition of its own."""
    if k + 1 >= len(marks) or marks[k + 1].role != "of":
        return None
    twin = item.unplaced()
    twin.severity = item.severity
    for mark in marks[k + 1 : k + 6]:
        if mark.role not in ("", "of", "determiner") or (mark.entry.concepts and not mark.entry.region):
            break
        _take_detail(lexicon, mark, twin)
    return twin if twin.side is not None and twin.side != item.side else None


def _has_only_details(marks: list[Mark], comma: Mark) -> bool:
    """True if the words after a comma are details and nothing is named: "Hiatus hernia, moderate." """
    for mark in marks[marks.index(comma) + 1 :]:
        if mark.role in ("comma", "semicolon", "break", "relative"):
            return True
        entry = mark.entry
        if entry.predicate is not None and not entry.is_detail:
            return False
        if (entry.names_something or entry.subject is not None) and entry.region is None:
            return False
        if mark.role in ("no", "without", "with", "verb"):
            return False
    return True


def _pass_places_on(lexicon: Tables, items: list[Item]) -> None:
    """A statement without a place takes that of the one before it in the sentence, if it can have one."""
    before: Item | None = None
    for item in items:
        if item.concept in lexicon.temporal_concepts:
            continue
        if item.concept not in lexicon.sided:
            continue
        if item.side is None and before is not None and item.polarity != "absent":
            wider = lexicon.wider_regions.get(before.region or "", frozenset())
            if item.region is None or item.region == before.region or item.region in wider:
                item.side, item.region = before.side, before.region or item.region
        if item.side is not None:
            before = item
