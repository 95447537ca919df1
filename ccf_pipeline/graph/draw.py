"""The graph's pictures: columns of concepts, green lines for what goes together, red for what excludes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccf_pipeline.errors import MissingExtra
from ccf_pipeline.files.disk import sealed_file
from ccf_pipeline.files.installed import install_command
from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.picture import Column, Line, Picture, Spot, picture_of_finding, picture_of_graph

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TOP = 1.25  # inches above the first row
ROW, ROW_WITH_REMARK = 0.24, 0.38  # inches from line to line
# Where each column's text stands, in inches: its left edge and its right edge.
EDGES: dict[Column, tuple[float, float]] = {
    "category": (0.2, 1.65),
    "attribute": (2.6, 6.0),
    "finding": (9.2, 11.4),
    "normal": (13.6, 16.8),
}
WIDTH = 17.0
LONGEST_REMARK = 62
HEADS: dict[Column, str] = {
    "category": "Category",
    "attribute": "Attribute",
    "finding": "Finding",
    "normal": "Normal state",
}
COLOURS = {"positive": "#1b7f3b", "exclusive": "#c62828", "correlate": "#6aa57c", "group": "#b8bec6"}
# Neighbouring findings take turns, so that an eye can follow a line through a bundle.
GREENS = ("#1b7f3b", "#00695c", "#7cb342", "#33691e", "#26a69a")
WIDTHS = {"strong": 1.6, "moderate": 1.0, "weak": 0.6}


def draw_graph(graph: ConceptGraph, out: Path) -> None:
    """Draw the whole graph into an SVG or PNG file."""
    _draw(picture_of_graph(graph), graph.digest, out)


def draw_finding(graph: ConceptGraph, finding_id: str, out: Path) -> None:
    """Draw one finding and everything related to it into an SVG or PNG file."""
    _draw(picture_of_finding(graph, finding_id), graph.digest, out)


def _draw(picture: Picture, digest: str, out: Path) -> None:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra(
            "drawing needs matplotlib, which is not installed",
            hint=f"Install it with: {install_command('draw')}",
        ) from error
    # Text stays text, so that the picture can be searched; a fixed salt keeps its bytes the same.
    style: Any = {"svg.fonttype": "none", "svg.hashsalt": "ccf_pipeline", "font.family": "DejaVu Sans"}
    with matplotlib.rc_context(style):
        row = ROW_WITH_REMARK if any(spot.remark for spot in picture.spots) else ROW
        height = TOP + picture.rows * row + 0.3
        figure = Figure(figsize=(WIDTH, height), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, WIDTH), ylim=(height, 0))
        axes.axis("off")
        _draw_frame(axes, picture, height)
        spots = {spot.id: (spot, TOP + spot.row * row) for spot in picture.spots}
        shades = _choose_shades(picture)
        for line in picture.lines:
            _draw_line(axes, line, spots, shades.get(line.end, COLOURS["positive"]))
        for spot, y in spots.values():
            _draw_spot(axes, spot, y)
        _save(figure, digest, out)


def _save(figure: Any, digest: str, out: Path) -> None:
    form = out.suffix.lstrip(".")
    metadata = {
        "svg": {"Date": None, "Creator": "ccf-build graph render", "Description": f"graph digest {digest}"},
        "png": {"Software": "ccf-build graph render", "Description": f"graph digest {digest}"},
    }[form]
    with sealed_file(out) as temporary:
        figure.savefig(temporary, format=form, dpi=110, metadata=metadata)


def _draw_frame(axes: Axes, picture: Picture, height: float) -> None:
    axes.text(0.2, 0.35, picture.title, fontsize=15, weight="bold", va="center")
    axes.text(0.2, height - 0.22, picture.note, fontsize=7.5, color="#555555", va="center")
    for x, tone, words in ((8.6, "positive", "goes together"), (10.9, "exclusive", "cannot stand together")):
        axes.plot([x, x + 0.5], [0.35, 0.35], color=COLOURS[tone], linewidth=2)
        axes.text(x + 0.6, 0.35, words, fontsize=9, va="center")
    axes.text(13.6, 0.35, "the thicker, the stronger", fontsize=9, va="center", color="#555555")
    present = {spot.column for spot in picture.spots}
    for column, (left, _) in EDGES.items():
        if column in present:
            axes.text(left, 0.85, HEADS[column], fontsize=10, weight="bold", va="center", color="#444444")


def _choose_shades(picture: Picture) -> dict[str, str]:
    findings = sorted((spot for spot in picture.spots if spot.column == "finding"), key=lambda spot: spot.row)
    return {spot.id: GREENS[number % len(GREENS)] for number, spot in enumerate(findings)}


def _draw_spot(axes: Axes, spot: Spot, y: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    left, right = EDGES[spot.column]
    if spot.column == "finding":
        box = FancyBboxPatch(
            (left, y - 0.15),
            right - left,
            0.3,
            boxstyle="round,pad=0,rounding_size=0.08",
            facecolor="#eef3fb",
            edgecolor="#5b7db1",
            linewidth=0.8,
            zorder=2,
        )
        axes.add_patch(box)
        axes.text((left + right) / 2, y, spot.label, fontsize=9, ha="center", va="center")
        return
    weight = "bold" if spot.column == "category" else "normal"
    if spot.column == "attribute":
        axes.plot([left, right], [y, y], color="#e3e6ea", linewidth=0.6, zorder=0)
    paper = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    axes.text(left, y, spot.label, fontsize=8.5, va="center", weight=weight, bbox=paper)
    if spot.remark:
        remark = (
            spot.remark if len(spot.remark) <= LONGEST_REMARK else spot.remark[: LONGEST_REMARK - 1] + "…"
        )
        axes.text(left + 0.12, y + 0.16, remark, fontsize=6.5, va="center", color="#777777", style="italic")


def _draw_line(axes: Axes, line: Line, spots: dict[str, tuple[Spot, float]], green: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path as Curve

    (start, y_a), (end, y_b) = spots[line.start], spots[line.end]
    a = EDGES[start.column][1]
    if start.column == end.column:
        bulge = a + 0.25 + 0.07 * abs(y_b - y_a)
        points = [(a, y_a), (bulge, y_a), (bulge, y_b), (a, y_b)]
    else:
        b = EDGES[end.column][0]
        bend = (b - a) * 0.45
        points = [(a, y_a), (a + bend, y_a), (b - bend, y_b), (b, y_b)]
    curve = PathPatch(
        Curve(points, [Curve.MOVETO, Curve.CURVE4, Curve.CURVE4, Curve.CURVE4]),
        fill=False,
        edgecolor=green if line.tone == "positive" else COLOURS[line.tone],
        linewidth=0.7 if line.tone == "group" else WIDTHS[line.strength],
        linestyle="--" if line.tone == "correlate" else "-",
        alpha=0.75,
        zorder=1,
    )
    axes.add_patch(curve)
