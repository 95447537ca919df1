"""Takes what is to be asked while there is room, and gives answers as they come.

Never more than so many questions are taken at once; each is pursued until it is answered or given up.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator

from ccf_pipeline.errors import CcfError, ExpertError
from ccf_pipeline.experts.chat.faults import Broken, Busy, Fatal, Gone, Refused
from ccf_pipeline.experts.chat.pacing import STOOD_STILL_SECONDS
from ccf_pipeline.experts.chat.question import EXPERT, Question
from ccf_pipeline.experts.chat.servers import Servers
from ccf_pipeline.records import Completion

LOOKS_EVERY_SECONDS = 0.5
WORTH_PUTTING_OFF_SECONDS = 0.05


class Pool:
    """Questions under way, and what came back."""

    def __init__(self, servers: Servers, model: str, *, most: int) -> None:
        self._servers, self._model, self._most = servers, model, most
        self._patience = servers.patience
        self._under_way: set[asyncio.Task[Completion]] = set()
        self._ended: deque[asyncio.Task[Completion]] = deque()
        self._something = asyncio.Event()
        self._stop: CcfError | None = None
        self._left_at = float("inf")
        self._proven = False
        self._doubtful: list[Completion] = []

    def answers(self, take: Callable[[], Question | None]) -> Iterator[tuple[Completion, ...]]:
        """Completions as they come. What was answered comes before the error that ends it all."""
        with asyncio.Runner() as runner:
            try:
                while (completions := runner.run(self._wait_for_answers(take))) is not None:
                    self._left_at = time.perf_counter()
                    yield completions
            finally:
                runner.run(self._close())
        if self._stop is not None:
            raise self._stop

    async def _wait_for_answers(self, take: Callable[[], Question | None]) -> tuple[Completion, ...] | None:
        """The answers that came since, None at the end."""
        self._left_at = min(self._left_at, time.perf_counter())
        if self._stop is None:
            self._fill(take)
        self._put_off_what_waited()
        if not self._under_way and not self._ended:
            self._end_unproven()
            return None
        await self._wait()
        completions: list[Completion] = []
        while self._ended:
            task = self._ended.popleft()
            self._under_way.discard(task)
            if task.cancelled():
                continue
            error = task.exception()
            if error is None:
                completions += self._hold_back_failures(task.result())
            elif isinstance(error, Fatal):
                self._end_with(error.error)
            else:
                raise error
        return tuple(completions)

    def _fill(self, take: Callable[[], Question | None]) -> None:
        while len(self._under_way) < self._most and (question := take()) is not None:
            task = asyncio.get_running_loop().create_task(self._pursue(question))
            task.add_done_callback(self._end)
            self._under_way.add(task)

    def _end(self, task: asyncio.Task[Completion]) -> None:
        self._ended.append(task)
        self._something.set()

    async def _wait(self) -> None:
        """Wait for an answer, or a moment; servers that are stuck or do not come back are noticed."""
        if not self._ended:
            self._something.clear()
            begun = time.perf_counter()
            alarm = asyncio.get_running_loop().call_later(LOOKS_EVERY_SECONDS, self._something.set)
            await self._something.wait()
            alarm.cancel()
            stood_still = time.perf_counter() - begun - LOOKS_EVERY_SECONDS
            if stood_still > STOOD_STILL_SECONDS:  # stopped or asleep: an answer may lie in its socket
                self._servers.put_off(stood_still)
            if not self._ended and self._stop is None and (error := self._servers.watch()) is not None:
                self._end_with(error)
        await asyncio.sleep(0)  # What came at the same moment goes along.

    def _end_with(self, error: CcfError) -> None:
        """Ask nothing more. What is at a server may still come, for a while; the rest is dropped."""
        if self._stop is None:
            self._stop = error
            self._servers.refuse()
            asyncio.get_running_loop().call_later(self._patience.drain_seconds, self._drop)

    def _drop(self) -> None:
        for task in self._under_way:
            task.cancel()

    def _put_off_what_waited(self) -> None:
        """No answer is late for the time in which nobody listened: others judged, wrote, opened a shard."""
        seconds = time.perf_counter() - self._left_at
        if seconds > WORTH_PUTTING_OFF_SECONDS:
            self._servers.put_off(seconds)
        self._left_at = float("inf")

    async def _close(self) -> None:
        self._drop()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        await self._servers.close()

    # --- one question -------------------------------------------------------------------------

    async def _pursue(self, question: Question) -> Completion:
        """Ask until there is an answer, or the question has had its chances."""
        spent = waits = 0
        servers, patience = self._servers, self._patience
        while True:
            errand = await servers.give(question)
            try:
                completion = await errand.server.asker.ask(question)
            except (Busy, Gone, Broken) as fault:
                servers.faulted(errand, fault)
                waits += 1
                spent += 0 if isinstance(fault, Busy) else fault.cost
                if spent >= patience.attempts:
                    return self._make_failed(question, f"{fault.reason}, tried again in vain")
                if isinstance(fault, Broken) or (isinstance(fault, Busy) and fault.retry_after is None):
                    await asyncio.sleep(patience.backoff(waits, servers.chance))
            except Refused as fault:
                servers.heard(errand)
                return self._make_failed(question, fault.reason, known=fault.known)
            except BaseException:
                servers.let_go(errand)
                raise
            else:
                servers.heard(errand, completion)
                return completion

    def _make_failed(self, question: Question, reason: str, *, known: bool = False) -> Completion:
        return Completion(
            prompt_id=question.prompt_id,
            expert=EXPERT,
            model=self._model,
            text="",
            finish_reason=KNOWN if known else "error",
            failure=reason,
        )

    # --- is it the right server at all? --------------------------------------------------------

    def _hold_back_failures(self, completion: Completion) -> list[Completion]:
        """Failures before a first answer are held back: the server may be the wrong one altogether.

        Once kept in the journal they would not be asked again.
        """
        if self._proven:
            return [completion]
        if completion.failure is None or completion.finish_reason == KNOWN:
            self._proven = True
            released, self._doubtful = [*self._doubtful, completion], []
            return released
        self._doubtful.append(completion)
        if len(self._doubtful) >= self._patience.hopeless_after:
            self._end_with(self._describe_hopeless())
        return []

    def _end_unproven(self) -> None:
        if self._doubtful and self._stop is None:
            self._stop = self._describe_hopeless()

    def _describe_hopeless(self) -> ExpertError:
        reasons = sorted({str(completion.failure) for completion in self._doubtful})
        return ExpertError(
            f"{self._model} answered none of {len(self._doubtful)} questions: {reasons[0]}",
            hint="Check the URL and the model; a server that knows no JSON schemas takes --strategy lines,"
            " and `graph extract` a smaller --batch.",
        )


KNOWN = "refused"
