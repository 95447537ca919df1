"""ccf-build metrics: how good a finished data set is, in figures and gates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ccf_pipeline.cli.options import AsJson, Quiet
from ccf_pipeline.errors import GatesFailed

if TYPE_CHECKING:
    from rich.console import Console

    from ccf_pipeline.quality.figures import Gate, Quality
    from ccf_pipeline.quality.other_labels import LabelSource

TELLTALES_SHOWN = 8


def metrics(
    build: Annotated[Path, typer.Argument(help="The folder of a finished build.")],
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 unless every gate passes.")] = False,
    labels: Annotated[
        list[Path] | None,
        typer.Option(
            "--labels",
            help="Another labeler's CSV, CheXpert's columns by report_id (RECORD:SIDE); may be repeated.",
        ),
    ] = None,
    label_command: Annotated[
        list[str] | None,
        typer.Option("--label-command", help="A command that labels JSON lines: it is given IN and OUT."),
    ] = None,
    write_texts: Annotated[
        Path | None,
        typer.Option("--write-texts", help="Only write the sampled texts here, for another labeler."),
    ] = None,
    sample: Annotated[
        int, typer.Option("--sample", min=1, help="Accepted pairs whose texts are read again.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same pairs.")] = 7,
    encoder: Annotated[
        bool,
        typer.Option(
            "--encoder", help="Have a small transformer read the texts alone, too; needs the extra `probe`."
        ),
    ] = False,
    graph: Annotated[Path | None, typer.Option("--graph", help="A concept graph of your own.")] = None,
    details: Annotated[bool, typer.Option("--all", help="Show every figure below the gates.")] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a data set: flips, collateral, edits, duplicates, balance, privacy, cost, artefacts.

    CPU only, nothing is downloaded. Writes quality.json and report.html into the build folder.
    """
    from ccf_pipeline.cli.showing import console, progress_bars
    from ccf_pipeline.quality import measure_build as quality_of
    from ccf_pipeline.quality.other_labels import LabelCommand, LabelTable

    screen = console(quiet=quiet or as_json)
    sampling = quality_of.Sampling(sample, seed, encoder)
    if write_texts is not None:
        count = quality_of.write_sampled_texts(build, write_texts, sampling)
        screen.print(f"texts      {count} in {write_texts}", soft_wrap=True)
        return
    sources: list[LabelSource] = [LabelTable(path) for path in labels or ()]
    sources += [LabelCommand(command) for command in label_command or ()]
    with progress_bars(quiet=quiet or as_json) as progress:
        quality = quality_of.measure_build(
            build, sampling, graph_path=graph, sources=sources, progress=progress
        )
        report = quality_of.write_report(build, graph_path=graph, progress=progress)
    if as_json:
        typer.echo(quality.model_dump_json())
    show_quality(screen, quality, details=details)
    screen.print(f"\nfigures    {build / quality_of.QUALITY_FILE}", soft_wrap=True)
    screen.print(f"report     {report}", soft_wrap=True)
    if gate:
        refuse_failing(quality.gates)


def refuse_failing(gates: tuple[Gate, ...]) -> None:
    """Tell how many gates failed, and which."""
    failed = [gate.name for gate in gates if not gate.passed]
    if failed:
        raise GatesFailed(f"{len(failed)} of {len(gates)} gates do not pass: {'; '.join(failed)}")


def show_quality(screen: Console, quality: Quality, *, details: bool) -> None:
    """Show the gates and what to do about those that did not pass; with details, every figure too."""
    from rich.table import Table

    from ccf_pipeline.quality.advice import advise
    from ccf_pipeline.quality.tables import figure_rows, gate_rows

    colours = {"passed": "green", "failed": "red", "not measured": "yellow"}
    gates = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("gate", "value", "bound", ""):
        gates.add_column(column)
    for name, value, bound, verdict in gate_rows(quality):
        gates.add_row(name, value, bound, f"[{colours[verdict]}]{verdict}[/]")
    screen.print(gates)
    for gate in quality.gates:
        if not gate.passed:
            screen.print(f"\n{gate.name}: {gate.why}\n  → {advise(gate)}", markup=False, highlight=False)
    samples = quality.figures.samples
    screen.print(
        f"\ntexts were read again for {samples.pairs} of {samples.of} accepted pairs, seed {samples.seed}"
    )
    if not details:
        screen.print("every figure: `ccf-build metrics --all`, or report.html", markup=False)
        return
    figures = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("figure", "value"):
        figures.add_column(column)
    for row in figure_rows(quality.figures):
        figures.add_row(*row)
    screen.print()
    screen.print(figures)
    for view in quality.figures.artefacts:
        told = ", ".join(f"{word.word} ({word.side})" for word in view.words[:TELLTALES_SHOWN])
        if told and view.view in ("findings masked", "wrapper alone"):
            screen.print(f"\nwhat gives it away, {view.view}: {told}", markup=False)
