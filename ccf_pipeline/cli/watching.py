"""Show a build while it runs: rows judged, pace, cost, and servers that hold it up."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ccf_pipeline.cli.logs import draws_progress
from ccf_pipeline.cli.showing import Progress
from ccf_pipeline.engine.lines import STAGES, MinuteLines, Pace, format_tally

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ccf_pipeline.engine.ask import Tally, Watch
    from ccf_pipeline.settings import PriceSettings


@contextlib.contextmanager
def build_display(prices: PriceSettings, *, quiet: bool) -> Iterator[tuple[Progress, Watch]]:
    """Draw bars and a line of counts for whoever looks at standard error; log a line a minute anyway."""
    lines = MinuteLines(prices)
    if not draws_progress(quiet=quiet):
        yield lines.log_stage, lines.log_tally
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    screen = Console(stderr=True)
    bars = Bars(TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), console=screen)
    tasks: dict[str, object] = {}
    pace = Pace()
    latest: list[Tally] = []

    def tell(stage: str, done: int, total: int | None) -> None:
        lines.log_stage(stage, done, total)
        show(stage, done, total)

    def show(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(STAGES[stage], total=total)
        bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

    def watch(tally: Tally) -> None:
        latest[:] = [tally]
        pace.see(tally.judged)
        lines.log_tally(tally)

    def shown() -> RenderableType:
        if not latest:
            return bars
        show("answers", latest[0].judged, latest[0].planned)
        return Group(bars, Text(format_tally(latest[0], prices, pace.rate()), style="dim"))

    live = Live(get_renderable=shown, console=screen, transient=True, refresh_per_second=4)
    with _show_warnings(screen), live:
        yield tell, watch


@contextlib.contextmanager
def _show_warnings(screen: Console) -> Iterator[None]:
    """The package's warnings, a line each."""

    class OnScreen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            screen.print(f"warning: {record.getMessage()}", style="yellow", markup=False, highlight=False)

    handler, logger = OnScreen(logging.WARNING), logging.getLogger("ccf_pipeline")
    logger.addHandler(handler)
    passed_on, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = passed_on
