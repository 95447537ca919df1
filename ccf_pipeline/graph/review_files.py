"""Review sheets on disk, and the stamping of a graph file with who reviewed what."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from ccf_pipeline.errors import GraphError, MissingInput, UnreadableInput
from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.files.spreadsheets import read_cell, write_csv
from ccf_pipeline.graph.load import parse_graph_text, read_source
from ccf_pipeline.graph.model import GraphFile, MinedEvidence, Relation
from ccf_pipeline.graph.proofs import bears_out
from ccf_pipeline.graph.review import SheetRow

COLUMNS = tuple(SheetRow.model_fields)
PLAIN = re.compile(r"[A-Za-z][\w .,'()-]*[\w.)]")


def write_sheet(rows: Iterable[SheetRow], path: Path) -> None:
    """Write a sheet that spreadsheet programs open as it is, accents included."""
    write_csv(path, COLUMNS, (row.model_dump() for row in rows))


def read_sheet(path: Path) -> tuple[SheetRow, ...]:
    """Read a sheet back, whichever of comma, semicolon and tab the spreadsheet program put between cells."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such sheet") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(
            f"{path}: not a readable UTF-8 sheet", hint="Save it as `CSV UTF-8`."
        ) from error
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
        return tuple(
            SheetRow.model_validate({name: read_cell(row.get(name)) for name in COLUMNS}) for row in rows
        )
    except (ValidationError, csv.Error) as error:
        hint = f"The first row should name the columns {', '.join(COLUMNS)}."
        raise UnreadableInput(f"{path}: not a review sheet", hint=hint) from error


def stamp_reviews(path: Path, states: Mapping[str, str]) -> None:
    """Put new review states into a graph file, and change not one other character of it.

    Args:
        path: The graph file.
        states: The review state to write, by the key of its relation.
    """
    source = read_source(path)
    text = parse_graph_text(path, source)
    before = GraphFile.model_validate(text.content)
    edits = [
        (*text.span_of(("relations", number, "review")), _render_review_state(states[relation.key]))
        for number, relation in enumerate(before.relations)
        if relation.key in states
    ]
    _write_edited(path, source, edits, _apply_reviews(before, states))


def stamp_evidence(path: Path, evidence: Mapping[str, MinedEvidence]) -> int:
    """Put a corpus's counts beside its relations, in place of older counts of that corpus.

    Return how many relations are no longer merely taught because the counts bear them out.
    """
    source = read_source(path)
    text = parse_graph_text(path, source)
    before = GraphFile.model_validate(text.content)
    after = tuple(_add_evidence(relation, evidence.get(relation.key)) for relation in before.relations)
    edits: list[tuple[int, int, str]] = []
    for number, (was, now) in enumerate(zip(before.relations, after, strict=True)):
        spot = ("relations", number)
        if was.review != now.review:
            edits.append((*text.span_of((*spot, "review")), now.review))
        if was.mined == now.mined:
            continue
        counts = json.dumps([found.model_dump() for found in now.mined], ensure_ascii=False)
        if was.mined:
            edits.append((*text.span_of((*spot, "mined")), counts))
        else:
            start, column, in_braces = text.key_of((*spot, "review"))
            edits.append((start, start, f"mined: {counts}" + (", " if in_braces else "\n" + " " * column)))
    _write_edited(path, source, edits, before.model_copy(update={"relations": after}))
    return sum(was.review != now.review for was, now in zip(before.relations, after, strict=True))


def _add_evidence(relation: Relation, found: MinedEvidence | None) -> Relation:
    if found is None:
        return relation
    others = tuple(old for old in relation.mined if old.corpus != found.corpus)
    is_borne_out = relation.review == "taught" and bears_out(relation, found)
    return relation.model_copy(
        update={"mined": (*others, found), "review": "mined" if is_borne_out else relation.review}
    )


def _write_edited(path: Path, source: str, edits: Iterable[tuple[int, int, str]], wanted: GraphFile) -> None:
    """Write the edited text if it says exactly what is wanted, and nothing otherwise."""
    for start, end, words in sorted(edits, reverse=True):
        source = source[:start] + words + source[end:]
    if GraphFile.model_validate(parse_graph_text(path, source).content) != wanted:
        raise GraphError(f"{path}: the fields could not be edited safely; nothing was written")
    with sealed_file(path) as temporary:
        temporary.write_text(source, encoding="utf-8", newline="")


def _apply_reviews(file: GraphFile, states: Mapping[str, str]) -> GraphFile:
    relations = tuple(
        relation.model_copy(update={"review": states.get(relation.key, relation.review)})
        for relation in file.relations
    )
    return file.model_copy(update={"relations": relations})


def _render_review_state(state: str) -> str:
    return state if PLAIN.fullmatch(state) else json.dumps(state, ensure_ascii=False)
