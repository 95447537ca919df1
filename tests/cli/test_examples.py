"""Every command has examples below its help, and each of them is a command line that parses."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from ccf_pipeline.cli.app import app
from ccf_pipeline.cli.examples import EXAMPLES


@pytest.fixture(scope="module")
def program() -> TyperGroup:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return group


def names_of(group: TyperGroup, prefix: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from names_of(command, f"{prefix}{name} ")
        elif not command.hidden:
            yield prefix + name


def test_every_command_has_examples(program: TyperGroup) -> None:
    assert set(names_of(program)) == set(EXAMPLES)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_is_a_command_line(program: TyperGroup, line: str) -> None:
    words = shlex.split(line)

    assert words.pop(0) == "ccf-build"
    command: Any = program
    while isinstance(command, TyperGroup):
        command = command.commands[words.pop(0)]
    # Parsed, not run: what it names need not be there.
    context = command.make_context(command.name, words)
    assert context.params
