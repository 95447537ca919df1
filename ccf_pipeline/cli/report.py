"""ccf-build report: a page that shows a data set, or as much of it as is built."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import Quiet
from ccf_pipeline.cli.places import on_disk


def report(
    build: Annotated[
        Path, typer.Argument(help="A build folder; of an unfinished build, what is sealed so far.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the page here; into the build otherwise.", callback=on_disk),
    ] = None,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed shows the same pairs.")] = 7,
    quiet: Quiet = False,
) -> None:
    """Write report.html: funnel, gates, artefacts, graph, and pairs to look through.

    One file, no network; it holds report text, so it is for those who may see the build.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.quality.measure_build import write_report

    with progress_bars(quiet=quiet) as progress:
        path = write_report(build, out, graph_path=graph, seed=seed, progress=progress)
    console(quiet=quiet).print(f"report     {path}", soft_wrap=True)
