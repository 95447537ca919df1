"""Work on portions in other processes, results in the order of the portions whoever is done first."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from ccf_pipeline.errors import WorkerLost

Portion = TypeVar("Portion")
Result = TypeVar("Result")
Given = TypeVar("Given")


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
    """Return what `prepare(given)` makes of each portion, in order.

    Each process calls `prepare` once. Other processes are started only if there is work for two.
    """
    first = list(itertools.islice(portions, 2))
    every = itertools.chain(first, portions)
    if workers < 2 or len(first) < 2:
        yield from map(prepare(given), every)
        return
    # Forking would copy the progress bar's thread in the middle of whatever it does.
    context = multiprocessing.get_context("spawn")
    with _hand_over((prepare, given)) as path:
        pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(path,))
        waiting: deque[Future[Any]] = deque()
        try:
            for portion in every:
                waiting.append(pool.submit(_run_portion, portion))
                # No further ahead than keeps everybody busy, so that memory does not grow with the input.
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise WorkerLost("a process that was reading reports died") from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _hand_over(value: object) -> Iterator[Path]:
    """A file from which other processes take a value over.

    Were a large value handed to a process as it starts, one that dies at once would leave its parent
    waiting for ever: what does not fit the pipe between them is never read.
    """
    with tempfile.TemporaryDirectory(prefix="ccf-") as folder:
        path = Path(folder) / "given.pickle"
        path.write_bytes(pickle.dumps(value))
        yield path


_work: Callable[[Any], Any] | None = None


def _begin(handed_over: Path) -> None:
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    prepare, given = pickle.loads(handed_over.read_bytes())
    _work = prepare(given)


def _run_portion(portion: Any) -> Any:
    if _work is None:
        raise AssertionError("a worker was not prepared")
    return _work(portion)
