"""ccf-build share: what may leave of a build, at one level, or as a PhysioNet submission."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.cli.places import on_disk

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.sharing.nouns import LeakReport, SharedFile, ShareSummary

Level = Annotated[
    Literal["L0", "L1", "L2"],
    typer.Option("--level", help="L0 recipe without text, L1 delta without source text, L2 everything."),
]

Permission = Annotated[
    Path | None,
    typer.Option("--permission", help="The file of the owner's written permission."),
]


def share(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="Where the share goes; an earlier one is replaced.", callback=on_disk
        ),
    ],
    level: Level = "L0",
    physionet: Annotated[
        bool, typer.Option("--physionet", help="Make a PhysioNet submission of it, at level L2.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="The submission's name; it holds the letters `Ext`.")
    ] = None,
    permission: Permission = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write what may leave of a build, after a search for what may not.

    Nothing is written when words of a report, identifiers, keys or paths are found where they may not be.
    """
    write_share(
        build,
        out,
        level=level,
        physionet=physionet,
        name=name,
        permission=permission,
        as_json=as_json,
        quiet=quiet,
    )


def write_share(
    build: Path,
    out: Path,
    *,
    level: Literal["L0", "L1", "L2"],
    physionet: bool = False,
    name: str | None = None,
    permission: Path | None = None,
    as_json: bool = False,
    quiet: bool = False,
) -> None:
    """Write a share with progress, then say what it holds; `export --level` calls this too."""
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.sharing import share as sharing
    from ccf_pipeline.sharing.permission import read_permission

    submission = (name or sharing.submission_name(build)) if physionet else None
    with progress_bars(quiet=quiet or as_json) as progress:
        summary = sharing.share(
            build,
            out,
            level="L2" if physionet else level,
            permission=read_permission(permission),
            submission=submission,
            progress=progress,
        )
    if as_json:
        typer.echo(summary.model_dump_json())
    else:
        _show_share(console(quiet=quiet), summary, out)


def show_files(screen: Console, files: tuple[SharedFile, ...]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("file")
    table.add_column("bytes", justify="right")
    for file in files:
        table.add_row(file.path, f"{file.bytes:,}")
    screen.print(table)


def show_scan(screen: Console, scan: LeakReport) -> None:
    screen.print(
        f"searched   {scan.strings:,} strings in {scan.files} files, beside {scan.source_reports:,} reports"
    )
    if not scan.leaks:
        screen.print("leaks      [green]none[/green]")
    for leak in scan.leaks:
        screen.print(f"[red]leak[/red]       {leak.kind} in {leak.file} ({leak.place}), {leak.count}")


def _show_share(screen: Console, summary: ShareSummary, out: Path) -> None:
    from ccf_pipeline.cli.showing import reasons

    show_files(screen, summary.files)
    screen.print()
    screen.print(f"level      {summary.level}")
    screen.print(f"pairs      {summary.rows:,} of {summary.studies:,} studies")
    if summary.left_out:
        screen.print(f"left out   {reasons(summary.left_out)}")
    if summary.level == "L1":
        screen.print(f"phrases    {summary.phrases:,} that other reports hold too, told by their places")
    show_scan(screen, summary.scan)
    screen.print(f"share      {out}", soft_wrap=True)
