"""ccf-build run: make a data set, or go on with one."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.logs import Form, Level, LogFile, LogFormat, LogLevel, draws_progress, logging_to
from ccf_pipeline.cli.options import ASKING, BUILD, CORPUS, PLAN, AsJson, Given, Quiet, takes_settings
from ccf_pipeline.cli.stopping import stop_on_signal
from ccf_pipeline.errors import SettingsError, Unfinished
from ccf_pipeline.files.locations import place_name

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.engine.place import Place
    from ccf_pipeline.records import BuildSummary, Record, Spend
    from ccf_pipeline.settings import BuildSettings


@takes_settings(CORPUS, PLAN, ASKING, BUILD)
def run(
    given: Given,
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            min=1,
            help="Build only so many studies, in a folder beside --out, and show verdicts, cost and time.",
            show_default=False,
        ),
    ] = None,
    show_pair: Annotated[
        bool,
        typer.Option(
            "--show-pair",
            help="Show the reports of a pair on this terminal, also those under an agreement.",
        ),
    ] = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Ask again for the rows that got no answer from the server."),
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Ask again for answers that were paid for and are lost; without it, stop."
        ),
    ] = False,
    log_file: LogFile = None,
    log_format: LogFormat = "text",
    log_level: LogLevel = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build a data set from a corpus; the same command goes on where it stopped.

    Settings come from build.toml, then CCF_… in the environment, then these options; the last one said wins.
    """
    settings = given.load()
    logs = (log_file, log_format, log_level)
    if preview is not None:
        run_preview(settings, preview, logs=logs, show_pair=show_pair, as_json=as_json, quiet=quiet)
    else:
        run_build(
            settings,
            logs=logs,
            show_pair=show_pair,
            as_json=as_json,
            quiet=quiet,
            retry_failed=retry_failed,
            again=again,
        )


Logs = tuple[Path | None, Form, Level | None]
NO_LOGS: Logs = (None, "text", None)


@dataclass(frozen=True)
class Built:
    """The result of a run, and the cost of its answers."""

    summary: BuildSummary
    spend: Spend
    taken_over: int
    seconds: float
    was_finished: bool

    def as_json(self, settings: BuildSettings) -> dict[str, object]:
        """Return the summary and the costs for a program."""
        return {
            **self.summary.model_dump(mode="json"),
            "spend": self.spend.model_dump(),
            "taken_over": self.taken_over,
            "cost": settings.prices.cost_of(self.spend),
        }


def run_build(
    settings: BuildSettings,
    *,
    logs: Logs = NO_LOGS,
    show_pair: bool = False,
    as_json: bool = False,
    quiet: bool = False,
    retry_failed: bool = False,
    again: bool = False,
) -> None:
    """Build with progress, then say what came out and what it cost."""
    from ccf_pipeline import walk
    from ccf_pipeline.cli.showing import console, show_summary
    from ccf_pipeline.engine.lines import format_spend
    from ccf_pipeline.engine.place import open_place

    silent = quiet or as_json
    place = open_place(settings.out)
    lost = place.give_up_lost() if again else 0
    if lost and not quiet:
        typer.echo(f"asking again for up to {lost} answers that were paid for and are lost", err=True)
    with place.work_folder(settings) as folder:
        if folder != settings.out and not quiet:
            typer.echo(f"working in {folder} until the build stands in the store", err=True)
        built = _build(settings, place, folder, logs, silent=silent, retry_failed=retry_failed)
        pair = None if silent else walk.sample_pair(folder)
    if as_json:
        typer.echo(json.dumps(built.as_json(settings)))
        return
    out = console(quiet=quiet)
    if built.was_finished:
        counts = f"{built.summary.accepted} accepted, {built.summary.rejected} rejected"
        place_of = place_name(settings.out)
        out.print(f"{place_of}: finished already, verified: {counts}", soft_wrap=True)
    else:
        show_summary(out, settings.out, built.summary)
        if built.spend.tokens:
            out.print(f"spent      {format_spend(built.spend, settings.prices)}", soft_wrap=True)
        if built.taken_over:
            out.print(f"answers taken over: {built.taken_over:,}, at no cost")
    if built.was_finished and not show_pair:
        return
    if pair is not None:
        out.print()
        show_pairs(out, settings, [pair], wanted=show_pair)


