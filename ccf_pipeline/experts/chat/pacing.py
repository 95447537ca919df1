"""Pace the questions: adaptive concurrency, rates, backoff, Retry-After."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

STOOD_STILL_SECONDS = 0.5
"""An alarm that comes so late tells of a process that was stopped, or had no processor."""
DELAY = re.compile(r"\d{1,15}(?:\.\d{1,9})?")


@dataclass(frozen=True)
class Patience:
    """The waiting times of a client."""

    deadline_seconds: float = 900.0
    """For one answer in all, from the first byte sent to the last one heard."""
    connect_seconds: float = 10.0
    attempts: int = 8
    """Times that a question is tried before its row is given up."""
    backoff_seconds: float = 0.5
    most_backoff_seconds: float = 30.0
    most_retry_after_seconds: float = 60.0
    """What a server asks for is obeyed up to here."""
    give_up_seconds: float = 600.0
    start_seconds: float = 20.0
    """A server that was never reached is given up sooner: mostly its address is wrong."""
    stall_seconds: float = 120.0
    """A server that answered before and is silent for so long, with questions under way, is stuck."""
    drain_seconds: float = 30.0
    """What is under way when the run has to end may take so long."""
    hopeless_after: int = 20
    """Questions refused or garbled before a first answer, until the server is taken to be the wrong one."""

    def backoff(self, failures: int, chance: random.Random) -> float:
        """Exponential, with full jitter: those who failed together do not come back together."""
        most = min(self.most_backoff_seconds, self.backoff_seconds * 2 ** min(failures, 16))
        return chance.uniform(0, most)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that a server asks to be left alone; None if it does not say, or says nonsense."""
    milliseconds = headers.get("retry-after-ms", "").strip()
    if DELAY.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    said = headers.get("retry-after", "").strip()
    if DELAY.fullmatch(said):
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # Two clocks may disagree by minutes: a moment that has passed already means now.
    return max(0.0, (moment - now).total_seconds())


class Deadline:
    """A deadline that does not count the time in which this process stood still.

    Stopped, asleep or paused, a loop runs what is overdue before it reads its sockets, in which the answer
    may lie. An alarm that comes late is therefore put off by as much as it was late.
    """

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(None)
        self.since = self._loop.time()
        self._at = self.since + seconds

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._alarm = self._loop.call_at(self._at, self._ring)

    async def __aexit__(self, *error: Any) -> None:
        self._alarm.cancel()
        await self._timeout.__aexit__(*error)

    def put_off(self, seconds: float) -> None:
        self._at += seconds

    def end(self) -> None:
        """Let it be over at once."""
        if not self._timeout.expired():
            self._timeout.reschedule(self._loop.time())

    def _ring(self) -> None:
        late = self._loop.time() - self._at
        if 0 <= late <= STOOD_STILL_SECONDS:
            self.end()
            return
        # As much time again from now on as the alarm came late: the answer may wait in a socket.
        self._at += max(0.0, 2 * late)
        self._alarm = self._loop.call_at(self._at, self._ring)


class Width:
    """The number of questions that a server is given at once.

    It grows by one per answer until the server is first overloaded, as TCP starts; after that by one per
    round. An overload halves it, once per round: what was sent before the cut does not count again.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.now = float(min(16, most))
        self._starting = True
        self._cut_at = float("-inf")

    def widen(self) -> None:
        if self.now < self.most:
            self.now = min(self.most, self.now + (1.0 if self._starting else 1.0 / self.now))

    def narrow(self, sent_at: float, now: float) -> None:
        # Sent before the last cut, it was under way when the server was overloaded: it says nothing new.
        if sent_at < self._cut_at:
            return
        self._starting = False
        self._cut_at = now
        self.now = max(1.0, self.now / 2)


class Rate:
    """So much a minute, evenly: what was used has to flow off before more is let through."""

    def __init__(self, per_minute: int | None) -> None:
        self._per_second = per_minute / 60 if per_minute else None
        self._level = 0.0
        self._as_of = 0.0

    def wait(self, now: float) -> float:
        """Seconds until there is room: none while a second's worth, and one use, have not been filled."""
        if self._per_second is None:
            return 0.0
        self._flow(now)
        # Level and rate as in a leaking bucket; what is over a second's worth has to flow off first.
        over = self._level - max(0.0, self._per_second - 1)
        return max(0.0, over / self._per_second)

    def use(self, amount: float, now: float) -> None:
        """Count what was sent; a negative amount gives back what was estimated too high."""
        if self._per_second is not None:
            self._flow(now)
            self._level = max(0.0, self._level + amount)

    def _flow(self, now: float) -> None:
        if self._per_second is not None:
            self._level = max(0.0, self._level - (now - self._as_of) * self._per_second)
        self._as_of = now
