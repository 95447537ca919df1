"""How a build looks while it runs: what was judged, how fast, at what cost, and who holds it up."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ccf_pipeline.cli.showing import STAGES, Progress

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from ccf_pipeline.engine.ask import Tally, Watch
    from ccf_pipeline.records import Spend
    from ccf_pipeline.settings import PriceSettings

RATE_OVER_SECONDS = 20.0
REASONS_SHOWN = 3


class Pace:
    """Rows a second, over the last while."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def see(self, done: int) -> None:
        now = self._clock()
        if not self._seen or now - self._seen[-1][0] >= 0.25:
            self._seen.append((now, done))
        while self._seen[0][0] < now - RATE_OVER_SECONDS and len(self._seen) > 2:
            self._seen.popleft()

    def rate(self) -> float | None:
        if len(self._seen) < 2:
            return None
        (begun, first), (now, last) = self._seen[0], self._seen[-1]
        return (last - first) / (now - begun) if last > first else None


def tell_tally(tally: Tally, prices: PriceSettings, rate: float | None) -> str:
    """How the build stands, in a line or two of words."""
    left = tally.planned - tally.judged
    parts = [f"{tally.judged}/{tally.planned} judged"]
    if rate is not None:
        parts += [f"{rate:,.0f}/s" if rate >= 10 else f"{rate * 60:,.1f}/min", f"{_span(left / rate)} left"]
    parts += [f"{tally.accepted} accepted" + (f" ({tally.repaired} after repair)" if tally.repaired else "")]
    if tally.rejected_by:
        worst = ", ".join(f"{code} {count}" for code, count in tally.rejected_by.most_common(REASONS_SHOWN))
        parts.append(f"rejected: {worst}")
    if tally.taken_over:
        parts.append(f"{tally.taken_over} answers taken over")
    if tally.under_way:
        parts.append(f"{tally.under_way} under way")
    if tally.spend.tokens:
        parts.append(tell_spend(tally.spend, prices))
    return " · ".join(parts)


def tell_spend(spend: Spend, prices: PriceSettings) -> str:
    """Answers and tokens, and what they come to at the prices that were set."""
    cost = prices.cost_of(spend)
    return (
        f"{spend.answers:,} answers, tokens in {spend.tokens_in:,} ({spend.tokens_cached:,} cached),"
        f" out {spend.tokens_out:,}" + (f", cost {cost:,.2f}" if cost else "")
    )


@contextlib.contextmanager
def build_display(prices: PriceSettings, *, quiet: bool) -> Iterator[tuple[Progress, Watch]]:
    """Bars and a line of counts on standard error; warnings of the client appear above them."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bars
    from rich.text import Text

    screen = Console(stderr=True, quiet=quiet)
    bars = Bars(TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), console=screen)
    tasks: dict[str, object] = {}
    pace = Pace()
    latest: list[Tally] = []

    def tell(stage: str, done: int, total: int | None) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(STAGES[stage], total=total)
        bars.update(tasks[stage], completed=done, total=total)  # type: ignore[arg-type]

    def watch(tally: Tally) -> None:
        latest[:] = [tally]
        pace.see(tally.judged)

    def shown() -> RenderableType:
        if not latest:
            return bars
        tell("answers", latest[0].judged, latest[0].planned)
        return Group(bars, Text(tell_tally(latest[0], prices, pace.rate()), style="dim"))

    live = Live(get_renderable=shown, console=screen, transient=True, refresh_per_second=4)
    with _warnings_on(screen), live:
        yield tell, watch


@contextlib.contextmanager
def _warnings_on(screen: Console) -> Iterator[None]:
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


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
