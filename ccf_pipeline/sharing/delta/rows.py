"""Records as rows of a share, and back: never another text than the one that was shared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ccf_pipeline.records import Record
from ccf_pipeline.sharing.delta.delta import cut_into_pieces, foreign_shingles, join_pieces
from ccf_pipeline.sharing.delta.keys import check_value, seal, unseal
from ccf_pipeline.sharing.delta.words import SHINGLE, Shingle, words_of
from ccf_pipeline.sharing.nouns import DeltaRow, RecipeRow, Respelling, TextDelta

TEXT_FIELDS = frozenset({"factual_text", "chosen_text", "counterfactual_text", "text", "message", "why"})
"""Taken out however short; any other string is taken out when it has four words or more to copy."""

_OF_THE_REPORT = ("factual_text", "chosen_text")
# Numbers that count letters of a text, or tokens of a report.
_COUNTS = frozenset(
    {"start", "end", "factual_start", "factual_end", "tokens_in", "tokens_cached", "tokens_out"}
)
_SIDES = frozenset({"left", "right"})
_FROM_RECIPE = tuple(name for name in RecipeRow.model_fields if name in Record.model_fields)
_IMAGE_FIELDS = ("image_id", "image_path", "image_sha256", "view", "matched_image")

REPORT_DIFFERS = "the report is not the one this row was made from"
PHRASE_DIFFERS = "a report that a phrase is copied from is missing or another one"
ROW_DIFFERS = "what comes out is not the row that was shared"


def source_check(key: bytes, record: Record) -> str:
    return report_check(key, record.study_id, record.factual_text)


def report_check(key: bytes, study_id: str, text: str) -> str:
    """Tells whether a study's report is the one that a row was made from."""
    return check_value(key, "report", study_id, text)


def record_check(key: bytes, record: Record) -> str:
    """Tells whether a record is the one that was shared, in every field."""
    whole = json.dumps(record.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return check_value(key, "record", whole)


def recipe_row(record: Record, key: bytes) -> RecipeRow:
    """The row of L0: what is no text."""
    return RecipeRow(
        **{name: getattr(record, name) for name in _FROM_RECIPE},
        source_check=source_check(key, record),
        record_check=record_check(key, record),
    )


def with_images_of(record: Record, row: RecipeRow) -> Record:
    """The record bound to the image that the share names: the holder of the reports may lack the images."""
    return record.model_copy(update={name: getattr(row, name) for name in _IMAGE_FIELDS})


def delta_row(record: Record, phrases: Mapping[Shingle, int], key: bytes) -> DeltaRow:
    """The row of L1: every text in pieces."""
    stripped: dict[str, Any] = record.model_dump(mode="json")
    texts = []
    borrowed = [run for run, _, _ in borrowed_runs(record)]
    for path, text in _iter_texts(stripped):
        runs = () if path in _OF_THE_REPORT else borrowed
        pieces = cut_into_pieces(text, record.factual_text, phrases, runs)
        if any(piece.source != "new" for piece in pieces):
            texts.append(TextDelta(field=path, pieces=pieces))
    for delta in texts:
        _put(stripped, delta.field, "")
    counts = dict(_iter_counts(stripped))
    for path in counts:
        _put(stripped, path, 0)
    letters = [
        [text, place, *respelled.model_dump().values()]
        for text, delta in enumerate(texts)
        for place, piece in enumerate(delta.pieces)
        for respelled in piece.respelled
    ]
    hidden = json.dumps({"counts": counts, "letters": letters}, separators=(",", ":"))
    return DeltaRow.model_validate(
        {
            **stripped,
            "texts": [_seal_letters(delta) for delta in texts],
            "sealed": seal(key, record.record_id, hidden),
            "source_check": source_check(key, record),
            "record_check": record_check(key, record),
        }
    )


def foreign_to_report(record: Record) -> Iterator[Shingle]:
    """Every telling run of words in its texts that its own report lacks."""
    for _, text in _iter_texts(record.model_dump(mode="json")):
        yield from foreign_shingles(text, record.factual_text)


def borrowed_runs(record: Record) -> Iterator[tuple[Shingle, str, int]]:
    """Every run of words that stands in another report, with the study and the word that it begins at.

    A sentence whose sides were exchanged stands there but for these words.
    """
    for borrowed in record.borrowed:
        keys = words_of(record.counterfactual_text[borrowed.start : borrowed.end]).keys
        is_copied = [not (borrowed.is_mirrored and key in _SIDES) for key in keys]
        for copied, places in groupby(range(len(keys)), key=is_copied.__getitem__):
            run = list(places)
            if copied:
                first = borrowed.first_word + run[0]
                yield tuple(keys[run[0] : run[-1] + 1]), borrowed.study_id, first


def record_of(row: DeltaRow, report: str, phrases: Mapping[int, str], key: bytes) -> Record | str:
    """The record again, or why not; a report of another version gives no record."""
    if report_check(key, row.study_id, report) != row.source_check:
        return REPORT_DIFFERS
    opened = unseal(key, row.record_id, row.sealed)
    if opened is None:
        return ROW_DIFFERS
    hidden = json.loads(opened)
    whole = row.model_dump(mode="json", exclude={"texts", "sealed", "source_check", "record_check"})
    for path, count in hidden["counts"].items():
        _put(whole, path, count)
    for delta in _unseal_letters(row.texts, hidden["letters"]):
        if any(piece.source == "phrase" and piece.phrase not in phrases for piece in delta.pieces):
            return PHRASE_DIFFERS
        text = join_pieces(delta.pieces, report, phrases)
        if text is None:
            return ROW_DIFFERS
        _put(whole, delta.field, text)
    record = Record.model_validate(whole)
    return record if record_check(key, record) == row.record_check else ROW_DIFFERS


def _seal_letters(delta: TextDelta) -> TextDelta:
    pieces = (piece.model_copy(update={"respelled": ()}) for piece in delta.pieces)
    return TextDelta(field=delta.field, pieces=tuple(pieces))


def _unseal_letters(texts: Sequence[TextDelta], letters: Sequence[Sequence[Any]]) -> Iterator[TextDelta]:
    """The deltas again, with the respellings that were sealed."""
    found: dict[tuple[int, int], list[Respelling]] = {}
    for text, place, *values in letters:
        respelled = Respelling.model_validate(dict(zip(Respelling.model_fields, values, strict=True)))
        found.setdefault((text, place), []).append(respelled)
    for text, delta in enumerate(texts):
        pieces = [
            piece.model_copy(update={"respelled": tuple(found.get((text, place), ()))})
            for place, piece in enumerate(delta.pieces)
        ]
        yield TextDelta(field=delta.field, pieces=tuple(pieces))


def _iter_counts(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, int]]:
    """Every number of a record that counts letters or tokens, with its path."""
    if isinstance(value, int) and name in _COUNTS:
        yield path, value
    elif isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _iter_counts(inner, f"{path}.{key}" if path else str(key), str(key))


def _iter_texts(value: Any, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a record with its path."""
    if isinstance(value, str):
        if value and (name in TEXT_FIELDS or len(words_of(value)) >= SHINGLE):
            yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _iter_texts(inner, f"{path}.{key}" if path else key, key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _iter_texts(inner, f"{path}.{number}", name)


def _put(whole: dict[str, Any], path: str, text: str | int) -> None:
    *above, last = path.split(".")
    inner: Any = whole
    for name in above:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    inner[int(last) if isinstance(inner, list) else last] = text
