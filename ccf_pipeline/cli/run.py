"""ccf-build run: make a data set, or go on with one."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccf_pipeline.errors import SettingsError, Unfinished

if TYPE_CHECKING:
    from ccf_pipeline.settings import BuildSettings

AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON for a program.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def run(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A build.toml; ./build.toml if it is there.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The build folder.")] = None,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    per_study: Annotated[int | None, typer.Option("--per-study", help="Counterfactuals per study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same plans.")] = None,
    expert: Annotated[
        str | None,
        typer.Option(
            "--expert", help="Who writes: `rules` needs no network and no key; `openai` asks a server."
        ),
    ] = None,
    base_url: Annotated[
        list[str] | None,
        typer.Option(
            "--base-url",
            "--endpoint",
            help="Where the model is served, e.g. http://127.0.0.1:8000/v1 or unix:/a/socket; repeat it for"
            " several, URL=3 gives one three times the work.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="The model's name on the server.")] = None,
    key_variable: Annotated[
        str | None, typer.Option("--key-variable", help="The environment variable that holds the key.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", help="Requests under way at once, at most.")
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="How the expert is asked.")] = None,
    chosen: Annotated[
        bool | None, typer.Option("--chosen/--no-chosen", help="Have the factual side reworded too.")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option("--recorded", help="The answers that `--expert scripted` plays back.")
    ] = None,
    repair: Annotated[
        int | None, typer.Option("--repair", help="How often a rejected answer goes back with the reasons.")
    ] = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Ask again for the rows that got no answer from the server."),
    ] = False,
    template: Annotated[
        Path | None, typer.Option("--template", help="A prompt of your own, in the form of --strategy.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Read only the first so many studies.")] = None,
    shard_size: Annotated[int | None, typer.Option("--shard-size", help="Studies per shard.")] = None,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            "--reuse",
            help="Another build folder: its answers to what this one would ask are taken over; repeat it for"
            " several.",
        ),
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", help="Stop after so many answers; the build can go on.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", help="Stop after so many tokens, in and out.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", help="Stop at this cost, at the prices of [prices].")
    ] = None,
    allow_private_net: Annotated[
        bool, typer.Option("--allow-private-net", help="Let reports go to a private network as well.")
    ] = False,
    attestation: Annotated[
        Path | None,
        typer.Option("--attestation", help="Who vouches for a public host: a file by `ccf-build attest`."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Build a data set from a corpus; the same command goes on where it stopped.

    Settings come from build.toml, then CCF_… in the environment, then these options; the last one said wins.
    """
    from ccf_pipeline.settings import load_settings

    flags: dict[str, Any] = {
        "out": out,
        "graph": graph,
        "reuse": tuple(reuse) if reuse else None,
        "corpus": {**corpus_flags(corpus), "limit": limit},
        "plan": {"per_study": per_study, "seed": seed},
        "expert": {
            "kind": expert,
            "model": model,
            "strategy": strategy,
            "repair": repair,
            "chosen": chosen,
            "recorded": recorded,
            "template": template,
        },
        "endpoint": {
            "urls": tuple(base_url) if base_url else None,
            "key_variable": key_variable,
            "concurrency": concurrency,
            "allow_private_net": allow_private_net or None,
            "attestation": attestation,
        },
        "limits": {"requests": max_requests, "tokens": max_tokens, "cost": max_cost},
        "shards": {"size": shard_size},
    }
    run_build(load_settings(config, flags), as_json=as_json, quiet=quiet, retry_failed=retry_failed)


def run_build(settings: BuildSettings, *, as_json: bool, quiet: bool, retry_failed: bool = False) -> None:
    """Build with progress, then say what came out and what it cost."""
    from ccf_pipeline import walk
    from ccf_pipeline.cli.showing import console, show_pair, show_summary
    from ccf_pipeline.cli.watching import build_display, tell_spend
    from ccf_pipeline.engine.place import open_place

    _refuse_unpriced_limit(settings)
    place = open_place(settings.out)
    with place.work_folder(settings) as folder:
        if folder != settings.out and not quiet:
            typer.echo(f"working in {folder} until the build stands in the store", err=True)
        try:
            with (
                build_display(settings.prices, quiet=quiet or as_json) as (progress, watch),
                stop_on_signal(quiet=quiet or as_json) as stopping,
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
            told = tell_spend(place.spent(), settings.prices)
            raise Unfinished(f"{stop.what}; so far {told}", hint=stop.hint) from None
        spend, taken_over = place.spent(), place.taken_over()
        pair = None if quiet or as_json else walk.sample_pair(folder)
    if as_json:
        costs = {
            "spend": spend.model_dump(),
            "taken_over": taken_over,
            "cost": settings.prices.cost_of(spend),
        }
        typer.echo(json.dumps({**summary.model_dump(mode="json"), **costs}))
        return
    screen = console(quiet=quiet)
    show_summary(screen, settings.out, summary)
    if spend.tokens:
        screen.print(f"spent      {tell_spend(spend, settings.prices)}", soft_wrap=True)
    if taken_over:
        screen.print(f"answers taken over: {taken_over:,}, at no cost")
    if pair is not None:
        screen.print()
        show_pair(screen, pair)


def _refuse_unpriced_limit(settings: BuildSettings) -> None:
    """A limit of cost at no price would never be reached."""
    prices = settings.prices
    if settings.limits.cost is not None and not (prices.input or prices.cached or prices.output):
        raise SettingsError(
            "a limit of cost needs prices",
            hint="Set what a million tokens cost under [prices] in build.toml: input, cached, output.",
        )


@contextlib.contextmanager
def stop_on_signal(*, quiet: bool = True) -> Iterator[Callable[[], bool]]:
    """Says whether Ctrl-C or SIGTERM came: what is under way is still taken in. A second one ends it now."""
    heard: list[int] = []

    def hear(number: int, frame: object) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)
        if not quiet:
            typer.echo("stopping: what is under way is still taken in; Ctrl-C again ends it now", err=True)

    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(heard)
    except KeyboardInterrupt:
        raise Unfinished("stopped before the end") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def corpus_flags(spoken: str | None) -> dict[str, str | None]:
    """KIND:PATH as settings; a bare PATH leaves the kind to the other sources."""
    if spoken is None:
        return {}
    kind, colon, path = spoken.partition(":")
    if not colon:
        return {"path": spoken}
    from ccf_pipeline.files.plugins import plugin_names
    from ccf_pipeline.settings import CORPUS_KINDS

    known = (*CORPUS_KINDS, *plugin_names("ccf_pipeline.corpora"))
    if kind.replace("-", "_") not in known:
        raise SettingsError(
            f"--corpus {spoken}: `{kind}` is not a kind of corpus",
            hint=f"Known kinds: {', '.join(known)}; for example mimic:{path or 'PATH'}.",
        )
    return {"kind": kind.replace("-", "_"), "path": path}
