"""From a text to its mentions: sentences, marks, scopes, places, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from operator import attrgetter
from typing import Any

from ccf_pipeline.reader.bare_mentions import make_mention
from ccf_pipeline.reader.conventions import CHEXPERT, ReadingConventions
from ccf_pipeline.reader.embedded_orders import is_order, told_of_earlier
from ccf_pipeline.reader.entries import Mark
from ccf_pipeline.reader.labels import LabelsTold, LabelTable, add_up, label_table, labels_told
from ccf_pipeline.reader.lexicon import Lexicon
from ccf_pipeline.reader.marks import find_marks
from ccf_pipeline.reader.memory import memory_of
from ccf_pipeline.reader.places import place_items
from ccf_pipeline.reader.scoping import walk_marks
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.reader.stable import doubt_stable
from ccf_pipeline.reader.tables import Tables
from ccf_pipeline.reader.walk import Item, Walk
from ccf_pipeline.reader.words import Pieces
from ccf_pipeline.records import Mention, Polarity, Side, Temporality

_REMEMBERED_SENTENCES = 50_000
_LONGEST_REMEMBERED = 1_000
_REMEMBERED_PLACES = 100
_SHIFTS = frozenset({"att_shift_toward", "att_shift_away"})
_OPPOSITE = {"left": "right", "right": "left"}
# No sentence is this long; text that is goes piece by piece, so that no text makes the reader slow.
_MARKS_AT_ONCE = 120

# A mention before it has its place in a report: where it starts and ends in its sentence, and the number of
# its statement. Plain tuples all the way down, which Python's garbage collector need not look at again.
_Said = tuple[int, int, int]
# What one sentence says, wherever it stands: its mentions and what they make of the labels.
_SentenceReading = tuple[tuple[_Said, ...], LabelsTold]
_NOTHING: _SentenceReading = ((), ((), False, (), ()))


@dataclass(frozen=True)
class _Memory:
    """Everything remembered of what was read with one lexicon under one set of conventions.

    Radiologists repeat themselves: about half of the sentences of a corpus were read before, and of what
    the others say, five sixths was said before but for its place. `statements` numbers what was said, and
    `fields` has the mention's fields by that number. `told` holds each set of labels once.
    A number is given out before anything refers to it, so that threads may share a lexicon.
    """

    labels: LabelTable
    sentences: dict[str, _SentenceReading] = field(default_factory=dict)
    histories: dict[str, _SentenceReading] = field(default_factory=dict)
    statements: dict[tuple[str | None, ...], int] = field(default_factory=dict)
    fields: dict[int, dict[str, Any]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)
    told: dict[LabelsTold, LabelsTold] = field(default_factory=dict)
    placed: dict[tuple[tuple[_Said, ...], int, int], list[Mention]] = field(default_factory=dict)


def read_text(text: str, lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT) -> tuple[Mention, ...]:
    """Return the mentions of a text, be it a whole report or a single sentence."""
    return read_report(text, lexicon, conventions)[0]


def read_report(
    text: str, lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT, *, this_film: bool = False
) -> tuple[tuple[Mention, ...], dict[str, Polarity]]:
    """The mentions of a text, and its labels: what `read_labels` makes of them, found on the way.

    Args:
        this_film: an order to a model says nothing of the patient, and what an earlier film showed is past.
    """
    memory = _open_memory(lexicon, conventions, this_film)
    mentions: list[Mention] = []
    labels: list[LabelsTold] = []
    report = split_report(text)
    histories = lexicon.headings_of_history
    for number, (heading, start, end) in enumerate(report, 1):
        sentence = text[start:end]
        history = heading in histories and _is_history(report, number)
        remembered = memory.histories if history else memory.sentences
        reading = remembered.get(sentence)
        if reading is None:
            reading = _read_sentence(sentence, history, lexicon, memory, conventions, this_film)
            if end - start <= _LONGEST_REMEMBERED:
                remembered[sentence] = reading
        said, told = reading
        if said:
            if this_film:
                place = said, start, number
                placed = memory.placed.get(place)
                if placed is None:
                    placed = memory.placed[place] = _make_mentions(said, memory.fields, start, number)
                mentions += placed
            else:
                mentions += _make_mentions(said, memory.fields, start, number)
            labels.append(told)
    return tuple(mentions), add_up(labels)


def _open_memory(lexicon: Lexicon, conventions: ReadingConventions, this_film: bool) -> _Memory:
    kept = memory_of(lexicon)
    memory: _Memory | None = kept.get((conventions, this_film))
    if memory is None:
        memory = kept[conventions, this_film] = _Memory(label_table(lexicon, conventions))
    if len(memory.sentences) + len(memory.histories) >= _REMEMBERED_SENTENCES:
        memory = kept[conventions, this_film] = _Memory(memory.labels)
    if len(memory.placed) >= _REMEMBERED_PLACES:
        memory.placed.clear()
    return memory


def _is_history(report: tuple[tuple[str, int, int], ...], number: int) -> bool:
    """True if a sentence under a heading of history is part of it.

    Where no other heading follows, the history is its first sentence: "History: COPD. Heart size normal."
    """
    heading = report[number - 1][0]
    return heading != report[-1][0] or number == 1 or report[number - 2][0] != heading


def _make_mentions(
    said: tuple[_Said, ...], known: dict[int, dict[str, Any]], offset: int, sentence: int
) -> list[Mention]:
    """Return the mentions of a sentence at their place in the report.

    Built without validation, which would take half of the reader's time: every field is the reader's own
    (a test validates them all).
    """
    mentions = []
    for start, end, statement in said:
        fields = known[statement].copy()
        fields["start"] = offset + start
        fields["end"] = offset + end
        fields["sentence"] = sentence
        mentions.append(make_mention(fields))
    return mentions


def _read_sentence(
    sentence: str,
    history: bool,
    lexicon: Lexicon,
    memory: _Memory,
    conventions: ReadingConventions,
    this_film: bool,
) -> _SentenceReading:
    """Read one sentence; the offsets of its mentions are counted from its beginning."""
    if this_film and is_order(sentence):
        return _NOTHING
    codes, letters = lexicon.vocabulary.encode(sentence)
    marks = find_marks(lexicon, codes)
    items = [] if marks else _read_verdict(sentence, lexicon, len(letters))
    if not marks and not items:
        return _NOTHING
    pieces = Pieces(letters)
    for begin in range(0, len(marks), _MARKS_AT_ONCE):
        items += _read_marks(Walk(lexicon, marks[begin : begin + _MARKS_AT_ONCE], pieces, conventions))
    items += _list_plurals(lexicon, items, pieces)
    past = (0, len(sentence)) if history else told_of_earlier(sentence) if this_film else None
    if past is not None:
        for item in items:
            if item.temporality is None and past[0] <= pieces.span(item.start, item.end)[0] < past[1]:
                item.temporality = "prior"
    told = labels_told(items, memory.labels)
    return _convert_to_letters(items, pieces, memory), memory.told.setdefault(told, told)


def _read_verdict(sentence: str, lexicon: Lexicon, end: int) -> list[Item]:
    """A sentence that is one word of normality speaks of the whole film: "1. Negative." """
    said = sentence.strip(" .0123456789)").lower() if len(sentence) < _LONGEST_VERDICT else ""
    return [Item(concept, 0, end - 1, end, "present", None) for concept in lexicon.verdicts.get(said, ())]


_LONGEST_VERDICT = 40
_CONCEPT = attrgetter("concept")


def _read_marks(walk: Walk) -> list[Item]:
    """Read the marks of a sentence, and add what follows from them."""
    lexicon = walk.lexicon
    walk_marks(walk)
    items = place_items(walk)
    if walk.unchanged and walk.conventions.stable_heart == "uncertain":
        items += doubt_stable(lexicon, walk.marks, items, walk.unchanged)
    concepts = set(map(_CONCEPT, items))
    if not _SHIFTS.isdisjoint(concepts):
        items = _turn_shifts(lexicon, items, walk.marks)
    if not lexicon.implying.isdisjoint(concepts):
        items += _list_implied(lexicon, items, walk.excepted)
    return items


def _list_implied(lexicon: Tables, items: list[Item], excepted: bool) -> list[Item]:
    """Return what follows: a kind of a finding asserts the finding, and a normal state denies."""
    denials, parents, devices = lexicon.denials, lexicon.parents, lexicon.devices
    said = {(item.concept, item.start) for item in items}
    implied: list[Item] = []
    for item in items:
        concept = item.concept
        if item.polarity == "present" and concept in denials:
            for denial in denials[concept]:
                if not (excepted and denial.unless_excepted) and (denial.concept, item.start) not in said:
                    implied.append(item.following(denial.concept, "absent"))
        if item.polarity == "absent" and concept in lexicon.contraries:
            implied.append(item.following(lexicon.contraries[concept], "present"))
        if concept in parents and (item.polarity != "absent" or concept in devices):
            for parent in parents[concept]:
                if (parent, item.start) not in said:
                    implied.append(item.following(parent, item.polarity))
    return implied


def _turn_shifts(lexicon: Tables, items: list[Item], marks: list[Mark]) -> list[Item]:
    """A shift goes toward what pulls on its side, or away from what pushes on the other."""
    shifts = [item for item in items if item.concept in _SHIFTS and item.polarity != "absent"]
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


def _list_plurals(lexicon: Tables, items: list[Item], pieces: Pieces) -> list[Item]:
    """Return the concepts that a plural stands for: "nodules" are multiple nodules."""
    plural_of = lexicon.plural_of
    return [
        item.following(plural_of[item.concept], item.polarity)
        for item in items
        if item.concept in plural_of and pieces.word(item.end - 1).endswith("s")
    ]


def _convert_to_letters(items: list[Item], pieces: Pieces, memory: _Memory) -> tuple[_Said, ...]:
    """The items as they are remembered, with offsets in letters instead of pieces."""
    said: list[_Said] = []
    for item in items:
        start, end = pieces.span(item.start, item.end)
        statement = (
            item.concept,
            item.polarity,
            item.side,
            item.region,
            item.severity,
            item.temporality,
            item.cue,
            item.implied_by,
        )
        number = memory.statements.get(statement)
        if number is None:
            number = next(memory.numbers)
            memory.fields[number] = _list_fields(*statement)
            memory.statements[statement] = number
        said.append((start, end, number))
    return tuple(said)


def _list_fields(
    concept: str,
    polarity: Polarity,
    side: Side | None,
    region: str | None,
    severity: str | None,
    temporality: Temporality | None,
    cue: str | None,
    implied_by: str | None,
) -> dict[str, Any]:
    """The fields of a mention in the order of its class, with its place left open."""
    return {
        "concept": concept,
        "polarity": polarity,
        "start": 0,
        "end": 0,
        "sentence": 0,
        "side": side,
        "region": region,
        "severity": severity,
        "temporality": temporality,
        "cue": cue,
        "implied_by": implied_by,
    }