def run_preview(
    settings: BuildSettings,
    studies: int,
    *,
    logs: Logs = NO_LOGS,
    show_pair: bool = False,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Build the first studies in a folder of their own, and show what came of each."""
    from ccf_pipeline.cli.showing import console
    from ccf_pipeline.engine.lines import format_spend
    from ccf_pipeline.engine.place import open_place
    from ccf_pipeline.engine.preview import open_preview, read_pairs

    trial = open_preview(settings, studies)
    built = _build(trial, open_place(trial.out), trial.out, logs, silent=quiet or as_json)
    pairs = read_pairs(trial.out)
    if as_json:
        told = [{"id": pair.record_id, "accepted": pair.accepted} for pair in pairs]
        typer.echo(json.dumps({**built.as_json(settings), "preview": str(trial.out), "pairs": told}))
        return
    out = console(quiet=quiet)
    show_pairs(out, settings, pairs, wanted=show_pair)
    accepted = sum(pair.accepted for pair in pairs)
    out.print(f"\naccepted   {accepted} of {len(pairs)}, in {built.seconds:.1f} s", soft_wrap=True)
    out.print(f"spent      {format_spend(built.spend, settings.prices)}", soft_wrap=True)
    out.print(f"kept in    {trial.out}; {place_name(settings.out)} is as it was", soft_wrap=True)
    if trial.expert.kind != "rules":
        out.print(f"used again with: ccf-build run --reuse {trial.out}", soft_wrap=True)


def _build(
    settings: BuildSettings,
    place: Place,
    folder: Path,
    logs: Logs,
    *,
    silent: bool,
    retry_failed: bool = False,
) -> Built:
    """Build with progress on a terminal, lines elsewhere; Ctrl-C and signals stop it."""
    from ccf_pipeline import walk
    from ccf_pipeline.cli.watching import build_display
    from ccf_pipeline.engine.lines import format_spend

    _refuse_unpriced_limit(settings)
    begun, was_finished = time.monotonic(), place.is_finished() and not retry_failed
    screen = None if silent or draws_progress(quiet=silent) else sys.stderr
    with logging_to(screen, *logs):
        try:
            with (
                build_display(settings.prices, quiet=silent) as (progress, watch),
                stop_on_signal(quiet=silent) as stopping,
            ):
                summary = walk.build(
                    settings,
                    progress,
                    watch=watch,
                    stopping=stopping,
                    work_folder=folder,
                    retry_failed=retry_failed,
                )
        except Unfinished as stop:
            spent = format_spend(place.spent(), settings.prices)
            raise Unfinished(f"{stop.what}; so far {spent}", hint=stop.hint) from None
    return Built(summary, place.spent(), place.taken_over(), time.monotonic() - begun, was_finished)


def show_pairs(out: Console, settings: BuildSettings, pairs: list[Record], *, wanted: bool) -> None:
    """Show pairs whose corpus is open; of others the ids, unless the user wants them on a terminal."""
    from ccf_pipeline.cli.showing import describe_change, describe_verdict, show_pair
    from ccf_pipeline.corpora import corpus_terms

    is_open = corpus_terms(settings.corpus).sensitivity == "open"
    shows_texts = is_open or (wanted and sys.stdout.isatty())
    for pair in pairs:
        out.print(
            f"pair       {pair.record_id}: {describe_change(pair)}; {describe_verdict(pair)}", soft_wrap=True
        )
        if shows_texts:
            show_pair(out, pair)
    if wanted and not shows_texts:
        out.print(
            "its reports are under an agreement: --show-pair shows them on a terminal only", soft_wrap=True
        )


def _refuse_unpriced_limit(settings: BuildSettings) -> None:
    """A limit of cost at no price would never be reached."""
    prices = settings.prices
    if settings.limits.cost is not None and not (prices.input or prices.cached or prices.output):
        raise SettingsError(
            "a limit of cost needs prices",
            hint="Set what a million tokens cost under [prices] in build.toml: input, cached, output.",
        )
