"""A stable heart: its size is called unchanged and nothing else is said of it."""

from __future__ import annotations

from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.tables import Tables
from ccf_pipeline.reader.walk import Item

# Not "remains" nor "again seen", which say that it is there.
_STABLE = ("stable", "chang", "similar")
# "Cardiac" and "mediastinal" alone qualify something else: "stable mediastinal lines".
_ADJECTIVES = frozenset({"cardiac", "mediastinal", "cardiomediastinal"})
_JOINTS = frozenset({"and", "or", "comma"})


def doubt_stable(lexicon: Tables, marks: list[Mark], items: list[Item], unchanged: list[int]) -> list[Item]:
    """The doubted enlargements that "heart size and mediastinum are stable" leaves open.

    Args:
        unchanged: the marks that say that something did not change.
    """
    times = [i for i in unchanged if _is_of_size(marks[i])]
    if not times:
        return []
    stated = {item.concept for item in items}
    doubted: list[Item] = []
    for i, mark in enumerate(marks):
        concept = _find_enlargement(lexicon, mark)
        if concept is None or concept in stated or _is_spoken_of(mark, items):
            continue
        time = next((t for t in times if _is_said_of(marks, t, i)), None)
        if time is None:
            continue
        stated.add(concept)
        item = Item(concept, i, mark.start, mark.end, "uncertain", marks[time].phrase)
        item.temporality = "unchanged"
        doubted.append(item)
    return doubted


def _is_of_size(mark: Mark) -> bool:
    return any(word in mark.phrase for word in _STABLE)


def _find_enlargement(lexicon: Tables, mark: Mark) -> str | None:
    if mark.entry.subject is None or mark.phrase in _ADJECTIVES:
        return None
    return lexicon.enlargements.get(mark.entry.subject)


def _is_spoken_of(mark: Mark, items: list[Item]) -> bool:
    return any(item.start < mark.end and mark.start < item.end for item in items)


def _is_said_of(marks: list[Mark], time: int, part: int) -> bool:
    """True if only parts of the chest and small words stand between: "stable heart and mediastinum"."""
    if part < time:
        # "The opacity behind the heart is stable": not the heart is.
        before = next((m for m in reversed(marks[:part]) if m.role != "determiner"), None)
        if before is not None and before.role == "of" and before.phrase not in ("of", "in"):
            return False
        return all(_is_leading_on(m) or m.role == "verb" for m in marks[part + 1 : time])
    return all(_is_leading_on(m) for m in marks[time + 1 : part])


def _is_leading_on(mark: Mark) -> bool:
    if mark.entry.subject is not None:
        return not mark.entry.concepts
    if mark.role == "of":
        return mark.phrase in ("of", "in")
    return mark.role in _JOINTS or mark.role == "determiner"
