"""ccf-build status: how a build stands, also while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ccf_pipeline.records import BuildStatus


def status(
    build: Annotated[Path, typer.Argument(help="The build folder, or s3://BUCKET/PREFIX.")] = Path("build"),
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The build.toml that says what tokens cost.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON for a program.")] = False,
) -> None:
    """Say how far a build is, how fast it goes, what it cost, and why answers were refused."""
    from ccf_pipeline.engine.place import open_place
    from ccf_pipeline.settings import load_settings

    found = open_place(build).status(load_settings(config).prices)
    if as_json:
        typer.echo(found.model_dump_json())
        return
    _show_status(build, found)


def _show_status(build: Path, found: BuildStatus) -> None:
    from rich.table import Table

    from ccf_pipeline.cli.showing import console, reasons
    from ccf_pipeline.files.locations import place_name

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    holder = found.holder
    by = f"process {holder.pid} on {holder.host}" if holder else ""
    table.add_row("state", found.state, by)
    table.add_row("shards sealed", f"{found.shards_sealed} of {found.shards}", "")
    table.add_row("counterfactuals judged", f"{found.judged} of {found.plans}", "")
    table.add_row("  [green]accepted[/green]", str(found.accepted), f"{found.repaired} after a repair")
    table.add_row("  [red]rejected[/red]", str(found.rejected), reasons(found.rejected_by))
    spend = found.spend
    tokens = f"{spend.tokens_in} tokens read ({spend.tokens_cached} cached), {spend.tokens_out} written"
    table.add_row("answers", str(spend.answers), tokens)
    if spend.answers > found.judged:
        table.add_row("", "", "one for each counterfactual, repair, and factual side in other words")
    if found.estimated:
        table.add_row("", "", f"estimated for {found.estimated} answers, whose server did not say")
    if found.taken_over:
        table.add_row("answers taken over", str(found.taken_over), "from other builds, at no cost")
    if found.cost is not None:
        table.add_row("cost", f"{found.cost:.2f}", "")
    if found.answers_per_second is not None:
        table.add_row(
            "pace",
            f"{found.answers_per_second:.1f} answers/s",
            f"{_format_seconds_left(found.seconds_left)} left",
        )
    screen = console()
    screen.print(table)
    if found.state == "damaged":
        screen.print(f"\nbuild.json cannot be read; `ccf-build verify {build} --repair` writes it anew.")
    if found.state == "stopped":
        place = place_name(build)
        screen.print(f"\nNobody works on {place}; `ccf-build run` with its settings goes on.", soft_wrap=True)


def _format_seconds_left(seconds: int | None) -> str:
    if seconds is None:
        return "?"
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
