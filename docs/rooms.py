"""Draw the rooms of the package and the imports between them: `make docs` writes docs/rooms.svg."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "ccf_pipeline"
FLOORS = (
    ("cli",),
    ("sharing", "quality", "mining"),
    ("engine",),
    ("datasets",),
    ("experts",),
    ("corpora", "demo"),
    ("counterfactual",),
    ("reader",),
    ("graph",),
    ("records",),
    ("files",),
)
WIDTH, HEIGHT, LEFT, TOP, STEP_X, STEP_Y = 150, 34, 20, 20, 180, 62


def count_imports() -> Counter[tuple[str, str]]:
    """Count the imports from room to room."""
    arrows: Counter[tuple[str, str]] = Counter()
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ccf_pipeline."):
                other = str(node.module).split(".")[1]
                if other != room:
                    arrows[room, other] += 1
    return arrows


def draw() -> str:
    """Return the picture: a room is a box, an arrow an import, thicker where there are more."""
    arrows = count_imports()
    places = {
        room: (LEFT + STEP_X * column, TOP + STEP_Y * row)
        for row, floor in enumerate(FLOORS)
        for column, room in enumerate(floor)
    }
    height = TOP + STEP_Y * len(FLOORS)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {height}" font-family="sans-serif"'
        ' font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for (room, other), count in sorted(arrows.items()):
        # Every room stands on records and files; those arrows would hide the others.
        if room in places and other in places and other not in ("records", "files") and count > 2:
            (x1, y1), (x2, y2) = places[room], places[other]
            # An arrow leaves a room at the bottom and arrives at the top; long ones bend to the right.
            floors = (y2 - y1) // STEP_Y
            bend = max(x1, x2) + WIDTH + 34 * (floors - 1)
            start, end = f"{x1 + 110} {y1 + HEIGHT}", f"{x2 + 110} {y2}"
            path = (
                f"M {start} C {bend} {y1 + HEIGHT + 20} {bend} {y2 - 20} {end}"
                if floors > 1
                else f"M {start} L {end}"
            )
            parts.append(
                f'<path d="{path}" fill="none" stroke="#7a8ca0" stroke-opacity="0.55"'
                f' stroke-width="{1 if count < 10 else 2 if count < 30 else 3.5}"/>'
            )
    for room, (x, y) in places.items():
        parts.append(
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="#eef3f8"'
            ' stroke="#34506b"/>'
        )
        parts.append(f'<text x="{x + 10}" y="{y + 22}" fill="#14202c">{room}</text>')
    return "\n".join((*parts, "</svg>\n"))


if __name__ == "__main__":
    (Path(__file__).parent / "rooms.svg").write_text(draw(), encoding="utf-8")
