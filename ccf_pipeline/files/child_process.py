"""Do work that may crash, hang or eat memory in processes that can be thrown away."""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Generic, TypeVar

from ccf_pipeline.errors import CcfError

J = TypeVar("J")
R = TypeVar("R")

BEGINNING_SECONDS = 120
"""A new process loads its packages first; that is not held against its first job."""
_READY = "ready"


@dataclass(frozen=True)
class Refusal:
    """The reason why a job came to nothing."""

    reason: str
    detail: str = ""


class JobRefused(CcfError):
    """A job that cannot be done; `reason` is the code it is counted under."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class _Worker(Generic[J, R]):
    def __init__(self, work: Callable[[J], R], memory_bytes: int) -> None:
        # A fresh interpreter: a fork would copy the locks of Arrow's threads as they happened to be.
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, work, memory_bytes), daemon=True)
        self.process.start()
        other.close()
        self.job: tuple[int, J] | None = None
        self.deadline = 0.0
        self.seconds = 0.0
        self.is_ready = False

    def give(self, number: int, job: J, seconds: float) -> None:
        self.job = (number, job)
        self.seconds = seconds
        self.deadline = time.monotonic() + (seconds if self.is_ready else BEGINNING_SECONDS)
        self.connection.send(job)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


def run_isolated(
    work: Callable[[J], R],
    jobs: Iterable[J],
    *,
    workers: int,
    timeout_seconds: float,
    memory_bytes: int,
) -> Iterator[tuple[int, J, R | Refusal]]:
    """Each job's number, the job, and its result or why there is none; in the order they are done.

    A process that dies or does not answer in time is replaced, and the rest goes on.
    """
    waiting = enumerate(jobs)
    pool: list[_Worker[J, R]] = []
    try:
        for number, job in waiting:
            worker: _Worker[J, R] = _Worker(work, memory_bytes)
            pool.append(worker)
            worker.give(number, job, timeout_seconds)
            if len(pool) == workers:
                break
        while busy := [worker for worker in pool if worker.job is not None]:
            first_deadline = min(worker.deadline for worker in busy)
            ready = wait([w.connection for w in busy], timeout=max(0.0, first_deadline - time.monotonic()))
            for worker in busy:
                outcome = _read_outcome(worker, worker.connection in ready)
                if outcome is None or worker.job is None:
                    continue
                number, job = worker.job
                worker.job = None
                is_lost = isinstance(outcome, Refusal) and outcome.reason in ("crashed", "timeout")
                if is_lost:
                    worker.stop()
                    pool.remove(worker)
                following = next(waiting, None)
                if following is not None:
                    if is_lost:
                        worker = _Worker(work, memory_bytes)
                        pool.append(worker)
                    worker.give(*following, timeout_seconds)
                yield number, job, outcome
    finally:
        for worker in pool:
            worker.stop()


def _read_outcome(worker: _Worker[J, R], is_ready: bool) -> R | Refusal | None:
    if is_ready:
        try:
            answer: R | Refusal = worker.connection.recv()
        except (EOFError, OSError):
            return Refusal("crashed", "the decoder ended its process")
        if answer == _READY and not worker.is_ready:
            worker.is_ready = True
            worker.deadline = time.monotonic() + worker.seconds
            return None
        return answer
    if time.monotonic() > worker.deadline:
        return Refusal("timeout", "not decoded in time")
    return None


def _serve(connection: Connection, work: Callable[[Any], Any], memory_bytes: int) -> None:
    """Answer jobs until the parent goes."""
    connection.send(_READY)
    limit_memory(memory_bytes)
    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            answer = work(job)
        except JobRefused as refused:
            answer = Refusal(refused.reason, refused.detail)
        except MemoryError:
            answer = Refusal("out_of_memory")
        connection.send(answer)


def limit_memory(most_bytes: int) -> None:
    """Let this process ask for so much more memory than it has, and no more."""
    with Path("/proc/self/statm").open() as file:
        has = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (has + most_bytes, has + most_bytes))
