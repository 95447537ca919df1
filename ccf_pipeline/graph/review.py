"""A radiologist's review of relations: the sheet that is sent out, and the decisions that come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.model import GraphFile, Relation
from ccf_pipeline.graph.proofs import BACKINGS
from ccf_pipeline.graph.words import describe_condition
from ccf_pipeline.records import Noun

AGREEING = frozenset({"agree", "agreed", "yes", "y", "ok", "correct"})
OBJECTING = frozenset({"change", "disagree", "no", "n", "wrong", "unsure"})


class SheetRow(Noun):
    """One relation as a radiologist reads it; `decision` and `comment` are theirs to fill in."""

    relation: str
    statement: str
    kind: str
    strength: str
    when: str
    why: str
    sources: str
    review: str
    decision: str
    comment: str
    digest: str


@dataclass(frozen=True)
class Decisions:
    """The decisions of a review: relations agreed with, and rows that ask for a change."""

    agreed: tuple[str, ...]
    objections: tuple[SheetRow, ...]


def make_sheet(graph: ConceptGraph, *, reviewed_too: bool = False) -> tuple[SheetRow, ...]:
    """A row for each relation that nobody has reviewed, those resting on common teaching first."""
    backing = graph.proofs.backing
    wanted = [r for r in graph.file.relations if reviewed_too or backing(r) != "reviewed"]
    wanted.sort(key=lambda relation: BACKINGS[::-1].index(backing(relation)))
    return tuple(_make_sheet_row(graph, relation) for relation in wanted)


def read_decisions(file: GraphFile, rows: Iterable[SheetRow]) -> Decisions:
    """The decisions of a sheet; refused as a whole where they do not fit the graph or each other."""
    relations = {relation.key: relation for relation in file.relations}
    decided: dict[str, SheetRow] = {}
    problems = []
    for number, row in enumerate(rows, start=2):  # row 1 of the sheet is its heading
        if not row.decision.strip():
            continue
        problem = _find_conflict(row, relations.get(row.relation), decided)
        if problem:
            problems.append(f"row {number}: {problem}")
        decided[row.relation] = row
    if problems:
        raise GraphError(
            "the sheet does not fit the graph\n" + "\n".join(problems),
            hint="Nothing was written. Correct these rows, or write a fresh sheet for them.",
        )
    agreed = tuple(key for key, row in decided.items() if _read_decision(row) in AGREEING)
    return Decisions(agreed, tuple(row for row in decided.values() if _read_decision(row) in OBJECTING))


def digest_of_relation(relation: Relation) -> str:
    """Return what a decision was about; the review state is no part of it, so several may review in turn."""
    content = relation.model_dump_json(exclude={"review", "mined"}, exclude_defaults=True)
    # The leading letter keeps spreadsheets from reading it as a number.
    return "r" + hashlib.sha256(" ".join(content.split()).encode()).hexdigest()[:12]


def _make_sheet_row(graph: ConceptGraph, relation: Relation) -> SheetRow:
    a, b = graph.concept(relation.source).label, graph.concept(relation.target).label
    place = "in the same region" if relation.scope == "same_region" else "anywhere"
    verb = "goes with" if relation.relation == "positive" else "cannot stand beside"
    return SheetRow(
        relation=relation.key,
        statement=f"{a} — {verb} — {b} ({place})",
        kind=relation.kind,
        strength=relation.strength,
        when=describe_condition(relation.when),
        why=relation.why,
        sources="; ".join(graph.file.sources[key].title for key in relation.sources),
        review=relation.review,
        decision="",
        comment="",
        digest=digest_of_relation(relation),
    )


def _read_decision(row: SheetRow) -> str:
    return row.decision.strip().lower()


def _find_conflict(row: SheetRow, relation: Relation | None, decided: dict[str, SheetRow]) -> str:
    if relation is None:
        return f"`{row.relation}` is not a relation of the graph"
    if row.relation in decided:
        return f"`{row.relation}` is decided twice"
    if row.digest != digest_of_relation(relation):
        return f"`{row.relation}` has changed since the sheet was written"
    if _read_decision(row) not in AGREEING | OBJECTING:
        return f"`{row.decision}` is no decision; write `agree` or `change`"
    return ""
