"""ccf-build recipe: the command that trains on a data set, with the paper's hyper-parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import BuildConflict


def recipe(
    name: Annotated[
        str,
        typer.Argument(help="swift-sft, swift-cpo, swift-cpo-plus, trl-dpo or llamafactory-dpo."),
    ],
    dataset: Annotated[Path, typer.Argument(help="A build folder, or a data set's folder.")],
    model: Annotated[
        str | None, typer.Option("--model", help="The model or checkpoint to start from.")
    ] = None,
    gpus: Annotated[
        int | None, typer.Option("--gpus", min=1, help="GPUs; the size of a whole batch stays the same.")
    ] = None,
    images_root: Annotated[
        Path | None, typer.Option("--images-root", help="Where images named by path lie.")
    ] = None,
    python: Annotated[
        Path | None,
        typer.Option("--python", help="The interpreter of the environment to check the arguments in."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", "-w", help="Write the script here instead of printing it.", callback=on_disk),
    ] = None,
) -> None:
    """Print the shell script that trains on a data set, with the hyper-parameters of CPO's own scripts.

    Where the training package is installed, every argument is checked against it.
    """
    from ccf_pipeline.datasets.recipes import training_script
    from ccf_pipeline.files.disk import write_text

    script = training_script(name, dataset, model=model, gpus=gpus, images_root=images_root, python=python)
    if write is None:
        typer.echo(script, nl=False)
        return
    if write.exists():
        raise BuildConflict(f"{write}: is there already", hint="Name another file.")
    write_text(write, script)
    typer.echo(f"{write} written. Next: sh {write}")
