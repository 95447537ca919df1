"""Put the state of a build into words, for a screen and for the lines of a job log.

Counts, ids and reasons only: never a word of a report.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccf_pipeline.engine.ask import Tally
    from ccf_pipeline.records import Spend
    from ccf_pipeline.settings import PriceSettings

logger = logging.getLogger(__name__)

EVERY_SECONDS = 60.0
RATE_OVER_SECONDS = 20.0
REASONS_SHOWN = 3

STAGES = {
    "ingest": "reading reports",
    "images": "converting images",
    "survey": "surveying the corpus",
    "studies": "reading and planning",
    "answers": "asking and judging",
    "pairs": "judging pairs",
    "review": "choosing pairs",
    "recheck": "judging again",
    "rows": "counting rows",
    "metrics": "reading texts again",
    "audit": "judging bare texts",
    "report": "choosing pairs to show",
    "artefacts": "telling sides apart",
    "select": "selecting pairs",
    "probe": "training scorers",
    "verify": "comparing files",
    "dataset": "writing the data set",
    "mining": "reading reports",
    "labels": "labelling reports",
    "extraction": "asking the model",
    "deltas": "writing deltas",
    "phrases": "looking for phrases",
    "scan": "searching for leaks",
    "rebuild": "making rows again",
    "upload": "sending files",
    "fetch": "fetching files",
}


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


class MinuteLines:
    """Logs a line once a minute: how far a stage is, and how the asking stands."""

    def __init__(self, prices: PriceSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._prices, self._clock, self._pace = prices, clock, Pace(clock)
        self._last = clock()

    def log_stage(self, stage: str, done: int, total: int | None) -> None:
        """Log how far a stage is; it may be called for every study."""
        if self._is_due():
            logger.info("%s: %s", STAGES[stage], f"{done:,} of {total:,}" if total else f"{done:,}")

    def log_tally(self, tally: Tally) -> None:
        """Log how many rows were judged and what it cost."""
        self._pace.see(tally.judged)
        if self._is_due():
            logger.info("%s", format_tally(tally, self._prices, self._pace.rate()))

    def _is_due(self) -> bool:
        now = self._clock()
        if now - self._last < EVERY_SECONDS:
            return False
        self._last = now
        return True


def format_tally(tally: Tally, prices: PriceSettings, rate: float | None) -> str:
    """Say how a build stands, in a line or two."""
    left = tally.planned - tally.judged
    parts = [f"{tally.judged}/{tally.planned} judged"]
    if rate is not None:
        parts += [
            f"{rate:,.0f}/s" if rate >= 10 else f"{rate * 60:,.1f}/min",
            f"{_format_span(left / rate)} left",
        ]
    parts += [f"{tally.accepted} accepted" + (f" ({tally.repaired} after repair)" if tally.repaired else "")]
    if tally.rejected_by:
        worst = ", ".join(f"{code} {count}" for code, count in tally.rejected_by.most_common(REASONS_SHOWN))
        parts.append(f"rejected: {worst}")
    if tally.taken_over:
        parts.append(f"{tally.taken_over} answers taken over")
    if tally.under_way:
        parts.append(f"{tally.under_way} under way")
    if tally.spend.tokens:
        parts.append(format_spend(tally.spend, prices))
    return " · ".join(parts)


def format_spend(spend: Spend, prices: PriceSettings) -> str:
    """Say how many answers and tokens there were, and what they cost at the prices that were set."""
    cost = prices.cost_of(spend)
    return (
        f"{spend.answers:,} answers, tokens in {spend.tokens_in:,} ({spend.tokens_cached:,} cached),"
        f" out {spend.tokens_out:,}" + (f", cost {cost:,.2f}" if cost else "")
    )


def _format_span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
