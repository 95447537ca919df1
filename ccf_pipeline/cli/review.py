"""ccf-build review: a clinician judges pairs in a browser; the judgements flow back into the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.quality.agreement import ReaderStudy
    from ccf_pipeline.quality.figures import Rate


def review(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    name: Annotated[str, typer.Option("--name", help="Who judges; kept with every judgement.")] = "",
    side_by_side: Annotated[
        bool,
        typer.Option(
            "--side-by-side",
            help="Show factual, counterfactual and image together; otherwise one report, and not which.",
        ),
    ] = False,
    pairs: Annotated[int, typer.Option("--pairs", min=1, max=10_000, help="How many to judge.")] = 100,
    seed: Annotated[
        int, typer.Option("--seed", help="Readers who give the same seed see the same pairs.")
    ] = 7,
    port: Annotated[int, typer.Option("--port", help="A port of this machine; a free one otherwise.")] = 0,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page at once.")] = True,
    results: Annotated[
        bool, typer.Option("--results", help="Print what all readers said so far, and how far they agree.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Judge pairs in a browser on this machine: plausible, implausible or unsure, by keyboard.

    Every judgement is on the disk before the next report is shown. Ctrl-C ends it; the same command goes on.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.quality.review.session import review as serve
    from ccf_pipeline.quality.review.session import study

    if results:
        figures = study(build)
        if as_json:
            typer.echo(figures.model_dump_json())
        else:
            _show_readers(console(quiet=quiet), figures)
        return
    if not name:
        raise SettingsError("--name: say who judges", hint='For example: --name "A. Reader".')
    screen = console(quiet=quiet)

    def tell(address: str) -> None:
        typer.echo(address)
        screen.print("Open this address on this machine. Ctrl-C here ends the review.")

    with progress_bars(quiet=quiet) as progress:
        judged = serve(
            build,
            name,
            mode="side_by_side" if side_by_side else "blind",
            pairs=pairs,
            seed=seed,
            port=port,
            tell=tell,
            open_browser=open_browser,
            progress=progress,
        )
    screen.print(f"judged     {judged} by {name}; see all with: ccf-build review {build} --results")


def _show_readers(screen: Console, figures: ReaderStudy) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("judged", "plausible", "95 % interval", "implausible", "unsure"):
        table.add_column(column)
    for row in figures.rows:
        interval = f"{_format_plain_share(row.plausible.low)} to {_format_plain_share(row.plausible.high)}"
        counted = f"{row.plausible.hits} of {row.plausible.of} ({_format_plain_share(row.plausible.share)})"
        table.add_row(row.what, counted, interval, str(row.implausible), str(row.unsure))
    screen.print(table)
    for one in figures.agreements:
        kappa = "not defined" if one.kappa is None else f"{one.kappa:.2f}"
        screen.print(
            f"{one.readers[0]} and {one.readers[1]}: both judged {one.both_judged},"
            f" same {_format_share(one.same)}, Cohen's kappa {kappa}",
            markup=False,
        )
    if figures.kappa_of_all is not None and len(figures.readers) > 2:
        screen.print(f"all readers: Fleiss' kappa {figures.kappa_of_all:.2f}")
    for reason in figures.reasons:
        screen.print(f"{reason.count:>6}  {reason.reason}", markup=False)


def _format_plain_share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _format_share(one: Rate) -> str:
    return f"{one.hits} ({_format_plain_share(one.share)})"
