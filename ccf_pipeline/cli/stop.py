"""ccf-build stop: ask whoever builds to take in what is under way, and stop."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.errors import Unfinished


def stop(
    build: Annotated[Path, typer.Argument(help="The build folder, or s3://BUCKET/PREFIX.")] = Path("build"),
    wait: Annotated[float, typer.Option("--wait", min=0, help="Wait so many seconds for it to end.")] = 0.0,
) -> None:
    """Ask a running build to stop: what is under way is still taken in, and the next run goes on.

    Whoever builds sees it before the next question, be it the command line or a Prefect worker, here or on
    another machine.
    """
    from ccf_pipeline.engine.place import open_place

    place = open_place(build)
    holders = place.ask_to_stop()
    if not holders:
        typer.echo(f"{place.name}: nobody works on it")
        return
    for holder in holders:
        typer.echo(f"{place.name}: process {holder.pid} on {holder.host} was asked to stop")
    until = time.monotonic() + wait
    while wait and place.is_held():
        if time.monotonic() > until:
            raise Unfinished(
                f"{place.name}: is still held", hint="Answers under way may take a while; ask again."
            )
        time.sleep(0.1)
