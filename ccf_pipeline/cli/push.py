"""ccf-build push: one level of a build to a private, gated data set on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.cli.share import Level, Permission, show_files, show_scan


def push(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    repository: Annotated[str, typer.Argument(help="NAMESPACE/NAME on the Hub.")],
    level: Level = "L0",
    permission: Permission = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and what the scan finds; speak to nobody.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="The https address of another Hub than huggingface.co."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Push a build to the Hub: private and gated, or not at all; the same command goes on after a stop.

    The token is that of `hf auth login` or HF_TOKEN; changes that others made are never overwritten.
    HF_ENDPOINT is not used.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.sharing import publish as publishing

    with progress_bars(quiet=quiet or as_json) as progress:
        summary = publishing.push(
            build,
            repository,
            level=level,
            permission=permission,
            dry_run=dry_run,
            endpoint=endpoint,
            progress=progress,
        )
    if as_json:
        typer.echo(summary.model_dump_json())
    else:
        screen = console(quiet=quiet)
        place = f"{repository} at {summary.endpoint}"
        show_files(screen, summary.files)
        screen.print()
        show_scan(screen, summary.scan)
        if dry_run:
            screen.print(f"dry run    nothing was sent to {place}; level {level}, private and gated")
        else:
            screen.print(f"sent       {summary.uploaded} files, {summary.unchanged} were there already")
            screen.print(
                f"pushed     {place}, commit {summary.commit[:12]}, level {level}, private and gated"
            )
    publishing.require_clean(summary)
