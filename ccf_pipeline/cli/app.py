"""The command line's frame: the commands, how errors are told, and which exit code they give."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ccf_pipeline import __version__
from ccf_pipeline.cli.attest import attest
from ccf_pipeline.cli.check import check, recheck
from ccf_pipeline.cli.demo import demo
from ccf_pipeline.cli.doctor import doctor
from ccf_pipeline.cli.export import export
from ccf_pipeline.cli.fetch import fetch
from ccf_pipeline.cli.graph import graph_app
from ccf_pipeline.cli.images import images
from ccf_pipeline.cli.ingest import ingest
from ccf_pipeline.cli.init import init
from ccf_pipeline.cli.label import label
from ccf_pipeline.cli.metrics import metrics
from ccf_pipeline.cli.plan import plan
from ccf_pipeline.cli.prompts import prompts
from ccf_pipeline.cli.push import push
from ccf_pipeline.cli.read import read
from ccf_pipeline.cli.recipe import recipe
from ccf_pipeline.cli.recover import recover
from ccf_pipeline.cli.rehydrate import rehydrate
from ccf_pipeline.cli.report import report
from ccf_pipeline.cli.review import review
from ccf_pipeline.cli.run import run
from ccf_pipeline.cli.share import share
from ccf_pipeline.cli.status import status
from ccf_pipeline.cli.stop import stop
from ccf_pipeline.cli.verify import verify
from ccf_pipeline.cli.version import version
from ccf_pipeline.errors import CcfError, Unfinished
from ccf_pipeline.files.garbage_collector import seldom_collected

EXIT_CODES = """
[bold]Exit codes[/bold]: 0 done and verified · 1 something you can mend · 2 a wrong command line ·
3 stopped before the end, the same command goes on · 74 the disk refused or is damaged.
"""

app = typer.Typer(
    name="ccf-build",
    help="Build counterfactual preference data for chest X-ray models from a concept graph.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.command()(demo)
app.command()(init)
app.command()(ingest)
app.command()(images)
app.command()(plan)
app.command()(prompts)
app.command()(run)
app.command()(status)
app.command()(stop)
app.command()(verify)
app.command()(fetch)
app.command()(recover)
app.command()(attest)
app.command()(check)
app.command()(recheck)
app.command()(export)
app.command()(recipe)
app.command()(share)
app.command()(rehydrate)
app.command()(push)
app.command()(metrics)
app.command()(report)
app.command()(read)
app.command()(label)
app.command()(review)
app.add_typer(graph_app, name="graph")
app.command()(doctor)
app.command()(version)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ccf-build {__version__}")
        raise typer.Exit


@app.callback()
def frame(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Build counterfactual preference data for chest X-ray models from a concept graph."""


def main() -> None:
    """Run the command line. Typer tells usage errors (exit 2), this tells our own."""
    try:
        with seldom_collected():
            app()
    except CcfError as error:
        if "--debug" in sys.argv:
            raise
        _tell(error)
        sys.exit(error.exit_code)
    except MemoryError:
        if "--debug" in sys.argv:
            raise
        _tell(Unfinished("there was no memory left", hint="Free some, then run the same command again."))
        sys.exit(Unfinished.exit_code)


def _tell(error: CcfError) -> None:
    typer.secho(f"error: {error.what}", err=True, fg=typer.colors.RED)
    typer.secho(f"hint:  {error.hint}", err=True)
