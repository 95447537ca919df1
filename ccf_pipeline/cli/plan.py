"""ccf-build plan: which counterfactuals would be asked for; no expert is asked and nothing is written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import ASKING, CORPUS, PLAN, AsJson, Given, Quiet, takes_settings
from ccf_pipeline.cli.places import on_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.table import Table

    from ccf_pipeline.records import CostForecast, FindingBalance, PlanView

# Four letters each, so that the whole matrix fits on a hundred columns.
SHORT = {
    "Atelectasis": "Atel",
    "Cardiomegaly": "Card",
    "Consolidation": "Cons",
    "Edema": "Edem",
    "Enlarged Cardiomediastinum": "ECM",
    "Fracture": "Frac",
    "Lung Lesion": "Lesn",
    "Lung Opacity": "Opac",
    "No Finding": "NoFi",
    "Pleural Effusion": "Effu",
    "Pleural Other": "PlOt",
    "Pneumonia": "Pnmo",
    "Pneumothorax": "Pntx",
    "Support Devices": "Devs",
}
NOTHING = "nothing"


@takes_settings(CORPUS, PLAN, ASKING)
def plan(
    given: Given,
    cost: Annotated[
        bool, typer.Option("--cost", help="Estimate calls, tokens, hours and price of asking as well.")
    ] = False,
    tokens_per_second: Annotated[
        float | None,
        typer.Option(
            "--tokens-per-second", min=1, help="What all servers compute and write together, for the hours."
        ),
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="Write the matrix of findings lost and gained to this file.", callback=on_disk
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show what a build would ask for: the funnel, what gives way for what, and examples."""
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine.recheck import view_plan
    from ccf_pipeline.files.disk import write_text

    with progress_bars(quiet=quiet or as_json) as progress:
        view = view_plan(given.load(), progress, with_cost=cost, tokens_per_second=tokens_per_second)
    if csv_file is not None:
        write_text(csv_file, _render_matrix_csv(view))
    if as_json:
        typer.echo(view.model_dump_json())
    else:
        _show_plan(console(quiet=quiet), view)


def _show_plan(screen: Console, view: PlanView) -> None:
    for entry in view.funnel:
        screen.print(f"{entry.count:>8}  {entry.reason}")
    screen.print()
    told = ", ".join(f"{entry.count} {entry.reason}" for entry in view.directions)
    total = sum(entry.count for entry in view.directions)
    screen.print(f"{total:>8}  counterfactuals under the preset {view.preset}: {told or 'none'}")
    quality = "" if view.match_quality is None else f", of quality {view.match_quality:.2f} on average"
    screen.print(f"{view.matched_images:>8}  have a matched image of another patient{quality}")
    screen.print("\nWhat gives way (rows) for what (columns)")
    screen.print(_make_matrix_table(view))
    screen.print("\nGained and lost by finding")
    screen.print(_balance_table(view))
    if view.cost is not None:
        _show_cost(screen, view.cost)
    if view.examples:
        screen.print("\nExamples")
    for example in view.examples:
        screen.print(f"· {example}", soft_wrap=True)


def _show_cost(screen: Console, cost: CostForecast) -> None:
    spend = cost.spend
    screen.print(
        f"\nCost of asking with `{cost.strategy}`, estimated without a tokenizer from"
        f" {cost.looked_at:,} prompts",
        soft_wrap=True,
    )
    also = f", {cost.rewordings:,} factual sides reworded" if cost.rewordings else ""
    screen.print(f"{spend.answers:>14,}  calls: {cost.repairs:,} of them repairs, at one answer in ten{also}")
    screen.print(f"{spend.tokens_in:>14,}  tokens in, {spend.tokens_cached:,} of them in a prefix cache")
    screen.print(f"{spend.tokens_out:>14,}  tokens out")
    if cost.hours is not None:
        screen.print(f"{cost.hours:>14,.1f}  hours at the stated tokens per second")
    if cost.price is not None:
        screen.print(
            f"{cost.price:>14,.2f}  at the prices of \\[prices]; {cost.price_without_cache:,.2f} if the"
            " server caches no prefixes",
            soft_wrap=True,
        )


def _make_matrix_table(view: PlanView) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 0, 0, 1), header_style="bold", pad_edge=False)
    table.add_column("")
    for column in (*SHORT.values(), "none"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, row in _iter_matrix_rows(view):
        table.add_row(name, *(str(count) if count else "·" for count in row))
    return table


def _balance_table(view: PlanView) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("finding", no_wrap=True)
    for column in ("studies", "gained", "lost", "apart"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for entry in view.balance:
        standing = entry.standing if not entry.limit else f"{entry.standing}: {entry.limit}"
        row = (str(entry.studies), str(entry.gained), str(entry.lost), _split_entry(entry))
        table.add_row(entry.finding, *row, standing)
    return table


def _split_entry(entry: FindingBalance) -> str:
    most = max(entry.gained, entry.lost)
    return f"{(entry.gained - entry.lost) / most:+.1%}" if most else "-"


def _iter_matrix_rows(view: PlanView) -> Iterator[tuple[str, list[int]]]:
    """Every finding that may be lost, and nothing, with how often each is gained for it."""
    counts: Counter[tuple[str, str]] = Counter()
    for change in view.changes:
        counts[change.lost, change.target] += change.count
    for lost in (*SHORT, ""):
        yield SHORT.get(lost, NOTHING), [counts[lost, gained] for gained in (*SHORT, "")]


def _render_matrix_csv(view: PlanView) -> str:
    """The matrix with the findings' whole names: lost by row, gained by column."""
    from ccf_pipeline.files.spreadsheets import render_csv

    names = (*SHORT, NOTHING)
    rows = zip(names, _iter_matrix_rows(view), strict=True)
    return render_csv(
        ("lost", *names), ({"lost": name, **dict(zip(names, row, strict=True))} for name, (_, row) in rows)
    )
