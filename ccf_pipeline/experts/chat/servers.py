"""Choose the server to ask next: weights, adaptive limits, pauses, and a circuit breaker each."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ccf_pipeline.errors import CcfError, ExpertError, Unfinished
from ccf_pipeline.experts.chat.faults import Broken, Busy, Gone
from ccf_pipeline.experts.chat.pacing import Patience, Rate, Width
from ccf_pipeline.experts.chat.question import Asker, Question
from ccf_pipeline.experts.guard import ignored_proxies
from ccf_pipeline.records import Completion

logger = logging.getLogger(__name__)

OPENS_AFTER = 5
"""Faults one after another, until a server is asked one question at a time, to see whether it is back."""

BUSY_TOLD_EVERY_SECONDS = 60.0


@dataclass
class Server:
    """One endpoint with how it stands; `faults` counts those since its last answer."""

    asker: Asker
    width: Width
    requests: Rate
    tokens: Rate
    under_way: int = 0
    answers: int = 0
    faults: int = 0
    reason: str = ""
    in_trouble_since: float | None = None
    quiet_until: float = 0.0
    last_heard: float = 0.0
    slowest: float = 0.0
    told: bool = False
    busy_told_at: float = float("-inf")
    reached: bool = False
    estimates: bool = False

    @property
    def name(self) -> str:
        return self.asker.endpoint.name

    @property
    def load(self) -> float:
        return (self.under_way + 1) / self.asker.endpoint.weight

    def wait(self, now: float) -> float | None:
        """Seconds until it takes a question; None while only another's end makes room."""
        if self.under_way >= (1 if self.faults >= OPENS_AFTER else int(self.width.now)):
            return None
        return max(self.quiet_until - now, self.requests.wait(now), self.tokens.wait(now), 0.0)


@dataclass
class Errand:
    """A question at a server, since when."""

    server: Server
    sent_at: float
    tokens: int


