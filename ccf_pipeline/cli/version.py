"""ccf-build version: what is installed, for a bug report or a methods section."""

from __future__ import annotations

import json
import platform
from typing import Annotated

import typer

from ccf_pipeline import __version__


def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
    sbom: Annotated[
        bool, typer.Option("--sbom", help="Print what the core is made of, as CycloneDX JSON.")
    ] = False,
    licences: Annotated[
        bool, typer.Option("--licences", help="Print the licence of every package of the core.")
    ] = False,
) -> None:
    """Print the versions of ccf-build, of the concept graph and of Python."""
    if sbom or licences:
        from ccf_pipeline.files.parts import list_core_parts, make_sbom

        if sbom:
            typer.echo(json.dumps(make_sbom(), indent=1))
            return
        for part in list_core_parts():
            typer.echo(f"{part.name:28} {part.version:14} {part.licence}")
        return
    from ccf_pipeline.graph.load import load_graph

    graph = load_graph()
    facts = {
        "ccf_pipeline": __version__,
        "graph": f"{graph.file.name} {graph.file.version}",
        "graph_digest": graph.digest,
        "python": platform.python_version(),
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            typer.echo(f"{name:14} {value}")
