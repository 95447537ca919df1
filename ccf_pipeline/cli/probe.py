"""ccf-build probe: does a small scorer that learns from the pairs look at the film?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet

if TYPE_CHECKING:
    from rich.table import Table

    from ccf_pipeline.quality.probe.run import Probe


def probe(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build with images.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="So many scorers for each arm.")] = 1,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often each pair is seen.")] = 6,
    pairs: Annotated[int, typer.Option("--pairs", min=100, help="At most so many pairs.")] = 8_000,
    demo_seed: Annotated[
        int, typer.Option("--demo-seed", help="The seed of a demo corpus: its films are drawn with it.")
    ] = 7,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a small scorer of films and reports on a build's pairs, and show what it gets right.

    On the CPU, in minutes; needs the extra `probe`. Writes probe.json into the build folder.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.quality.probe.run import probe_build

    with progress_bars(quiet=quiet or as_json) as progress:
        found = probe_build(
            build,
            seeds=tuple(range(seeds)),
            epochs=epochs,
            most=pairs,
            demo_seed=demo_seed,
            graph_path=graph,
            progress=progress,
        )
    if as_json:
        typer.echo(found.model_dump_json())
        return
    console(quiet=quiet).print(_make_table(found))


def _make_table(found: Probe) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("arm", "seed", "own film", "shuffled", "blank", "matched", "both", "against"):
        table.add_column(heading, justify="left" if heading == "arm" else "right")
    for one in found.arms:
        shares = (one.own_film, one.shuffled_film, one.blank_film, one.matched_film, one.both, one.against)
        table.add_row(one.arm, str(one.seed), *("–" if share is None else f"{share:.3f}" for share in shares))
    return table
