"""ccf-build graph: look at the concept graph, check it, draw it, and have it reviewed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.examples import format_examples
from ccf_pipeline.cli.graph_mining import extract, mine
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import GraphError, SettingsError

graph_app = typer.Typer(
    help="Look at the concept graph, check it, draw it, and have it reviewed.", no_args_is_help=True
)
review_app = typer.Typer(help="Have relations reviewed by a radiologist.", no_args_is_help=True)
graph_app.add_typer(review_app, name="review")

GraphPath = Annotated[
    Path | None,
    typer.Option("--graph", help="A graph file; the one that comes along if left out.", show_default=False),
]


@graph_app.command(epilog=format_examples("graph show"))
def show(
    finding: Annotated[str, typer.Argument(help="A finding, attribute or normal state, however spelt.")],
    graph: GraphPath = None,
) -> None:
    """Print the card of a concept: signs, exclusions, conditions, sources, review."""
    from ccf_pipeline.cli.graph_card import print_card
    from ccf_pipeline.graph.load import load_graph

    loaded = load_graph(graph)
    print_card(loaded, loaded.find(finding))


@graph_app.command(epilog=format_examples("graph lint"))
def lint(
    path: Annotated[
        Path | None, typer.Argument(help="A graph file; the one that comes along if left out.")
    ] = None,
    stats: Annotated[bool, typer.Option("--stats", help="Print what the graph holds, counted.")] = False,
    explain: Annotated[
        str,
        typer.Option("--explain", help="Print what one relation stands on; write it SOURCE>TARGET."),
    ] = "",
) -> None:
    """List every fault of a graph file with its line, or print what a relation stands on."""
    from ccf_pipeline.cli.graph_card import explain_relation, print_counts
    from ccf_pipeline.graph.load import default_graph_path, find_faults, load_graph

    path = path or default_graph_path()
    faults = find_faults(path)
    for line, fault in faults:
        typer.echo(f"{path}:{line}: {fault.message} [{fault.kind}]")
    if faults:
        raise GraphError(
            f"{len(faults)} fault{'s' * (len(faults) > 1)} in {path}", hint="Correct the lines named above."
        )
    if explain:
        typer.echo(explain_relation(load_graph(path), explain))
        return
    if stats:
        print_counts(load_graph(path))
    typer.echo(f"{path}: no faults")


@graph_app.command(epilog=format_examples("graph render"))
def render(
    out: Annotated[Path, typer.Option("--out", help="A file ending in .svg or .png.", callback=on_disk)],
    finding: Annotated[
        str | None, typer.Argument(help="One finding; the whole graph if left out.", show_default=False)
    ] = None,
    graph: GraphPath = None,
) -> None:
    """Draw the graph in columns: category, attribute, finding; green goes together, red excludes."""
    from ccf_pipeline.graph.draw import draw_finding, draw_graph
    from ccf_pipeline.graph.load import load_graph

    if out.suffix not in (".svg", ".png"):
        raise SettingsError(
            f"--out {out}: not an .svg or .png file", hint="Name the file graph.svg or graph.png."
        )
    loaded = load_graph(graph)
    if finding is None:
        draw_graph(loaded, out)
    else:
        draw_finding(loaded, loaded.find(finding).id, out)
    typer.echo(out)


@graph_app.command(epilog=format_examples("graph export"))
def export(
    out: Annotated[
        Path, typer.Option("--out", help="The file to write; for csv a folder.", callback=on_disk)
    ],
    form: Annotated[str, typer.Option("--format", help="graphml, node-link, cytoscape or csv.")] = "graphml",
    graph: GraphPath = None,
) -> None:
    """Write the graph for another tool: GraphML, node-link JSON, Cytoscape JSON, CSV."""
    from ccf_pipeline.graph.exports import EXPORTS, export_graph
    from ccf_pipeline.graph.load import load_graph

    if form not in EXPORTS:
        raise SettingsError(f"--format {form}: no such format", hint=f"There are {', '.join(EXPORTS)}.")
    for path in export_graph(load_graph(graph), form, out):
        typer.echo(path)


@graph_app.command(epilog=format_examples("graph diff"))
def diff(
    before: Annotated[Path, typer.Argument(help="A graph file.")],
    after: Annotated[Path, typer.Argument(help="Another graph file.")],
) -> None:
    """Tell what one graph file says that another does not, whatever their layout."""
    from ccf_pipeline.cli.graph_card import print_changes
    from ccf_pipeline.graph.diff import compare_graphs
    from ccf_pipeline.graph.load import read_graph_file

    print_changes(compare_graphs(read_graph_file(before), read_graph_file(after)))


@review_app.command(epilog=format_examples("graph review sheet"))
def sheet(
    out: Annotated[Path, typer.Option("--out", help="The CSV file to write.", callback=on_disk)],
    reviewed_too: Annotated[
        bool, typer.Option("--reviewed-too", help="List reviewed relations as well.")
    ] = False,
    graph: GraphPath = None,
) -> None:
    """Write a sheet of relations for a radiologist, those resting on common teaching first."""
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.graph.review import make_sheet
    from ccf_pipeline.graph.review_files import write_sheet

    rows = make_sheet(load_graph(graph), reviewed_too=reviewed_too)
    write_sheet(rows, out)
    typer.echo(f"{out}: {len(rows)} relations; fill in `decision` with agree or change, and `comment`")


@review_app.command(epilog=format_examples("graph review apply"))
def apply(
    decided: Annotated[Path, typer.Argument(help="A sheet with its decisions filled in.")],
    name: Annotated[str, typer.Option("--name", help="Who decided.")],
    date: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="When they decided.")],
    graph: GraphPath = None,
) -> None:
    """Stamp the relations agreed with as reviewed; list those that a change is asked for."""
    from ccf_pipeline.graph.lint.references import is_review
    from ccf_pipeline.graph.load import default_graph_path, load_graph
    from ccf_pipeline.graph.review import read_decisions
    from ccf_pipeline.graph.review_files import read_sheet, stamp_reviews

    path = graph or default_graph_path()
    decisions = read_decisions(load_graph(path).file, read_sheet(decided))
    state = f"reviewed by {' '.join(name.split())} on {date:%Y-%m-%d}"
    if not is_review(state):
        raise SettingsError("--name is empty", hint="Give the name of the person who decided.")
    stamp_reviews(path, dict.fromkeys(decisions.agreed, state))
    typer.echo(f"{path}: {len(decisions.agreed)} relation{'s' * (len(decisions.agreed) != 1)} {state}")
    for row in decisions.objections:
        typer.echo(f"asked to change: {row.relation}: {row.comment or 'no comment given'}")


graph_app.command(epilog=format_examples("graph mine"))(mine)
graph_app.command(epilog=format_examples("graph extract"))(extract)
