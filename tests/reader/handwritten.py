"""Hard sentences written by hand, in other words than those of `generated`; `handwritten.txt` says how."""

from __future__ import annotations

import re
from pathlib import Path

from tests.reader.generated.frames import ABSENT, PRESENT, UNCERTAIN, UNSAID, Case, Expected

_STATES = {"+": PRESENT, "-": ABSENT, "?": UNCERTAIN, "0": UNSAID}
_SIDES = {"L": "left", "R": "right", "B": "bilateral"}
_EXPECTED = re.compile(r"(?P<name>[\w:|]+?)(?P<states>[+\-?0]+)(?:@(?P<side>[LRB]))?(?:/(?P<severity>\w+))?")


def read_handwritten() -> tuple[Case, ...]:
    """Return the sentences of `handwritten.txt`, each under the heading it stands below."""
    names: dict[str, str] = {}
    cases: list[Case] = []
    heading = ""
    for line in Path(__file__).with_name("handwritten.txt").read_text("utf-8").splitlines():
        if line.startswith("#= "):
            _, short, concept = line.split()
            names[short] = concept
        elif line.startswith("# "):
            heading = line.removeprefix("# ")
        else:
            text, _, said = line.partition(" | ")
            cases.append(Case(heading, text, tuple(_expect(part, names) for part in said.split("; "))))
    return tuple(cases)


def _expect(part: str, names: dict[str, str]) -> Expected:
    match = _EXPECTED.fullmatch(part)
    if match is None:
        raise ValueError(f"handwritten.txt: {part} does not say a concept and its states")
    states = tuple(_STATES[sign] for sign in match["states"])
    side = _SIDES.get(match["side"] or "")
    return Expected(names.get(match["name"], match["name"]), states, side, match["severity"])
