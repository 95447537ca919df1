"""ccf-build select: leave out the pairs whose forged side a reader of words alone tells best."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet

if TYPE_CHECKING:
    from rich.table import Table

    from ccf_pipeline.datasets.adversarial import Selected


def select(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    keep: Annotated[
        float,
        typer.Option(
            "--keep", min=0.1, max=1.0, help="At least this share of all pairs stays, and half of each kind."
        ),
    ] = 0.67,
    seed: Annotated[int, typer.Option("--seed", help="The same seed selects the same pairs.")] = 7,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Select pairs by adversarial rounds within each kind of change, and show what that brings.

    Writes selection.json into the build folder; `ccf-build export --selected` writes the pairs that stay.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine.export import open_finished
    from ccf_pipeline.engine.select_pairs import select_pairs
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.reader import Lexicon

    with progress_bars(quiet=quiet or as_json) as progress:
        folder, plan, _ = open_finished(build)
        lexicon = Lexicon.from_graph(load_graph(graph).file)
        selected = select_pairs(folder, plan.shards, lexicon, keep=keep, seed=seed, progress=progress)
    if as_json:
        typer.echo(selected.model_dump_json())
        return
    screen = console(quiet=quiet)
    screen.print(_draw_table(selected))
    left = selected.pairs - len(selected.dropped)
    screen.print(f"kept       {left} of {selected.pairs} pairs after {selected.rounds} rounds")


def _draw_table(selected: Selected) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    headings = ("kind", "pairs", "kept", "before", "after", "at random", "letters", "at random", "written")
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "kind" else "right")
    for one in selected.kinds:
        areas = (one.before, one.after, one.control, one.unseen, one.unseen_control, one.floor)
        shown = ("–" if area is None else f"{area:.3f}" for area in areas)
        table.add_row(one.kind, str(one.pairs), str(one.kept), *shown)
    return table
