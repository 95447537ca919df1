"""Work on portions in other processes, results in the order of the portions whoever is done first."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from ccf_pipeline.errors import CcfError

Portion = TypeVar("Portion")
Result = TypeVar("Result")
Given = TypeVar("Given")


class WorkerDied(CcfError):
    """A process that was given a part of the work is gone."""

    hint = "Run again with --workers 1; each worker needs about 150 MB of memory."


def available_cpus() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_portions(values: Iterable[Portion], size: int) -> Iterator[list[Portion]]:
    """The values in lists of so many; the last may be shorter."""
    waiting = iter(values)
    while portion := list(itertools.islice(waiting, size)):
        yield portion


def map_in_order(
    portions: Iterator[Portion],
    prepare: Callable[[Given], Callable[[Portion], Result]],
    given: Given,
    *,
    workers: int,
) -> Iterator[Result]:
    """What `prepare(given)` makes of each portion, in order.

    Each process calls `prepare` once. Other processes are started only if there is work for two.
    """
    first = list(itertools.islice(portions, 2))
    every = itertools.chain(first, portions)
    if workers < 2 or len(first) < 2:
        yield from map(prepare(given), every)
        return
    # Forking would copy the progress bar's thread in the middle of whatever it does.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(prepare, given))
    waiting: deque[Future[Any]] = deque()
    try:
        for portion in every:
            waiting.append(pool.submit(_do, portion))
            # No further ahead than keeps everybody busy, so that memory does not grow with the input.
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise WorkerDied("a process that was reading reports died") from error
    finally:
        pool.shutdown(cancel_futures=True)


_work: Callable[[Any], Any] | None = None


def _begin(prepare: Callable[[Any], Callable[[Any], Any]], given: Any) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    _work = prepare(given)


def _do(portion: Any) -> Any:
    if _work is None:
        raise AssertionError("a worker was not prepared")
    return _work(portion)
