"""ccf-build export: one config of a finished build, in the format and the words that are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.cli.share import Permission
from ccf_pipeline.errors import SettingsError
from ccf_pipeline.settings import CONFIG_NAMES, EXPORTED_NAMES

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.datasets.write import WrittenDataset


def export(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            help=f"{', '.join(CONFIG_NAMES)}; or what a build does not hold: {', '.join(EXPORTED_NAMES)}.",
        ),
    ] = None,
    level: Annotated[
        Literal["L0", "L1", "L2"] | None,
        typer.Option("--level", help="What may leave instead: as `ccf-build share` writes it."),
    ] = None,
    physionet: Annotated[
        bool, typer.Option("--physionet", help="A PhysioNet submission instead: as `ccf-build share` does.")
    ] = False,
    permission: Permission = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder to write; it must be empty.", callback=on_disk)
    ] = Path("export"),
    reviewed_only: Annotated[
        bool, typer.Option("--reviewed-only", help="Only pairs that readers found plausible in a review.")
    ] = False,
    selected: Annotated[
        bool, typer.Option("--selected", help="Only the pairs that `ccf-build select` kept.")
    ] = False,
    kind: Annotated[
        Literal["parquet", "json", "jsonl", "csv"] | None,
        typer.Option("--format", help="Parquet where the config has columns, else JSON."),
    ] = None,
    images: Annotated[
        Literal["embedded", "paths"] | None,
        typer.Option("--images", help="In the rows, or by path below the corpus's images; as built."),
    ] = None,
    even: Annotated[
        bool | None,
        typer.Option(
            "--even/--uneven",
            help="Of pairs without a mirror only those that another one leads back from, or all; as built.",
        ),
    ] = None,
    match: Annotated[
        Literal["labels", "attributes"] | None,
        typer.Option("--match", help="How close the film of a mirror row must be to its text; as built."),
    ] = None,
    rejected_per_chosen: Annotated[
        int | None, typer.Option("--rejected-per-chosen", min=1, help="At most so many per study; as built.")
    ] = None,
    wrapper: Annotated[
        str | None, typer.Option("--wrapper", help="`ccf`, `paper`, or a YAML file of your own; as built.")
    ] = None,
    question: Annotated[
        str | None, typer.Option("--question", help="The question to ask of an image; the wrapper's.")
    ] = None,
    graph: Annotated[
        Path | None, typer.Option("--graph", help="The build's concept graph, if not the default one.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write one config of a finished build as a data set of its own, with its card; or what may leave of it.

    Text formats name images by path: they cannot hold their bytes.
    """
    if level is not None or physionet:
        if config is not None or reviewed_only:
            raise SettingsError(
                "a config and a sharing level are named", hint="Name one: a share holds what its level says."
            )
        from ccf_pipeline.cli.share import write_share

        write_share(
            build,
            out,
            level=level or "L2",
            physionet=physionet,
            permission=permission,
            as_json=as_json,
            quiet=quiet,
        )
        return
    if config is None:
        raise SettingsError(
            "nothing is named to export", hint="Give --config, for example cpo_thinking; or --level."
        )
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine.export import export_config, open_finished

    only = None
    if reviewed_only:
        from ccf_pipeline.quality.review.session import reviewed_plausible

        only = reviewed_plausible(build)
    if selected:
        from ccf_pipeline.engine.select_pairs import read_selected

        folder, plan, _ = open_finished(build)
        kept = read_selected(folder, plan.shards)
        only = kept if only is None else only & kept
    choices = {
        "images": images,
        "even": even,
        "match": match,
        "rejected_per_chosen": rejected_per_chosen,
        "wrapper": wrapper,
        "question": question,
    }
    with progress_bars(quiet=quiet or as_json) as progress:
        written = export_config(
            build, config, out, kind=kind, choices=choices, graph=graph, only=only, progress=progress
        )
    if as_json:
        typer.echo(written.configs[0].model_dump_json())
        return
    _tell(console(quiet=quiet), written)


def _tell(out: Console, written: WrittenDataset) -> None:
    from ccf_pipeline.cli.showing import reasons

    (config,) = written.configs
    left_out = f", left out: {reasons(config.left_out)}" if config.left_out else ""
    out.print(f"{config.config}: {config.rows} rows{left_out}")
    out.print(f"written to {written.folder}; README.md says who may have it", soft_wrap=True)
