"""ccf-build check and recheck: verdicts on any data set, and once more on the answers of a build."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.disk import sealed_file

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.records import AuditedPair, RecheckSummary

COLUMNS = ("id", "factual", "candidate", "target", "direction", "swap_from")
REASON_ROWS = 20


def check(
    file: Annotated[
        Path,
        typer.Argument(help="JSON lines, JSON, Parquet, CSV or a folder; ours, CPO's or CF-VLM's."),
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write a verdict per row here, as JSON lines.", callback=on_disk),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns", help="Which column holds what: factual=report,candidate=edited,target=label,…"
        ),
    ] = None,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Judge the counterfactuals of any data set, each by its two texts and what was asked for.

    It exits with 0 whatever the verdicts are.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.quality.check_pairs import audit

    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    with _open_verdict_file(out) as write, progress_bars(quiet=quiet or as_json) as progress:
        for number, row in enumerate(audit(file, _parse_mapping(columns), graph), 1):
            counts["accepted" if row.accepted else "rejected"] += 1
            reasons.update(row.reasons)
            write(row)
            progress("pairs", number, None)
    if as_json:
        accepted = counts["accepted"]
        summary = {"pairs": counts.total(), "accepted": accepted, "reasons": dict(reasons.most_common())}
        typer.echo(json.dumps(summary))
    else:
        _show_audit(console(quiet=quiet), counts, reasons, out)


def recheck(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Keep the new verdicts, and make the data set anew.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Judge the stored answers of a build by the present graph and checker; no expert is asked."""
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.engine import recheck as rechecking

    with progress_bars(quiet=quiet or as_json) as progress:
        summary = rechecking.recheck(build, graph, write=write, progress=progress)
    if as_json:
        typer.echo(summary.model_dump_json())
    else:
        _show_recheck(console(quiet=quiet), summary)


def _parse_mapping(columns: str | None) -> dict[str, str]:
    mapping: dict[str, str] = {}
    for part in (columns or "").split(","):
        if not part.strip():
            continue
        name, equals, column = part.partition("=")
        if not equals or name.strip() not in COLUMNS:
            raise SettingsError(
                f"--columns: `{part.strip()}` does not name a column",
                hint=f"Write NAME=COLUMN with NAME one of {', '.join(COLUMNS)}.",
            )
        mapping[name.strip()] = column.strip()
    return mapping


@contextlib.contextmanager
def _open_verdict_file(path: Path | None) -> Iterator[Callable[[AuditedPair], None]]:
    """Writes verdicts as they come, under a temporary name until all are there."""
    if path is None:
        yield lambda row: None
        return
    with (
        sealed_file(path, private=True) as temporary,
        temporary.open("w", encoding="utf-8", errors="replace") as file,
    ):
        yield lambda row: _write_verdict(file, row)


def _write_verdict(file: TextIO, row: AuditedPair) -> None:
    file.write(row.model_dump_json() + "\n")


def _show_audit(screen: Console, counts: Counter[str], reasons: Counter[str], out: Path | None) -> None:
    from rich.table import Table

    total = counts.total()
    screen.print(f"pairs      {total}")
    screen.print(f"[green]accepted[/green]   {counts['accepted']}" + _format_part(counts["accepted"], total))
    screen.print(f"[red]rejected[/red]   {counts['rejected']}" + _format_part(counts["rejected"], total))
    if reasons:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for column in ("reason", "pairs", "share"):
            table.add_column(column)
        for reason, count in reasons.most_common(REASON_ROWS):
            table.add_row(reason, str(count), f"{count / total:.1%}")
        screen.print()
        screen.print(table)
    if out is not None:
        screen.print(f"\nverdicts   {out}", soft_wrap=True)


def _format_part(count: int, total: int) -> str:
    return f"  ({count / total:.1%})" if total else ""


def _show_recheck(screen: Console, summary: RecheckSummary) -> None:
    from ccf_pipeline.cli.showing import reasons

    screen.print(f"judged           {summary.judged}")
    screen.print(f"accepted         {summary.accepted}" + _format_part(summary.accepted, summary.judged))
    screen.print(f"newly rejected   {reasons(summary.newly_rejected) or 'none'}")
    screen.print(f"newly accepted   {reasons(summary.newly_accepted) or 'none'}")
    screen.print(
        "kept             " + ("yes" if summary.written else "no: run again with --write to keep it")
    )
