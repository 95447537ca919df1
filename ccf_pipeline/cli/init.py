"""ccf-build init: writes a commented build.toml, or lays out the Prefect flows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ccf_pipeline.cli.interview import Interview
from ccf_pipeline.cli.options import CORPUS_HELP, corpus_flags
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.settings import EXPERT_KINDS


def init(
    corpus: Annotated[str | None, typer.Option(help=CORPUS_HELP)] = None,
    out: Annotated[str | None, typer.Option(help="The build folder.")] = None,
    per_study: Annotated[int | None, typer.Option(help="Counterfactuals per study.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same plans.")] = None,
    expert: Annotated[
        str | None, typer.Option(help=f"Who writes the counterfactuals: {', '.join(EXPERT_KINDS)}.")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Where the model is served.")] = None,
    model: Annotated[str | None, typer.Option(help="The model's name on the server.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")] = False,
    file: Annotated[Path, typer.Option(help="Where the settings go.", callback=on_disk)] = Path("build.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there already.")] = False,
    prefect: Annotated[
        Path | None,
        typer.Option(
            help="Write no build.toml, but lay out the Prefect flows in this folder.", callback=on_disk
        ),
    ] = None,
) -> None:
    """Write a commented build.toml, asking for what was not said; or lay out the Prefect flows.

    Each answer is checked as it is given. Where nobody can be asked, the defaults are taken.
    """
    if prefect is not None:
        _lay_out_flows(prefect, force=force)
        return
    said: dict[str, Any] = {
        **{f"corpus.{name}": value for name, value in corpus_flags(corpus).items()},
        "out": out,
        "plan.per_study": per_study,
        "plan.seed": seed,
        "expert.kind": expert or ("openai" if base_url else None),
        "endpoint.urls": [base_url] if base_url else None,
        "expert.model": model,
    }
    if _is_watched() and not yes:
        said = Interview(said).ask_all()
    _write_file(file, said, force=force)


def _is_watched() -> bool:
    return sys.stdin.isatty()


def _write_file(file: Path, said: dict[str, Any], *, force: bool) -> None:
    from ccf_pipeline.cli.settings_file import write_settings
    from ccf_pipeline.settings import SETTINGS_FILE, load_settings

    write_settings(file, said, force=force)
    settings = load_settings(file)
    typer.echo(f"{file} written.")
    if not settings.corpus.path.exists():
        typer.echo(f"! {settings.corpus.path}: no such folder yet; the reports are looked for there.")
    typer.echo("Next: ccf-build run" + ("" if file == SETTINGS_FILE else f" --config {file}"))


def _lay_out_flows(folder: Path, *, force: bool) -> None:
    from ccf_pipeline.files.package_data import lay_out

    for path in lay_out(folder, force=force):
        typer.echo(path)
    typer.echo(f"Next: what the first lines of {folder / 'prefect.yaml'} say.")
