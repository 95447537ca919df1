"""The modules of the reader import one way."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import ccf_pipeline.reader

_ROOM = Path(ccf_pipeline.reader.__file__).parent


def test_no_module_of_the_reader_imports_itself_by_way_of_others() -> None:
    imports = {path.stem: _imported(path) for path in _ROOM.glob("*.py") if path.stem != "__init__"}

    order = list(TopologicalSorter(imports).static_order())

    assert order.index("entries") < order.index("walk") < order.index("cues") < order.index("lexicon")


def _imported(path: Path) -> set[str]:
    """Return the modules of the reader that a module names, in functions and for its types too."""
    found = [
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)
    ]
    prefix = f"{ccf_pipeline.reader.__name__}."
    return {node.module.removeprefix(prefix) for node in found if (node.module or "").startswith(prefix)}
