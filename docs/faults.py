"""Collect what tests show of faults: `@pytest.mark.shows(fault, what happens)` makes a row of the table."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("faults", "engine", "experts", "cli")


def format_table() -> str:
    """Return the table of faults: each kind, what happens, and the test that shows it."""
    rows = [f"| {fault} | {happens} | `{test}` |" for fault, happens, test in _list_shown()]
    return "\n".join(["| fault | what happens | shown by |", "|---|---|---|", *rows])


def _list_shown() -> Iterator[tuple[str, str, str]]:
    for folder in FOLDERS:
        for path in sorted((ROOT / "tests" / folder).rglob("test_*.py")):
            text = path.read_text(encoding="utf-8")
            if "mark.shows(" not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    for fault, happens in map(_read_mark, node.decorator_list):
                        if fault:
                            yield fault, happens, f"{path.relative_to(ROOT / 'tests')}::{node.name}"


def _read_mark(decorator: ast.expr) -> tuple[str, str]:
    if not isinstance(decorator, ast.Call) or not ast.unparse(decorator.func).endswith("mark.shows"):
        return "", ""
    fault, happens = map(ast.literal_eval, decorator.args)
    return fault, happens
