"""ccf-build prompts: writes the prompts that wait for an answer, for somebody else to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import ASKING, CORPUS, PLAN, AsJson, Given, Quiet, takes_settings
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError


@takes_settings(CORPUS, PLAN, ASKING)
def prompts(
    given: Given,
    build: Annotated[
        Path | None, typer.Argument(help="A build that was begun: its plan and its settings are taken.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the prompts go, as JSON lines.", callback=on_disk)
    ] = Path("prompts.jsonl"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the prompts that nobody answered yet, one per line.

    Put a `text` into each line and give the file to `ccf-build run --expert scripted --recorded FILE` with
    the same settings; or here again, to get the prompts of the next attempt: one for each refused answer.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine.write_prompts import collect_prompts

    if build is not None:
        if given.said("corpus.path") is not None or given.config is not None:
            raise SettingsError(
                "a build and a corpus are named", hint="Name one: a build has its corpus and settings."
            )
        from ccf_pipeline.engine.recheck import settings_of_build

        settings = settings_of_build(build, given.said("graph"), given.said("expert.recorded"))
    else:
        settings = given.load(expert={"kind": "scripted"})
    with progress_bars(quiet=quiet or as_json) as progress:
        summary = collect_prompts(settings, out, begun=build, progress=progress)
    if as_json:
        typer.echo(summary.model_dump_json())
        return
    screen = console(quiet=quiet)
    screen.print(f"{summary.waiting:>8}  prompts wait in {out}", soft_wrap=True)
    if summary.accepted or summary.refused:
        screen.print(f"{summary.accepted:>8}  rows accepted, {summary.refused} refused for good")
