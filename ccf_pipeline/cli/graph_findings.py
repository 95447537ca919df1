"""Print what mining and extraction found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining.mined import (
    ExtractedRelation,
    ExtractionReport,
    ExtractionStatus,
    MinedRelation,
    MiningReport,
    Status,
)

SHOWN = 12
MEANING: dict[Status, str] = {
    "confirmed": "the reports bear the graph out",
    "contradicted": "the reports say the opposite",
    "unseen": "the reports say too little",
    "proposed": "not in the graph; for a person to judge",
    "explained": "not in the graph, and a consequence of something else",
    "by definition": "kinds of one another; not judged",
}
EXTRACTED: dict[ExtractionStatus, str] = {
    "confirmed": "the model sees what the graph says",
    "not in ours": "the model sees what the graph does not say",
    "contradicted": "the model joins what the graph keeps apart",
    "ours not seen": "signs of the graph that the model did not name often enough",
}


def print_mined(report: MiningReport, graph: ConceptGraph, out: Path | None) -> None:
    """Counts by status, and what asks for a person's eye."""
    console = Console(highlight=False, markup=False)
    skipped = sum(entry.count for entry in report.studies_skipped)
    console.print(
        f"{report.studies_read} studies read, {skipped} skipped; {report.pairs_tested} pairs tested"
    )
    counts = Counter(row.status for row in report.relations)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for status, meaning in MEANING.items():
        table.add_row(status, str(counts[status]), meaning)
    console.print(table)
    for status in ("contradicted", "proposed"):
        _print_rows(console, graph, status, [row for row in report.relations if row.status == status])
    if out is not None:
        console.print(f"\nevery relation with its counts: {out}", soft_wrap=True)


def print_extracted(report: ExtractionReport, graph: ConceptGraph, out: Path) -> None:
    """Print how the extraction compares with the graph, and where its files are."""
    console = Console(highlight=False, markup=False)
    console.print(
        f"{report.cases} cases of {report.studies_read} studies, {report.studies_unreadable} unreadable, "
        f"{report.studies_left_out} left out by the model; "
        f"{report.answers_paid_for} answers asked for, {report.answers_kept_before} kept from before"
    )
    counts = Counter(row.status for row in report.relations)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for status, meaning in EXTRACTED.items():
        table.add_row(status, str(counts[status]), meaning)
    table.add_row("unknown terms", str(len(report.unknown_terms)), "no form of the graph knows them")
    console.print(table)
    for status in ("contradicted", "not in ours"):
        rows = [row for row in report.relations if row.status == status]
        _print_extracted_rows(console, graph, status, rows)
    console.print(f"\nrelations, unknown terms and a draft graph: {out}", soft_wrap=True)


def _print_extracted_rows(
    console: Console, graph: ConceptGraph, title: str, rows: list[ExtractedRelation]
) -> None:
    if not rows:
        return
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", title=title, title_justify="left")
    table.add_column("", ratio=1)
    for name in ("cases", "of the disease", "of the feature"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:SHOWN]:
        labels = f"{graph.concept(row.feature).label} → {graph.concept(row.disease).label}"
        table.add_row(labels, str(row.cases), str(row.cases_with_disease), str(row.cases_with_feature))
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN} more", style="dim")


def _print_rows(console: Console, graph: ConceptGraph, title: str, rows: list[MinedRelation]) -> None:
    if not rows:
        return
    console.print()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", title=title, title_justify="left")
    table.add_column("", ratio=1)
    for name in ("together", "by chance", "odds ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows[:SHOWN]:
        labels = f"{graph.concept(row.concept_a).label} – {graph.concept(row.concept_b).label}"
        said = f"{row.curated_as}{', if ' + row.condition if row.condition else ''}" if row.curated else ""
        table.add_row(
            f"{labels} ({said})" if said else labels,
            f"{row.together:g}",
            f"{row.expected:.1f}",
            _format_interval(row),
            style={"exclusive": "red", "positive": "green", "none": ""}[row.evidence],
        )
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN} more", style="dim")


def _format_interval(row: MinedRelation) -> str:
    return f"{_format_ratio(row.odds_ratio)} ({_format_ratio(row.odds_low)}–{_format_ratio(row.odds_high)})"


def _format_ratio(ratio: float) -> str:
    if ratio >= 1000 or ratio < 0.001:
        return ">999" if ratio > 1 else "<0.001"
    return f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"
