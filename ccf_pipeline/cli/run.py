"""ccf-build run: make a data set, or go on with one."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ccf_pipeline.errors import SettingsError, Unfinished

if TYPE_CHECKING:
    from ccf_pipeline.asking import Tally
    from ccf_pipeline.settings import BuildSettings

AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON for a program.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
CORPUS_KINDS = ("mimic", "openi", "chexpert_plus", "table", "demo", "studies")


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
        str | None, typer.Option("--expert", help="Who writes: `rules` needs no network and no key.")
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="How the expert is asked.")] = None,
    chosen: Annotated[
        bool | None, typer.Option("--chosen/--no-chosen", help="Have the factual side reworded too.")
    ] = None,
    recorded: Annotated[
        Path | None, typer.Option("--recorded", help="The answers that `--expert scripted` plays back.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Read only the first so many studies.")] = None,
    shard_size: Annotated[int | None, typer.Option("--shard-size", help="Studies per shard.")] = None,
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
        "corpus": {**corpus_flags(corpus), "limit": limit},
        "plan": {"per_study": per_study, "seed": seed},
        "expert": {"kind": expert, "strategy": strategy, "chosen": chosen, "recorded": recorded},
        "shards": {"size": shard_size},
    }
    run_build(load_settings(config, flags), as_json=as_json, quiet=quiet)


def run_build(settings: BuildSettings, *, as_json: bool, quiet: bool) -> None:
    """Build with progress, then say what came out."""
    from ccf_pipeline import pipeline
    from ccf_pipeline.cli.showing import console, progress_bars, show_pair, show_summary

    with progress_bars(quiet=quiet or as_json) as progress, stop_on_signal() as stopping:

        def watch(tally: Tally) -> None:
            progress("answers", tally.judged, tally.planned)

        summary = pipeline.build(settings, progress, watch=watch, stopping=stopping)
    if as_json:
        typer.echo(summary.model_dump_json())
        return
    screen = console(quiet=quiet)
    show_summary(screen, settings.out, summary)
    pair = pipeline.sample_pair(settings.out)
    if pair is not None:
        screen.print()
        show_pair(screen, pair)


@contextlib.contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Says whether Ctrl-C or SIGTERM came: what is under way is still taken in. A second one ends it now."""
    heard: list[int] = []

    def hear(number: int, frame: object) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)

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
    if kind.replace("-", "_") not in CORPUS_KINDS:
        raise SettingsError(
            f"--corpus {spoken}: `{kind}` is not a kind of corpus",
            hint=f"Known kinds: {', '.join(CORPUS_KINDS)}; for example mimic:{path or 'PATH'}.",
        )
    return {"kind": kind.replace("-", "_"), "path": path}
