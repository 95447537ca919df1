"""The concept graph as an SVG whose lines are as strong as they were used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from html import escape
from itertools import groupby

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.picture import Column, Line, Picture, Spot, picture_of_graph
from ccf_pipeline.quality.figures import RelationUse

ROW, TOP, WIDTH = 15.0, 40.0, 1000.0
EDGES: dict[Column, tuple[float, float]] = {
    "category": (0.0, 0.0),
    "attribute": (10.0, 330.0),
    "finding": (455.0, 635.0),
    "normal": (770.0, 990.0),
}
HEADS: dict[Column, str] = {"attribute": "Attributes", "finding": "Findings", "normal": "Normal states"}


def graph_svg(graph: ConceptGraph, uses: Iterable[RelationUse]) -> str:
    """The whole graph; colours come from the page, so that it follows the theme."""
    picture = _drop_gaps(picture_of_graph(graph))
    used = _count_uses(uses)
    most = max(used.values(), default=0)
    spots = {spot.id: spot for spot in picture.spots if spot.column != "category"}
    lines = [line for line in picture.lines if line.start in spots and line.end in spots]
    lines.sort(key=lambda line: used[frozenset((line.start, line.end))])
    height = TOP + picture.rows * ROW + 10
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img"'
        ' aria-label="Concept graph: attributes, findings and normal states">',
        *(f'<text class="head" x="{EDGES[c][0]:g}" y="18">{name}</text>' for c, name in HEADS.items()),
        *(_render_line(line, spots, used[frozenset((line.start, line.end))], most) for line in lines),
        *(_render_spot(spot) for spot in spots.values()),
        "</svg>",
    ]
    return "".join(drawn)


def _drop_gaps(picture: Picture) -> Picture:
    """Rows drawn close together: the page is for looking at use, not for reading every word."""
    columns = {name: [s for s in picture.spots if s.column == name] for name in HEADS}
    rows = max((len(spots) for spots in columns.values()), default=0)
    spots: list[Spot] = []
    for name, members in columns.items():
        ordered = sorted(members, key=lambda spot: spot.row)
        step = rows / max(1, len(ordered))
        spots += [
            Spot(spot.id, spot.label, name, (number + 0.5) * step, spot.remark)
            for number, spot in enumerate(ordered)
        ]
    return Picture(picture.title, picture.note, tuple(spots), picture.lines, float(rows))


def _count_uses(uses: Iterable[RelationUse]) -> Counter[frozenset[str]]:
    counts: Counter[frozenset[str]] = Counter()
    ordered = sorted(uses, key=lambda use: (use.source, use.target))
    for _, group in groupby(ordered, key=lambda use: (use.source, use.target)):
        for use in group:
            counts[frozenset((use.source, use.target))] += use.count
    return counts


def _render_line(line: Line, spots: dict[str, Spot], count: int, most: int) -> str:
    start, end = spots[line.start], spots[line.end]
    y_a, y_b = (TOP + spot.row * ROW for spot in (start, end))
    a = EDGES[start.column][1]
    if start.column == end.column:
        bulge = a + 12 + 0.12 * abs(y_b - y_a)
        path = f"M{a:g} {y_a:.1f}C{bulge:.1f} {y_a:.1f} {bulge:.1f} {y_b:.1f} {a:g} {y_b:.1f}"
    else:
        b = EDGES[end.column][0]
        bend = (b - a) * 0.45
        path = f"M{a:g} {y_a:.1f}C{a + bend:.1f} {y_a:.1f} {b - bend:.1f} {y_b:.1f} {b:g} {y_b:.1f}"
    share = math.sqrt(count / most) if most else 0.0
    width = 0.6 + 4.4 * share
    kind = f"{line.tone}{'' if count else ' unused'}"
    title = f"{start.label} – {end.label}: used {count} times in the sample"
    return (
        f'<path class="line {kind}" d="{path}" stroke-width="{width:.2f}" data-ends="{escape(start.id)}'
        f' {escape(end.id)}"><title>{escape(title)}</title></path>'
    )


def _render_spot(spot: Spot) -> str:
    left, right = EDGES[spot.column]
    y = TOP + spot.row * ROW
    label = escape(spot.label.replace("\n", " "))
    if spot.column == "finding":
        return (
            f'<g class="spot finding" data-id="{escape(spot.id)}" tabindex="0" role="button"'
            f' aria-pressed="false" aria-label="{label}: show its relations only">'
            f'<rect x="{left:g}" y="{y - 11:.1f}" width="{right - left:g}" height="22" rx="6"/>'
            f'<text x="{(left + right) / 2:g}" y="{y + 4:.1f}" text-anchor="middle">{label}</text></g>'
        )
    at, anchor = (right - 6, "end") if spot.column == "attribute" else (left + 6, "start")
    return (
        f'<text class="spot {spot.column}" data-id="{escape(spot.id)}" x="{at:g}" y="{y + 3.5:.1f}"'
        f' text-anchor="{anchor}">{label}</text>'
    )
