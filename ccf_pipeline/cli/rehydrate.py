"""ccf-build rehydrate: a share and one's own copy of the corpus → the data set again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet, corpus_flags
from ccf_pipeline.cli.places import on_disk


def rehydrate(
    shared: Annotated[Path, typer.Argument(help="A share of level L0 or L1.")],
    corpus: Annotated[
        str,
        typer.Option("--corpus", help="KIND:PATH of your copy of the reports, e.g. mimic:/data/mimic-cxr."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the data set goes; a new folder.", callback=on_disk)
    ],
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the images, where it is another one.")
    ] = None,
    graph: Annotated[
        Path | None,
        typer.Option("--graph", help="The concept graph of an L0 share, if it is not the default."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make the texts of a share again from your own copy of the corpus, each row verified.

    A row whose report is missing or another version is left out and listed with its reason in missing.jsonl;
    the exit code is then 1. L0 is built again, which only the expert `rules` can do.
    """
    from ccf_pipeline.cli.showing import console, progress_bars, reasons
    from ccf_pipeline.settings import load_settings
    from ccf_pipeline.sharing import rehydrate as rehydrating

    flags = {"corpus": {**corpus_flags(corpus), "images": images}}
    settings = load_settings(None, flags).corpus
    with progress_bars(quiet=quiet or as_json) as progress:
        summary = rehydrating.rehydrate(shared, settings, out, graph=graph, progress=progress)
    if as_json:
        typer.echo(summary.model_dump_json())
    else:
        screen = console(quiet=quiet)
        screen.print(f"shared     {summary.shared:,} pairs, level {summary.level}")
        screen.print(f"rebuilt    {summary.rebuilt:,}")
        if summary.missing:
            screen.print(f"[red]missing[/red]    {reasons(summary.missing)}", soft_wrap=True)
        for remark in summary.remarks:
            screen.print(f"note       {remark}")
        screen.print("configs    " + ", ".join(f"{config} {rows:,}" for config, rows in summary.configs))
        screen.print(f"data set   {out}", soft_wrap=True)
    rehydrating.require_all(summary, out)
