"""ccf-build label: the fourteen labels of every report of a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import CORPUS, PLAN, Given, corpus_flags, takes_settings
from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.cli.read import Conventions, Workers
from ccf_pipeline.errors import Unfinished

if TYPE_CHECKING:
    from ccf_pipeline.mining.label_corpus import CorpusCounts


@takes_settings(CORPUS, unused=PLAN)
def label(
    given: Given,
    source: Annotated[
        str | None,
        typer.Argument(
            help="KIND:PATH of the reports; that of --corpus or build.toml if left out.", metavar="CORPUS"
        ),
    ] = None,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            "-o",
            help="A table like mimic-cxr-2.0.0-chexpert.csv (.csv, .csv.gz, .parquet), or .jsonl.",
            callback=on_disk,
        ),
    ],
    conventions: Conventions = "chexpert",
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON for a program.")] = False,
) -> None:
    """Label every report of a corpus with the fourteen findings, in CheXpert's codes and its order.

    The number of workers changes nothing but the time it takes.
    """
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.files.worker_pool import available_cpus
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.mining.label_corpus import Labelling, label_corpus, rules_named
    from ccf_pipeline.mining.label_files import BY_STUDY, LINES, TABLES, open_label_file, refuse_other_files

    refuse_other_files(out, (*TABLES, *LINES))
    chosen = rules_named(conventions)
    settings = given.load(corpus=corpus_flags(source))
    labelling = Labelling(
        load_graph(settings.graph), chosen, out.name.endswith(LINES), workers or available_cpus()
    )
    try:
        with open_label_file(out, BY_STUDY) as write, progress_bars(quiet=as_json) as progress:
            counts = label_corpus(settings.corpus, labelling, write, progress)
    except KeyboardInterrupt:
        raise Unfinished("stopped before the end", hint="Run it again; nothing was written.") from None
    _print_counts(counts, out, as_json=as_json)


def _print_counts(counts: CorpusCounts, out: Path, *, as_json: bool) -> None:
    skipped = {entry.reason: entry.count for entry in counts.skipped}
    if as_json:
        typer.echo(json.dumps({"read": counts.read, "labelled": counts.labelled, "skipped": skipped}))
        return
    by_reason = ", ".join(f"{reason} {count}" for reason, count in skipped.items())
    typer.echo(f"studies read  {counts.read}")
    typer.echo(f"  labelled    {counts.labelled}")
    typer.echo(f"  skipped     {sum(skipped.values())}{f'  {by_reason}' if by_reason else ''}")
    typer.echo(f"labels        {out}")
