"""From a text to its mentions: sentences, marks, scopes, places, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from ccf_pipeline.records import Mention, Polarity, Side, Temporality
from ccf_pipeline.sentences import split_report
from ccf_pipeline.steps.reading.conventions import CHEXPERT, ReadingConventions
from ccf_pipeline.steps.reading.lexicon import Lexicon
from ccf_pipeline.steps.reading.marks import Mark, find_marks
from ccf_pipeline.steps.reading.places import place_items
from ccf_pipeline.steps.reading.scoping import walk_marks
from ccf_pipeline.steps.reading.stable import doubt_stable
from ccf_pipeline.steps.reading.walk import Item, Walk
from ccf_pipeline.steps.reading.words import Pieces

# Radiologists repeat themselves: about half of the sentences of a corpus were read before.
_REMEMBERED_SENTENCES = 50_000
_LONGEST_REMEMBERED = 1_000
_SHIFTS = frozenset({"att_shift_toward", "att_shift_away"})
_OPPOSITE = {"left": "right", "right": "left"}
# No sentence is this long; text that is goes piece by piece, so that no text makes the reader slow.
_MARKS_AT_ONCE = 120

# A mention before it has its place in a report: concept, polarity, start, end, side, region, severity,
# temporality, cue and what implies it. A plain tuple, for a corpus has tens of thousands to remember.
_Said = tuple[
    str, Polarity, int, int, Side | None, str | None, str | None, Temporality | None, str | None, str | None
]


def read_text(text: str, lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT) -> tuple[Mention, ...]:
    """What a text asserts, denies or doubts: a whole report or a single sentence."""
    remembered = lexicon.cache.setdefault(conventions, {})
    if len(remembered) >= _REMEMBERED_SENTENCES:
        remembered.clear()
    mentions: list[Mention] = []
    report = split_report(text)
    histories = lexicon.headings_of_history
    for number, (heading, start, end) in enumerate(report, 1):
        key = (text[start:end], heading in histories and _is_history(report, number))
        items = remembered.get(key)
        if items is None:
            items = _read_sentence(*key, lexicon, conventions)
            if end - start <= _LONGEST_REMEMBERED:
                remembered[key] = items
        mentions += _placed(items, start, number)
    return tuple(mentions)


def _is_history(report: tuple[tuple[str, int, int], ...], number: int) -> bool:
    """Whether a sentence under a heading of history is part of it.

    Where no other heading follows, the history is its first sentence: "History: COPD. Heart size normal."
    """
    heading = report[number - 1][0]
    return heading != report[-1][0] or number == 1 or report[number - 2][0] != heading


def _placed(items: tuple[_Said, ...], offset: int, number: int) -> Iterator[Mention]:
    """What a sentence says as mentions at its place in the report.

    Built without validation and without pydantic's own ways around it, which would take half of the
    reader's time: every field is the reader's own (a test validates them all).
    """
    for concept, polarity, start, end, side, region, severity, temporality, cue, implied_by in items:
        mention = _new(Mention)
        fields = {
            "concept": concept,
            "polarity": polarity,
            "start": offset + start,
            "end": offset + end,
            "sentence": number,
            "side": side,
            "region": region,
            "severity": severity,
            "temporality": temporality,
            "cue": cue,
            "implied_by": implied_by,
        }
        _put_fields(mention, fields)
        _put_fields_set(mention, _FIELDS)
        _put_extra(mention, None)
        _put_private(mention, None)
        yield mention


_FIELDS = set(Mention.model_fields)
_new = object.__new__
# What pydantic keeps in a model: the slots are written directly, for a frozen model refuses attributes.
_put_fields, _put_fields_set, _put_extra, _put_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _read_sentence(
    sentence: str, history: bool, lexicon: Lexicon, conventions: ReadingConventions
) -> tuple[_Said, ...]:
    """What one sentence says, each as the fields of a mention within the sentence."""
    codes, pieces = lexicon.vocabulary.encode(sentence)
    marks = find_marks(lexicon, codes)
    if not any(mark.names_something for mark in marks):
        return ()
    where = Pieces(pieces)
    numbers = {mark.start: where.number(mark.start) for mark in marks if mark.role == "number"}
    items: list[Item] = []
    for begin in range(0, len(marks), _MARKS_AT_ONCE):
        part = marks[begin : begin + _MARKS_AT_ONCE]
        walk = Walk(lexicon, part, conventions)
        said = place_items(lexicon, part, walk_marks(walk, numbers))
        for item in said:
            if item.severity == "borderline" and item.polarity == "present":
                item.polarity, item.cue = conventions.borderline, "borderline"
        if conventions.stable_heart == "uncertain":
            said += doubt_stable(lexicon, part, said)
        said = _directed(lexicon, said, part)
        items += said
        items += _implied(lexicon, said, walk.excepted)
    items += _plurals(lexicon, items, where)
    return tuple([_in_letters(item, where, history) for item in items])


def _implied(lexicon: Lexicon, items: list[Item], excepted: bool) -> list[Item]:
    """What a kind of finding says of the finding, and what a normal state denies."""
    said = {(item.concept, item.start) for item in items}
    implied: list[Item] = []
    for item in items:
        if item.polarity == "present":
            for denial in lexicon.denials.get(item.concept, ()):
                if not (excepted and denial.unless_excepted) and (denial.concept, item.start) not in said:
                    implied.append(_following(item, denial.concept, "absent"))
        if item.polarity != "absent" or item.concept in lexicon.devices:
            for parent in lexicon.parents.get(item.concept, ()):
                if (parent, item.start) not in said:
                    implied.append(_following(item, parent, item.polarity))
    return implied


def _directed(lexicon: Lexicon, items: list[Item], marks: list[Mark]) -> list[Item]:
    """A shift goes toward what pulls on its side, or away from what pushes on the other."""
    shifts = [item for item in items if item.concept in _SHIFTS and item.polarity != "absent"]
    if not shifts:
        return items
    roles = {mark.role for mark in marks}
    causes = [(i.concept, i.side) for i in items if i.polarity != "absent" and i.side is not None]

    def is_meant(shift: Item) -> bool:
        if shift.concept in marks[shift.mark].entry.concepts:
            return True
        pulled = any(c in lexicon.pulls and side == shift.side for c, side in causes)
        pushed = any(c in lexicon.pushes and side == _OPPOSITE.get(shift.side or "") for c, side in causes)
        if shift.concept == "att_shift_toward":
            return (pulled and not pushed) or ("toward" in roles and not pushed)
        return pushed or ("away" in roles and not pulled)

    return [item for item in items if item not in shifts or is_meant(item)]


def _following(item: Item, concept: str, polarity: Polarity) -> Item:
    twin = item.copy()
    twin.concept = concept
    twin.polarity = polarity
    twin.implied_by = item.concept
    return twin


def _plurals(lexicon: Lexicon, items: list[Item], where: Pieces) -> list[Item]:
    """Where more than one is a concept of its own: "nodules" are multiple nodules."""
    return [
        _following(item, lexicon.plural_of[item.concept], item.polarity)
        for item in items
        if item.concept in lexicon.plural_of and where.word(item.end - 1).endswith("s")
    ]


def _in_letters(item: Item, where: Pieces, history: bool) -> _Said:
    """The item as it is remembered, with offsets in letters instead of pieces."""
    start, end = where.span(item.start, item.end)
    return (
        item.concept,
        item.polarity,
        start,
        end,
        item.side,
        item.region,
        item.severity,
        "prior" if history and item.temporality is None else item.temporality,
        item.cue,
        item.implied_by,
    )
