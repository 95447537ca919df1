"""ccf-build recover: bring Prefect runs that a killed worker left behind to an end."""

from __future__ import annotations

from typing import Annotated

import typer


def recover(
    run: Annotated[
        list[str] | None,
        typer.Option("--run", help="The id of a run that is lost for sure, e.g. with its machine."),
    ] = None,
) -> None:
    """Mark Prefect runs whose process was killed as crashed, so that they can be run again.

    A worker that is killed leaves its runs "Running" for ever. Runs of a process that died on this machine
    are found; those of other machines have to be named.
    """
    from ccf_pipeline.engine.prefect_runs import end_lost_runs

    ended = end_lost_runs(run or ())
    for lost in ended:
        typer.echo(f"{lost.run_id} {lost.name}: crashed; run it again and it goes on")
    if not ended:
        typer.echo("No run has lost its process on this machine.")
