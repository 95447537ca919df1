"""ccf-build doctor: what this machine has, lacks, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ccf_pipeline.cli.machine import Check

MARKS = {"ok": "[green]✓[/]", "absent": "[dim]–[/]", "warning": "[yellow]![/]", "broken": "[red]✗[/]"}


def doctor(
    folder: Annotated[Path, typer.Option(help="The folder you want to build in.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Look at this machine: versions, extras, disk, permissions, Prefect, GPU.

    It exits with 1 if something that is needed is broken; warnings are only told.
    """
    from ccf_pipeline.cli.machine import check_machine, worst

    checks = _add_reader_check(check_machine(folder))
    broken = worst(checks) == "broken"
    if as_json:
        typer.echo(json.dumps({"ok": not broken, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _print_checks(checks)
    if broken:
        raise typer.Exit(1)


def _add_reader_check(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """True if reports are read as they should be, asked where the graph holds together."""
    for position, check in enumerate(checks, 1):
        if (check.name, check.state) == ("concept graph", "ok"):
            return (*checks[:position], _check_reader(), *checks[position:])
    return checks


def _check_reader() -> Check:
    from ccf_pipeline.cli.machine import Check
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.mining.label_corpus import misreadings

    misread = misreadings(load_graph())
    if misread:
        hint = "Install ccf-pipeline again, or undo what was changed in graphs/thoracic.yaml."
        return Check("reader", "broken", f"{len(misread)} misread, first: {misread[0]}", hint)
    return Check("reader", "ok", "reads its golden sentences right")


def _print_checks(checks: tuple[Check, ...]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for check in checks:
        console.print(f"{MARKS[check.state]} {escape(f'{check.name:18}')} {escape(check.found)}")
        if check.hint:
            console.print(f"  [dim]{'':18} {escape(check.hint)}[/]")
    console.print(f"\n{_say_closing(checks)}")


def _say_closing(checks: tuple[Check, ...]) -> str:
    broken = sum(check.state == "broken" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    told = f"{warnings} to look at (!)" if warnings else "nothing to look at"
    return f"[red]{broken} broken (✗)[/], {told}." if broken else f"Nothing is broken, {told}."
