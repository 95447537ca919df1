"""ccf-build init: writes a commented build.toml, or lays out the Prefect flows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from ccf_pipeline.cli.places import on_disk

QUESTIONS = {
    "corpus.kind": "Kind of corpus (mimic, openi, chexpert_plus, table, studies, demo)",
    "corpus.path": "Its folder, archive or table",
    "out": "Folder to build in",
    "plan.per_study": "Counterfactuals per study",
    "plan.seed": "Seed",
    "expert.kind": "Expert that writes the counterfactuals (rules: no network, no GPU, no key)",
}


def init(
    corpus: Annotated[
        str | None, typer.Option(help="KIND:PATH of the reports, e.g. mimic:/data/mimic-cxr.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The build folder.")] = None,
    per_study: Annotated[int | None, typer.Option(help="Counterfactuals per study.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same plans.")] = None,
    expert: Annotated[str | None, typer.Option(help="Who writes the counterfactuals: rules.")] = None,
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
    """Write a commented build.toml, asking for what was not said; or lay out the Prefect flows."""
    if prefect is not None:
        _lay_out_flows(prefect, force=force)
        return
    kind, colon, path = (corpus or "").partition(":")
    said = {
        "corpus.kind": kind if colon else None,
        "corpus.path": path if colon else corpus,
        "out": out,
        "plan.per_study": per_study,
        "plan.seed": seed,
        "expert.kind": expert,
    }
    if _is_watched() and not yes:
        said = _ask(said)
    _write(file, said, force=force)


def _is_watched() -> bool:
    return sys.stdin.isatty()


def _ask(said: dict[str, Any]) -> dict[str, Any]:
    """Ask for each setting that no flag named, offering its default."""
    from ccf_pipeline.settings import setting_fields

    defaults = {key: default for key, default, _ in setting_fields()}
    return {
        key: _ask_one(QUESTIONS[key], defaults[key]) if value is None else value
        for key, value in said.items()
    }


def _ask_one(question: str, default: Any) -> Any:
    kind = int if isinstance(default, int) else str
    return typer.prompt(question, default=kind(default), type=kind)


def _write(file: Path, said: dict[str, Any], *, force: bool) -> None:
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
