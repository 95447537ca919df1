"""ccf-build prompts: writes the prompts that wait for an answer, for somebody else to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.cli.run import AsJson, Quiet, corpus_flags
from ccf_pipeline.errors import SettingsError


def prompts(
    build: Annotated[
        Path | None, typer.Argument(help="A build that was begun: its plan and its settings are taken.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="A build.toml; ./build.toml if it is there.")
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("--corpus", help="KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Where the prompts go, as JSON lines.", callback=on_disk)
    ] = Path("prompts.jsonl"),
    recorded: Annotated[
        Path | None,
        typer.Option("--recorded", help="Answers so far; what they call for next is written then."),
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="How the expert is asked.")] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="A prompt of your own, in the form of --strategy.")
    ] = None,
    chosen: Annotated[
        bool | None, typer.Option("--chosen/--no-chosen", help="Have the factual side reworded too.")
    ] = None,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    per_study: Annotated[int | None, typer.Option("--per-study", help="Counterfactuals per study.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="The same seed gives the same plans.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="Read only the first so many studies.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the prompts that nobody answered yet, one per line.

    Put a `text` into each line and give the file to `ccf-build run --expert scripted --recorded FILE` with
    the same settings; or here again, to get the prompts of the next attempt: one for each refused answer.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine.write_prompts import collect_prompts
    from ccf_pipeline.settings import load_settings

    if build is not None:
        if corpus is not None or config is not None:
            raise SettingsError(
                "a build and a corpus are named", hint="Name one: a build has its corpus and settings."
            )
        from ccf_pipeline.engine.recheck import settings_of_build

        settings = settings_of_build(build, graph, recorded)
    else:
        flags: dict[str, Any] = {
            "graph": graph,
            "corpus": {**corpus_flags(corpus), "limit": limit},
            "plan": {"per_study": per_study, "seed": seed},
            "expert": {
                "kind": "scripted",
                "strategy": strategy,
                "chosen": chosen,
                "recorded": recorded,
                "template": template,
            },
        }
        settings = load_settings(config, flags)
    with progress_bars(quiet=quiet or as_json) as progress:
        summary = collect_prompts(settings, out, begun=build, progress=progress)
    if as_json:
        typer.echo(summary.model_dump_json())
        return
    screen = console(quiet=quiet)
    screen.print(f"{summary.waiting:>8}  prompts wait in {out}", soft_wrap=True)
    if summary.accepted or summary.refused:
        screen.print(f"{summary.accepted:>8}  rows accepted, {summary.refused} refused for good")
