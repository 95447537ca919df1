"""The docs keep our word: every command is there as it is, and what the pages name exists."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ccf_pipeline.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "schemas").glob("*.md")])


def commands(command: Any, words: tuple[str, ...] = ("ccf-build",)) -> Iterator[tuple[str, Any]]:
    yield " ".join(words), command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


ALL_COMMANDS = dict(commands(get_command(app)))


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    headings = re.findall(r"^#+ (ccf-build.*)$", (ROOT / "docs" / "cli.md").read_text("utf-8"), re.MULTILINE)

    assert name in headings, "run `make docs`"


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    command = ALL_COMMANDS[name]

    assert command.help
    silent = [option.name for option in command.params if not getattr(option, "help", "said")]
    assert silent == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd",
    [
        {"COLUMNS": "40", "FORCE_COLOR": "1", "LC_ALL": "C", "GITHUB_ACTIONS": "1"},
        {},
    ],
)
def test_what_is_pasted_in_is_current_on_every_terminal(odd: dict[str, str]) -> None:
    pasted = [str(page) for page in PAGES if "[[[cog" in page.read_text("utf-8")]

    outcome = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "-I", str(ROOT), *pasted],
        env={**os.environ, **odd},
        capture_output=True,
        text=True,
        check=False,
    )

    assert outcome.returncode == 0, f"run `make docs`: {outcome.stdout}{outcome.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8"))

    lost = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert lost == []


def test_every_module_that_is_named_is_there() -> None:
    """Renaming a file forgets the pages and docstrings that name it."""
    code = [path for folder in ("ccf_pipeline", "flows") for path in (ROOT / folder).rglob("*.py")]
    there = {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]

    named = {
        (name, path.relative_to(ROOT).as_posix())
        for path in (*code, *pages)
        for name in re.findall(r"\b[a-z]\w*\.py\b", path.read_text(encoding="utf-8"))
    }

    assert len(named) > 50
    assert sorted((name, where) for name, where in named if name not in there) == []


def test_every_verb_of_the_makefile_is_explained() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    (declared,) = re.findall(r"^\.PHONY: (.+)$", text, re.MULTILINE)

    assert set(re.findall(r"^([a-z-]+):.*## .+$", text, re.MULTILINE)) == set(declared.split())
