"""The command line's frame: the commands, how errors are told, and which exit code they give."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from ccf_pipeline import __version__
from ccf_pipeline.cli.attest import attest
from ccf_pipeline.cli.check import check, recheck
from ccf_pipeline.cli.demo import demo
from ccf_pipeline.cli.doctor import doctor
from ccf_pipeline.cli.examples import format_examples
from ccf_pipeline.cli.export import export
from ccf_pipeline.cli.fetch import fetch
from ccf_pipeline.cli.graph import graph_app
from ccf_pipeline.cli.help import show_help
from ccf_pipeline.cli.images import images
from ccf_pipeline.cli.ingest import ingest
from ccf_pipeline.cli.init import init
from ccf_pipeline.cli.label import label
from ccf_pipeline.cli.metrics import metrics
from ccf_pipeline.cli.plan import plan
from ccf_pipeline.cli.probe import probe
from ccf_pipeline.cli.prompts import prompts
from ccf_pipeline.cli.push import push
from ccf_pipeline.cli.read import read
from ccf_pipeline.cli.recipe import recipe
from ccf_pipeline.cli.recover import recover
from ccf_pipeline.cli.rehydrate import rehydrate
from ccf_pipeline.cli.report import report
from ccf_pipeline.cli.review import review
from ccf_pipeline.cli.run import run
from ccf_pipeline.cli.select import select
from ccf_pipeline.cli.share import share
from ccf_pipeline.cli.status import status
from ccf_pipeline.cli.stop import stop
from ccf_pipeline.cli.verify import verify
from ccf_pipeline.cli.version import version
from ccf_pipeline.cli.wipe import wipe
from ccf_pipeline.errors import CcfError, StorageError, Unfinished
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.files.private_process import close_process

EXIT_CODES = """
[bold]Exit codes[/bold]: 0 done and verified · 1 something you can mend · 2 a wrong command line ·
3 stopped before the end, the same command goes on · 74 the disk refused or is damaged.
"""

COMMANDS: tuple[Callable[..., None], ...] = (
    demo,
    init,
    ingest,
    images,
    plan,
    prompts,
    run,
    status,
    stop,
    verify,
    fetch,
    recover,
    wipe,
    attest,
    check,
    recheck,
    export,
    recipe,
    share,
    rehydrate,
    push,
    metrics,
    select,
    probe,
    report,
    read,
    label,
    review,
    doctor,
    show_help,
    version,
)

app = typer.Typer(
    name="ccf-build",
    help="Build counterfactual preference data for chest X-ray models from a concept graph.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in COMMANDS:
    name = "help" if command is show_help else command.__name__
    app.command(name, epilog=format_examples(name))(command)
app.add_typer(graph_app, name="graph")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ccf-build {__version__}")
        raise typer.Exit


@app.callback()
def frame(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the program an error happened, without any text.")
    ] = False,
    show_version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version),
    ] = False,
) -> None:
    """Build counterfactual preference data for chest X-ray models from a concept graph."""


def main() -> None:
    """Run the command line and exit."""
    close_process()
    sys.exit(run_command(sys.argv[1:]))


def run_command(words: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error becomes two lines on standard error."""
    try:
        with seldom_collected():
            returned = get_command(app).main(list(words), prog_name="ccf-build", standalone_mode=False)
            if sys.stdout is not None:  # closed by whoever called
                sys.stdout.flush()
        return returned if isinstance(returned, int) else 0
    except typer.Abort:
        return _tell(CcfError("stopped by you", hint="Nothing was changed; run the command again."))
    except Exception as error:  # noqa: BLE001  the rim: whatever it is, the user gets two lines and a code
        if hasattr(error, "format_message"):
            return _tell_usage(error)
        if "--debug" in words:
            _print_trace(error)
        return _tell(as_ccf_error(error))


def as_ccf_error(error: Exception) -> CcfError:
    """Return what the user is told of an error. Its own text may hold a report, and is not repeated."""
    if isinstance(error, CcfError):
        return error
    if isinstance(error, MemoryError):
        return Unfinished("there was no memory left", hint="Free some, then run the same command again.")
    if isinstance(error, BrokenPipeError):
        _close_quietly()
        return StorageError("nobody reads the output any more", hint="Run it again without the pipe.")
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return StorageError(
            f"{place}{error.strerror or error.__class__.__name__}",
            hint="Look at the disk with `ccf-build doctor`, then run the same command again.",
        )
    return CcfError(
        f"the program failed ({error.__class__.__name__})",
        hint="Run it again as `ccf-build --debug ...` and report what it prints: it holds no report text.",
    )


def _close_quietly() -> None:
    """Keep Python from complaining at exit about output that nobody reads."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_trace(error: BaseException) -> None:
    """Print where an error happened and what caused it, without messages: those can quote a report."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    for one in reversed(chain):
        typer.echo("Traceback (without messages, which can quote a report):", err=True)
        for frame_of in traceback.extract_tb(one.__traceback__):
            typer.echo(f"  {frame_of.filename}:{frame_of.lineno} in {frame_of.name}", err=True)
        typer.echo(f"{one.__class__.__module__}.{one.__class__.__qualname__}", err=True)


def _tell_usage(error: Any) -> int:
    """Tell a mistake in the command line; called without any words, a command shows its help.

    The error is click's. Which package carries click differs between versions of typer, so it has no type.
    """
    if error.__class__.__name__ == "NoArgsIsHelpError":
        error.show()
        return int(error.exit_code)
    command = error.ctx.command_path if error.ctx is not None else "ccf-build"
    near = getattr(error, "possibilities", None)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    what = error.message if near else error.format_message()
    _tell(CcfError(" ".join(what.split()), hint=f"{hint}`{command} --help` explains its options."))
    return int(error.exit_code)


def _tell(error: CcfError) -> int:
    typer.secho(f"error: {error.what}", err=True, fg=typer.colors.RED)
    typer.secho(f"hint:  {error.hint}", err=True)
    return error.exit_code
