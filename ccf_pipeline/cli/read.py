"""ccf-build read: what the reader makes of a text and why, or labels for a file of reports."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.places import on_disk
from ccf_pipeline.errors import MissingInput, Unfinished, UnreadableInput

if TYPE_CHECKING:
    from ccf_pipeline.corpora.report_lines import PlainText
    from ccf_pipeline.graph import ConceptGraph
    from ccf_pipeline.mining.label_corpus import LineCounts, ReadingRules
    from ccf_pipeline.mining.label_files import LabelledReport, WriteRows

Conventions = Annotated[
    str,
    typer.Option(
        "--conventions",
        help="chexpert, ccf, strict or negex, and what differs: chexpert,no_new=absent.",
    ),
]
Graph = Annotated[
    Path | None,
    typer.Option("--graph", help="A graph file; the one that comes along if left out.", show_default=False),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Processes that read; one per processor if left out.", show_default=False
    ),
]


def read(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT|FILE|-]",
            help="A sentence, a file that holds a report or any other text, or - for standard input.",
            show_default=False,
        ),
    ] = None,
    reports: Annotated[
        Path | None,
        typer.Option("--in", help="Many reports, one JSON object on a line; - for standard input."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="With --in: labels and mentions, a .jsonl file; printed if left out.",
            callback=on_disk,
        ),
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv", help="With --in: a table of CheXpert's codes, .csv or .csv.gz.", callback=on_disk
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="With --in: leave out lines that hold no report.")
    ] = False,
    conventions: Conventions = "chexpert",
    graph: Graph = None,
    workers: Workers = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print mentions and labels as JSON.")] = False,
) -> None:
    """Show what a text asserts, denies or doubts, and which phrase decided; or label many reports.

    Lines of --in are {"report_id", "text"} or {"report_id", "findings", "impression"}, with any other keys.
    """
    from ccf_pipeline.graph.load import load_graph
    from ccf_pipeline.mining.label_corpus import rules_named
    from ccf_pipeline.settings import load_settings

    if (what is None) == (reports is None):
        raise typer.BadParameter("give a TEXT or FILE to explain, or --in FILE to label many reports")
    if reports is None and (out or table or skip_bad):
        raise typer.BadParameter("--out, --csv and --skip-bad go with --in")
    chosen = rules_named(conventions)
    loaded = load_graph(load_settings(None, {"graph": graph}).graph)
    if what is not None:
        _show_explanation(_read_given_text(what), loaded, chosen, as_json=as_json)
    elif reports is not None:
        counts = _label_reports(reports, out, table, loaded, chosen, workers=workers, skip_bad=skip_bad)
        typer.echo(_format_counts(counts), err=True)


# --- one text -------------------------------------------------------------------------------


def _show_explanation(told: PlainText, graph: ConceptGraph, rules: ReadingRules, *, as_json: bool) -> None:
    from ccf_pipeline.mining.label_corpus import Reader

    reader = Reader.of(graph, rules)
    reading = reader.read(told.text)
    if as_json:
        mentions = [
            {**mention.model_dump(), "phrase": told.text[mention.start : mention.end]}
            for mention in reading.mentions
        ]
        page = {"read_from": told.read_from, "labels": reading.codes, "mentions": mentions}
        typer.echo(json.dumps(page, indent=1))
        return
    from ccf_pipeline.cli.reading_page import print_reading

    print_reading(told, reading, reader.lexicon, graph)


def _read_given_text(what: str) -> PlainText:
    from ccf_pipeline.corpora.report_lines import PlainText, read_plain_text

    path = Path(what)
    if what == "-" or _is_there(path):
        return read_plain_text(path)
    # Nobody reports in one word that ends like a file.
    if path.suffix in (".txt", ".json", ".jsonl", ".gz", ".csv", ".md") and len(what.split()) == 1:
        raise MissingInput(f"{what}: there is no such file")
    return PlainText(what)


def _is_there(path: Path) -> bool:
    """A text that is far too long for a name, or holds what no name may, is no file."""
    try:
        return path.is_file() or path.is_dir()
    except (OSError, ValueError):
        return False


# --- many reports ---------------------------------------------------------------------------


def _label_reports(
    reports: Path,
    out: Path | None,
    table: Path | None,
    graph: ConceptGraph,
    rules: ReadingRules,
    *,
    workers: int | None,
    skip_bad: bool,
) -> LineCounts:
    from ccf_pipeline.cli.showing import progress_bars
    from ccf_pipeline.corpora.report_lines import read_report_lines
    from ccf_pipeline.files.worker_pool import available_cpus
    from ccf_pipeline.mining.label_corpus import Labelling, label_lines
    from ccf_pipeline.mining.label_files import LINES, TABLES, refuse_other_files

    if out is not None:
        refuse_other_files(out, LINES)
    if table is not None:
        refuse_other_files(table, TABLES, "--csv")
    printed = out is None and table is None
    labelling = Labelling(graph, rules, printed or out is not None, workers or available_cpus())
    try:
        with _open_outputs(out, table) as write, progress_bars(quiet=printed) as progress:
            counts = label_lines(read_report_lines(reports), labelling, write, progress)
            if counts.bad and not skip_bad:
                raise UnreadableInput(f"{reports}: {_name_bad_lines(counts)}", hint=_make_hint(printed))
            return counts
    except KeyboardInterrupt:
        raise Unfinished("stopped before the end", hint="Run it again; no file was written.") from None


@contextlib.contextmanager
def _open_outputs(out: Path | None, table: Path | None) -> Iterator[WriteRows]:
    """One way to write to all that was asked for; nothing asked for is standard output."""
    from ccf_pipeline.mining.label_files import BY_REPORT, json_line, open_label_file

    with contextlib.ExitStack() as stack:
        files = [path for path in (out, table) if path is not None]
        writers = [stack.enter_context(open_label_file(path, BY_REPORT)) for path in files]
        if not writers:
            writers = [lambda reports: sys.stdout.writelines(map(json_line, reports))]

        def write(reports: Sequence[LabelledReport]) -> None:
            for one in writers:
                one(reports)

        yield write


def _name_bad_lines(counts: LineCounts) -> str:
    """The bad lines by number, the first dozen of them."""
    named = ", ".join(f"line {line.number} ({line.problem})" for line in counts.kept)
    more = f" and {counts.bad - len(counts.kept)} more" if counts.bad > len(counts.kept) else ""
    return f"{counts.bad} of {counts.read} lines hold no report: {named}{more}"


def _make_hint(printed: bool) -> str:
    done = "What was printed lacks them." if printed else "Nothing was written."
    return f"Mend these lines, or add --skip-bad to leave them out. {done}"


def _format_counts(counts: LineCounts) -> str:
    left_out = f"; {_name_bad_lines(counts)}" if counts.bad else ""
    return f"{counts.read} lines read, {counts.labelled} labelled, {counts.bad} left out{left_out}"
