"""ccf-build wipe: remove a build with everything it left on this machine or in its bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.errors import SettingsError

OUT_OF_REACH = (
    "backups and snapshots of the disk or the bucket, earlier versions that a bucket keeps",
    "blocks that a disk has freed and not overwritten: only its encryption helps there",
    "scratch folders of other machines, and what was copied, exported, shared or pushed",
    "what a model server kept of the reports that audit.jsonl said it was sent",
    "the corpus itself; Prefect's database and log files, which hold ids and counts, no text",
)


def wipe(
    build: Annotated[Path, typer.Argument(help="The build folder, or s3://BUCKET/PREFIX.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove it; nothing is asked.")] = False,
    scratch: Annotated[
        Path | None, typer.Option("--scratch", help="The scratch folder, if a build in a store had its own.")
    ] = None,
) -> None:
    """Remove a build for good: journal, plan, shards, data set, previews, scratch; answers are lost.

    It says what it removed and what it cannot reach.
    """
    from ccf_pipeline.engine.place import open_place

    if not yes and not typer.confirm(f"Remove {build} with every answer that was paid for?"):
        raise SettingsError(f"{build}: was not removed", hint="Give --yes to remove it.")
    for removed in open_place(build).wipe(scratch):
        typer.echo(f"removed        {removed}")
    for place in OUT_OF_REACH:
        typer.echo(f"out of reach   {place}")
