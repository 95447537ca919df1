"""ccf-build ingest: a corpus, read once and counted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import CORPUS, PLAN, AsJson, Given, Quiet, takes_settings
from ccf_pipeline.cli.places import on_disk

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.records import Funnel

PROGRESS_EVERY = 200


@takes_settings(CORPUS, unused=PLAN)
def ingest(
    given: Given,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="A folder, or a file ending in .parquet with its kin beside it.",
            callback=on_disk,
        ),
    ] = Path("ingest"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Read a corpus into Study Parquet, and tell where every study went.

    Writes studies.parquet, quarantine.parquet with a reason for each study that is not used, and funnel.json.
    `ccf-build run --corpus studies:DIR` builds from it.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.corpora import require_corpus, require_tables
    from ccf_pipeline.corpora.ingest import ingest as ingest_corpus

    settings = given.load().corpus
    require_corpus(settings)
    require_tables(settings)
    with progress_bars(quiet=quiet or as_json) as progress:

        def tell(done: int) -> None:
            if done % PROGRESS_EVERY == 0:
                progress("ingest", done, None)

        funnel = ingest_corpus(settings, out, tell)
    if as_json:
        typer.echo(funnel.model_dump_json())
        return
    show_funnel(console(quiet=quiet), out, funnel)


def show_funnel(screen: Console, out: Path, funnel: Funnel) -> None:
    """The funnel as a table, then what this copy of the corpus lacks."""
    from rich.markup import escape
    from rich.table import Table

    from ccf_pipeline.cli.showing import reasons
    from ccf_pipeline.corpora.ingested import ingest_paths

    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("studies found", str(funnel.found), "")
    for entry in funnel.skipped:
        table.add_row(f"  {entry.reason}", str(entry.count), "")
    table.add_row("used", str(funnel.used), "")
    for name, counts in (
        ("read from", funnel.read_from),
        ("labels", funnel.label_sources),
        ("splits", funnel.splits),
        ("with an image", funnel.views),
        ("without image", funnel.without_image),
        ("mended or assumed", funnel.notes),
    ):
        if counts:
            table.add_row(f"  {name}", str(sum(entry.count for entry in counts)), reasons(counts))
    screen.print(table)
    for total in funnel.known_totals:
        if total.found != total.expected:
            screen.print(f"! {total.what}: {total.found} here, {total.expected} in the whole corpus")
    for remark in funnel.remarks:
        screen.print(f"! {escape(remark)}", soft_wrap=True)
    screen.print(f"\n{funnel.terms.name}: {funnel.terms.sensitivity}. {escape(funnel.terms.terms)}")
    screen.print(f"studies    {ingest_paths(out)[0]}", soft_wrap=True)
    screen.print(f"build it   ccf-build run --corpus studies:{out}", soft_wrap=True)
