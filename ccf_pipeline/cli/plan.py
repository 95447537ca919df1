"""ccf-build plan: which counterfactuals would be asked for; no expert is asked and nothing is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccf_pipeline.cli.run import AsJson, Quiet, corpus_flags

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.records import PlanView


def plan(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A build.toml; ./build.toml if it is there.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr.")
    ] = None,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    per_study: Annotated[int | None, typer.Option("--per-study", help="Counterfactuals per study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same plans.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Read only the first so many studies.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show what a build would ask for: the funnel, what gives way for what, and examples."""
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.rechecking import view_plan
    from ccf_pipeline.settings import load_settings

    flags: dict[str, Any] = {
        "graph": graph,
        "corpus": {**corpus_flags(corpus), "limit": limit},
        "plan": {"per_study": per_study, "seed": seed},
    }
    with progress_bars(quiet=quiet or as_json) as progress:
        view = view_plan(load_settings(config, flags), progress)
    if as_json:
        typer.echo(view.model_dump_json())
    else:
        _show(console(quiet=quiet), view)


def _show(screen: Console, view: PlanView) -> None:
    from rich.table import Table

    for entry in view.funnel:
        screen.print(f"{entry.count:>8}  {entry.reason}")
    gained: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for change in view.changes:
        if change.direction != "remove":
            gained[change.target] += change.count
        for finding in (change.target if change.direction == "remove" else change.lost,):
            lost[finding] += change.count
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("finding", "gained", "lost", "most often in place of"):
        table.add_column(column)
    for finding in sorted({*gained, *lost} - {""}):
        given = Counter({c.lost: c.count for c in view.changes if c.target == finding and c.lost})
        told = ", ".join(f"{name} {count}" for name, count in given.most_common(3))
        table.add_row(finding, str(gained[finding]), str(lost[finding]), told)
    screen.print()
    screen.print(table)
    screen.print()
    for example in view.examples:
        screen.print(f"· {example}", soft_wrap=True)
