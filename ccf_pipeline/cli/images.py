"""ccf-build images: the training image of every study."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.options import CORPUS, AsJson, Given, Quiet, takes_settings
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError


@takes_settings(CORPUS)
def images(
    given: Given,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the images.", callback=on_disk)] = Path(
        "images"
    ),
    recipe: Annotated[
        str, typer.Option("--recipe", help="mimic-jpg: as MIMIC-CXR-JPG; voi: by the file's own tables.")
    ] = "mimic-jpg",
    resize: Annotated[
        int | None, typer.Option("--resize", min=32, help="Make the shorter side so many pixels long.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Processes that decode; one less than there are CPUs."),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=1, help="Seconds that one image may take.")] = 20,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn the DICOM of every study into a training image; JPEGs are used as they are.

    Set `corpus.images` to the folder to build with them. images.parquet binds each study to its image's hash,
    quarantine.parquet says why an image could not be used.
    """
    from ccf_pipeline.cli.showing import console, progress_bars, reasons
    from ccf_pipeline.corpora import require_corpus
    from ccf_pipeline.corpora.dicom import RECIPES
    from ccf_pipeline.corpora.images import convert_images

    if recipe not in RECIPES:
        raise SettingsError(f"--recipe {recipe}: no such recipe", hint=f"Known: {', '.join(RECIPES)}.")
    settings = given.load().corpus
    require_corpus(settings)
    with progress_bars(quiet=quiet or as_json) as progress:
        summary = convert_images(
            settings,
            out,
            recipe=recipe,
            resize=resize,
            workers=workers or max(1, (os.cpu_count() or 2) - 1),
            timeout_seconds=timeout,
            progress=lambda done: progress("images", done, None),
        )
    if as_json:
        typer.echo(summary.model_dump_json())
        return
    screen = console(quiet=quiet)
    screen.print(f"studies        {summary.studies}")
    screen.print(f"converted      {summary.converted}")
    screen.print(f"as they were   {summary.as_they_were}")
    for name, counts in (("refused", summary.refused), ("without image", summary.without_image)):
        screen.print(f"{name:14} {sum(entry.count for entry in counts)}  {reasons(counts)}", soft_wrap=True)
    screen.print(f"images         {out / 'images.parquet'}", soft_wrap=True)
