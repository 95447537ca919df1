"""Show builds in a terminal: progress while they run, counts when they are done."""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ccf_pipeline.engine.lines import STAGES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from ccf_pipeline.records import BuildSummary, ReasonCount, Record

Progress = Callable[[str, int, int | None], None]

USUAL_CONFIG = "cpo_thinking"
TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
# What moves the cursor, turns the line around, hides, or cannot be printed at all (halves of a pair).
CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]"
)


def console(*, quiet: bool = False) -> Console:
    """Standard output, silent where asked."""
    from rich.console import Console

    return Console(quiet=quiet, highlight=False)


@contextlib.contextmanager
def progress_bars(*, quiet: bool) -> Iterator[Progress]:
    """A bar per stage on standard error, so that standard output stays clean for pipes."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description:24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True, quiet=quiet),
        transient=True,
    )
    tasks: dict[str, object] = {}

    def tell(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(STAGES[stage], total=total)
        bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

    with bars:
        yield tell


def show_summary(out: Console, folder: Path, summary: BuildSummary) -> None:
    """Counts by reason, the configs, and where the files are."""
    from rich.table import Table

    from ccf_pipeline.files.locations import store_url

    plan = summary.plan
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    skipped = sum(entry.count for entry in plan.studies_skipped)
    table.add_row("studies read", str(plan.studies_read), "")
    table.add_row("  skipped", str(skipped), reasons(plan.studies_skipped))
    table.add_row("  no eligible counterfactual", str(plan.studies_without_target), "")
    table.add_row("planned", str(plan.plans), f"for {plan.studies_planned} studies")
    table.add_row("  [green]accepted[/green]", str(summary.accepted), reasons(summary.accepted_by_direction))
    table.add_row("  [red]rejected[/red]", str(summary.rejected), reasons(summary.rejected_by_reason))
    out.print(table)
    out.print()
    files = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("config", "rows", "left out"):
        files.add_column(column)
    for config in summary.configs:
        files.add_row(config.config, str(config.rows), reasons(config.left_out) or "none")
    out.print(files)
    out.print()
    url = store_url(folder)
    if url is not None:
        out.print(f"data set   {url}/dataset", soft_wrap=True)
        out.print(f"fetch it   ccf-build fetch {url} DIR", soft_wrap=True)
        return
    out.print(f"data set   {folder / 'dataset'}", soft_wrap=True)
    if not summary.accepted:
        out.print(
            "no row was accepted; the reasons stand with the rows of the config `rejected`", soft_wrap=True
        )
        return
    filled = [config.config for config in summary.configs if config.rows and config.config != "rejected"]
    if filled:
        chosen = USUAL_CONFIG if USUAL_CONFIG in filled else filled[0]
        out.print(f"load it    {_write_loading_line(folder / 'dataset', chosen)}", soft_wrap=True)


def _write_loading_line(dataset: Path, config: str) -> str:
    """Return a line of Python that loads a config with what is installed here."""
    if importlib.util.find_spec("datasets") is not None:
        return f"datasets.load_dataset({str(dataset)!r}, {config!r})"
    return f"pandas.read_parquet({str(dataset / 'data' / config)!r})"


def show_pair(out: Console, record: Record) -> None:
    """One pair, the factual report above, the counterfactual below, changed words coloured."""
    from rich.panel import Panel

    before, after = coloured_diff(record.factual_text, record.counterfactual_text)
    out.print(Panel(before, title="factual", title_align="left", border_style="dim"))
    title = f"counterfactual: {describe_change(record)}"
    out.print(Panel(after, title=title, title_align="left", border_style="dim"))


def describe_change(record: Record) -> str:
    """Say what a counterfactual changes, by the names of the findings."""
    instead = f" in place of {', '.join(record.swap_from)}" if record.swap_from else ""
    return f"{record.direction} {record.target}{instead}"


def describe_verdict(record: Record) -> str:
    """Say whether a counterfactual was accepted, or the codes of why it was not."""
    if record.accepted:
        return "accepted"
    codes = {problem.code for problem in record.problems if problem.level == "block"}
    return f"rejected: {', '.join(sorted(codes))}"


def coloured_diff(before: str, after: str) -> tuple[Text, Text]:
    """Both texts, with what went in red and what came in green."""
    from rich.text import Text

    old, new = (TOKEN.findall(CONTROL.sub("�", text)) for text in (before, after))
    left, right = Text(), Text()
    for action, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        left.append("".join(old[a:b]), style="" if action == "equal" else "red strike")
        right.append("".join(new[c:d]), style="" if action == "equal" else "bold green")
    return left, right


def reasons(counts: tuple[ReasonCount, ...]) -> str:
    return ", ".join(f"{entry.reason} {entry.count}" for entry in counts)