@dataclass
class Servers:
    """All endpoints together; those who ask wait here, first come, first served."""

    all: list[Server]
    patience: Patience
    chance: random.Random
    answering: set[str] = field(default_factory=set)
    _closed: bool = False
    _queue: deque[tuple[asyncio.Future[Errand], Question]] = field(default_factory=deque)
    _alarm: asyncio.TimerHandle | None = None

    async def give(self, question: Question) -> Errand:
        """Wait until a server may be asked; it is then taken to be."""
        if self._closed:
            raise asyncio.CancelledError
        now = _read_clock()
        if not self._queue and (server := self._find_free(now)) is not None:
            return self._begin(server, question, now)
        future: asyncio.Future[Errand] = asyncio.get_running_loop().create_future()
        self._queue.append((future, question))
        self._hand_out()
        try:
            return await future
        except asyncio.CancelledError:
            # A cancelled waiter may have been given a server in the same turn of the loop: it has to be given
            # back, or the server would count one question under way for ever.
            if future.done() and not future.cancelled():
                self._end(future.result())
            raise

    def refuse(self) -> None:
        """Hand out nothing more; those who wait are sent away."""
        self._closed = True
        for future, _ in self._queue:
            future.cancel()

    # --- what came of it ----------------------------------------------------------------------

    def heard(self, errand: Errand, completion: Completion | None = None) -> None:
        """It answered, be it with a refusal of this question."""
        server, now = errand.server, _read_clock()
        if server.told:
            logger.warning("%s answers again", server.name)
        server.answers += 1
        server.reached = True
        server.faults, server.in_trouble_since, server.told = 0, None, False
        server.last_heard = now
        took = now - errand.sent_at
        # The slowest answer is forgotten slowly: a server that was cold once is not called stuck an hour
        # later.
        server.slowest = max(took, 0.99 * server.slowest)
        if took > self.patience.deadline_seconds / 2:
            server.width.narrow(errand.sent_at, now)
        else:
            server.width.widen()
        if completion is not None:
            # An estimate was counted when the question was sent: only the difference is charged now.
            server.tokens.use(completion.tokens_in + completion.tokens_out - errand.tokens, now)
            self._notice(completion.served_by)
            if completion.tokens_estimated and not server.estimates:
                server.estimates = True
                logger.warning(
                    "%s does not say how many tokens it used: they are estimated",
                    server.name,
                )
        self._end(errand)

    def faulted(self, errand: Errand, fault: Busy | Gone | Broken) -> None:
        """It did not answer: it is given fewer questions, a rest, or one at a time."""
        server, now, patience = errand.server, _read_clock(), self.patience
        server.faults += 1
        server.reason = fault.reason
        server.reached = server.reached or not isinstance(fault, Gone) or fault.cost > 0
        server.in_trouble_since = server.in_trouble_since or now
        # A garbled answer says nothing of how busy the server is, but one that broke late was too slow.
        if not isinstance(fault, Broken) or fault.cost > 1:
            server.width.narrow(errand.sent_at, now)
        rest = 0.0
        if isinstance(fault, Busy) and fault.retry_after is not None:
            rest = min(fault.retry_after, patience.most_retry_after_seconds)
        # One failure is no reason for a rest; OPENS_AFTER in a row are, and each time as many follow a longer
        # one.
        elif isinstance(fault, Gone) or server.faults >= OPENS_AFTER:
            rest = patience.backoff(server.faults // OPENS_AFTER, self.chance)
        server.quiet_until = max(server.quiet_until, now + rest)
        if isinstance(fault, Busy):
            if now - server.busy_told_at >= BUSY_TOLD_EVERY_SECONDS:
                server.busy_told_at = now
                logger.warning("%s %s; it is asked less often", server.name, fault.reason)
        elif server.faults >= OPENS_AFTER and not server.told:
            server.told = True
            logger.warning("%s is down: %s. It is asked again from time to time.", server.name, fault.reason)
        self._end(errand)

    def let_go(self, errand: Errand) -> None:
        """Nobody waits for the answer any more."""
        self._end(errand)

    # --- the watchdog -------------------------------------------------------------------------

    def watch(self) -> CcfError | None:
        """Called now and then: hang up on servers that are stuck; the reason to stop, if there is one."""
        now = _read_clock()
        for server in self.all:
            oldest = server.asker.oldest()
            if oldest is None or not server.answers:
                continue  # A server that is starting may take its time, up to the deadline.
            silent = now - max(oldest, server.last_heard)
            # Eight times its slowest answer: long reports take minutes on a small GPU, and hanging up costs
            # them all.
            if silent > max(self.patience.stall_seconds, 8 * server.slowest):
                server.asker.hang_up()
        return self._find_reason_to_stop(now)

    def _find_reason_to_stop(self, now: float) -> CcfError | None:
        # One server that answers, or is trusted with more than one question, is reason enough to go on.
        if any(server.in_trouble_since is None or server.under_way > 1 for server in self.all):
            return None
        seconds = now - max(server.in_trouble_since or now for server in self.all)
        told = "; ".join(f"{server.name}: {server.reason}" for server in self.all)
        if seconds > self.patience.start_seconds and not any(server.reached for server in self.all):
            return ExpertError(
                f"no answer within {seconds:.0f} s; {told}",
                hint="Check that the server runs and that the URL is right, https or http; then run the"
                " command again." + self._describe_proxies(),
            )
        if seconds > self.patience.give_up_seconds:
            return Unfinished(
                f"no answer for {seconds:.0f} s; {told}",
                hint="What was answered is kept: when the server is back, run the same command again.",
            )
        return None

    def _describe_proxies(self) -> str:
        proxies = ignored_proxies()
        if not proxies or all(server.asker.endpoint.zone == "this machine" for server in self.all):
            return ""
        return f" {', '.join(proxies)} set, but no proxy is used: it would read along."

    def put_off(self, seconds: float) -> None:
        """Nobody listened for so long: no answer is late for that."""
        for server in self.all:
            server.asker.put_off(seconds)
            server.last_heard += seconds
            if server.in_trouble_since is not None:
                server.in_trouble_since += seconds

    async def close(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        await asyncio.gather(*(server.asker.close() for server in self.all))

    # --- handing out --------------------------------------------------------------------------

    def _begin(self, server: Server, question: Question, now: float) -> Errand:
        server.under_way += 1
        tokens = question.about_tokens
        server.requests.use(1, now)
        server.tokens.use(tokens, now)
        return Errand(server, now, tokens)

    def _end(self, errand: Errand) -> None:
        errand.server.under_way -= 1
        if self._queue:
            self._hand_out()

    def _find_free(self, now: float) -> Server | None:
        free = [server for server in self.all if server.wait(now) == 0]
        return min(free, key=lambda server: server.load) if free else None

    def _hand_out(self) -> None:
        now = _read_clock()
        while self._queue:
            future, question = self._queue[0]
            if future.done():
                self._queue.popleft()
                continue
            server = self._find_free(now)
            if server is None:
                self._set_alarm(now)
                return
            self._queue.popleft()
            future.set_result(self._begin(server, question, now))

    def _set_alarm(self, now: float) -> None:
        """Look again when the first pause ends."""
        waits = [wait for server in self.all if (wait := server.wait(now)) is not None]
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = (
            asyncio.get_running_loop().call_later(max(0.001, min(waits)), self._hand_out) if waits else None
        )

    def _notice(self, served_by: str | None) -> None:
        """Say when another model answers than before: each answer in the journal keeps which."""
        if served_by is None or served_by in self.answering:
            return
        if self.answering:
            logger.warning(
                "another model answers: %s (before: %s)", served_by, ", ".join(sorted(self.answering))
            )
        self.answering.add(served_by)


def servers_of(
    askers: Iterable[Asker],
    patience: Patience,
    chance: random.Random,
    *,
    most: int,
    requests_per_minute: int | None = None,
    tokens_per_minute: int | None = None,
) -> Servers:
    """All servers at rest."""
    return Servers(
        [Server(asker, Width(most), Rate(requests_per_minute), Rate(tokens_per_minute)) for asker in askers],
        patience,
        chance,
    )


def _read_clock() -> float:
    return asyncio.get_running_loop().time()
