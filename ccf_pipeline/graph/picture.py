"""The graph laid out to be drawn: concepts in four columns, and the lines between them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.model import CORRELATES, Relation, Strength
from ccf_pipeline.graph.words import describe_condition
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES

Column = Literal["category", "attribute", "finding", "normal"]
Tone = Literal["positive", "exclusive", "correlate", "group"]
CATEGORIES = {
    "density": "Density\nanomalies",
    "functional": "Functional and\ndynamic indicators",
    "anatomical": "Anatomical\ndeviations",
    "morphological": "Morphological\nalterations",
}
DEVICES = "group_devices"
GAP_BETWEEN_CATEGORIES = 1.0
PASSES = 12  # of untangling; the order settles well before


@dataclass(frozen=True)
class Spot:
    """A concept in the picture; `row` counts lines of text from the top."""

    id: str
    label: str
    column: Column
    row: float
    remark: str = ""


@dataclass(frozen=True)
class Line:
    """A line between two spots."""

    start: str
    end: str
    tone: Tone
    strength: Strength = "strong"


@dataclass(frozen=True)
class Picture:
    """Spots and lines, with what the caption has to say."""

    title: str
    note: str
    spots: tuple[Spot, ...]
    lines: tuple[Line, ...]
    rows: float


def picture_of_graph(graph: ConceptGraph) -> Picture:
    """The whole graph, thinned until it can be read: the note says what is left out."""
    devices = set(graph.descendants(SUPPORT_DEVICES))
    lines = _draw_attribute_lines(graph, devices)
    lines += _draw_exclusions(graph, {a.id for a in graph.attributes} - devices)
    drawn = {end for line in lines for end in (line.start, line.end)}
    attributes = [a.id for a in graph.attributes if a.id in drawn]
    labels = {a: graph.concept(a).label for a in attributes}
    groups = {a: graph.concept(a).category for a in attributes}
    if devices:
        attributes.append(DEVICES)
        labels[DEVICES] = f"tubes, lines and devices ({len(devices)} concepts)"
        groups[DEVICES] = Counter(graph.concept(d).category for d in sorted(devices)).most_common(1)[0][0]
        lines.append(Line(DEVICES, SUPPORT_DEVICES, "positive"))
    normals = _draw_normal_lines(
        graph, [finding.id for finding in graph.findings if finding.id != NO_FINDING]
    )
    left_out = sum(a.id not in drawn and a.id not in devices for a in graph.attributes)
    note = (
        f"{graph.name} {graph.version}. Left out: correlates, words of time, kinds of findings, "
        f"what No Finding excludes, inherited lines, each device by itself, "
        f"{left_out} attributes without a line."
    )
    findings = [finding.id for finding in graph.findings if finding.id != NO_FINDING]
    return _lay_out(graph, "Concept graph", note, labels, groups, findings, [*lines, *normals], {})


def picture_of_finding(graph: ConceptGraph, finding_id: str) -> Picture:
    """One finding with everything that is related to it, conditions included."""
    finding = graph.concept(finding_id)
    lines, remarks = [], {}
    for relation in graph.relations_of(finding_id):
        other = graph.concept(relation.other(finding_id))
        if other.kind == "attribute":
            lines.append(Line(other.id, finding_id, _choose_tone(relation), relation.strength))
            remarks[other.id] = describe_condition(relation.when)
        elif other.kind == "normal_state":
            lines.append(Line(finding_id, other.id, _choose_tone(relation), relation.strength))
            remarks[other.id] = describe_condition(relation.when)
    shown = [line.start for line in lines if line.end == finding_id]
    lines += _draw_exclusions(graph, set(shown))
    labels = {a: graph.concept(a).label for a in shown}
    groups = {a: graph.concept(a).category for a in shown}
    parents = ", ".join(graph.concept(parent).label for parent in graph.parents(finding_id))
    kind = f" A kind of {parents}." if parents else ""
    note = f"{graph.name} {graph.version}.{kind} Dashed: often seen with, never added because of it."
    return _lay_out(graph, finding.label, note, labels, groups, [finding_id], lines, remarks)


def _choose_tone(relation: Relation) -> Tone:
    return "correlate" if relation.kind in CORRELATES else relation.relation


def _draw_attribute_lines(graph: ConceptGraph, devices: set[str]) -> list[Line]:
    lines = []
    for finding in graph.findings:
        if finding.id == NO_FINDING:
            continue
        for relation in graph.relations_of(finding.id):
            other = graph.concept(relation.other(finding.id))
            if (
                other.kind == "attribute"
                and other.id not in devices
                and _choose_tone(relation) != "correlate"
            ):
                lines.append(Line(other.id, finding.id, relation.relation, relation.strength))
    return lines


def _draw_exclusions(graph: ConceptGraph, attributes: set[str]) -> list[Line]:
    return [
        Line(relation.source, relation.target, "exclusive", relation.strength)
        for relation in graph.file.relations
        if relation.relation == "exclusive"
        and relation.kind != "temporal"
        and {relation.source, relation.target} <= attributes
    ]


def _draw_normal_lines(graph: ConceptGraph, findings: Iterable[str]) -> list[Line]:
    normals = {state.id for state in graph.normal_states}
    return [
        Line(finding, relation.other(finding), relation.relation, relation.strength)
        for finding in findings
        for relation in graph.relations_of(finding)
        if relation.other(finding) in normals and relation.relation == "exclusive"
    ]


def _lay_out(
    graph: ConceptGraph,
    title: str,
    note: str,
    labels: Mapping[str, str],
    groups: Mapping[str, str],
    findings: Sequence[str],
    lines: Sequence[Line],
    remarks: Mapping[str, str],
) -> Picture:
    normals = list(
        dict.fromkeys(line.end for line in lines if line.end not in findings and line.end not in labels)
    )
    attributes = sorted(labels, key=lambda a: list(CATEGORIES).index(groups[a]))
    columns: dict[Column, list[str]] = {"attribute": attributes, "finding": list(findings), "normal": normals}
    rows = _sort_columns(columns, groups, lines)
    height = max((row for row in rows.values()), default=0.0) + 1
    spots = [Spot(a, labels[a], "attribute", rows[a], remarks.get(a, "")) for a in columns["attribute"]]
    spots += [Spot(f, graph.concept(f).label, "finding", rows[f]) for f in columns["finding"]]
    spots += [
        Spot(n, graph.concept(n).label, "normal", rows[n], remarks.get(n, "")) for n in columns["normal"]
    ]
    group_lines = []
    for category, name in CATEGORIES.items():
        members = [a for a in attributes if groups[a] == category]
        if members:
            middle = sum(rows[a] for a in members) / len(members)
            spots.append(Spot(category, name, "category", middle))
            group_lines += [Line(category, a, "group") for a in columns["attribute"] if a in members]
    return Picture(title, note, tuple(spots), (*group_lines, *lines), height)


def _sort_columns(
    columns: dict[Column, list[str]], groups: Mapping[str, str], lines: Sequence[Line]
) -> dict[str, float]:
    """Rows for every spot: each column is ordered by the middle of what it is tied to, over and over."""
    tied: dict[str, list[str]] = {}
    for line in lines:
        tied.setdefault(line.start, []).append(line.end)
        tied.setdefault(line.end, []).append(line.start)
    rows = _compute_rows(columns, groups)
    for _ in range(PASSES):
        for column in ("finding", "normal", "attribute"):
            ends: Mapping[str, Sequence[str]] = {
                spot: [t for t in tied.get(spot, ()) if column != "finding" or t in groups] or [spot]
                for spot in columns[column]
            }
            middles = {spot: sum(rows[t] for t in ends[spot]) / len(ends[spot]) for spot in columns[column]}
            order = list(CATEGORIES)
            columns[column].sort(key=lambda s: (order.index(groups[s]) if s in groups else 0, middles[s], s))
            rows = _compute_rows(columns, groups)
    return rows


def _compute_rows(columns: Mapping[Column, Sequence[str]], groups: Mapping[str, str]) -> dict[str, float]:
    rows: dict[str, float] = {}
    row = 0.0
    previous = None
    for attribute in columns["attribute"]:
        if previous is not None and groups[attribute] != previous:
            row += GAP_BETWEEN_CATEGORIES
        rows[attribute] = row
        row, previous = row + 1, groups[attribute]
    height = max(row, *(1.5 * len(columns[column]) for column in ("finding", "normal")))
    for column in ("finding", "normal"):
        spots = columns[column]
        for number, spot in enumerate(spots):
            rows[spot] = (number + 0.5) * height / len(spots) - 0.5
    return rows
