"""Ctrl-C, SIGTERM and SIGHUP: a build stops within twenty seconds, whatever it waits for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator

from ccf_pipeline.errors import Unfinished

GIVE_UP_SECONDS = 15.0
"""After a signal, work that has not stopped by itself is interrupted."""
LEAVE_SECONDS = 18.0
"""A process that cannot even be interrupted ends here: what was acknowledged is on the disk."""
STOPPED = "stopped before the end"


@contextlib.contextmanager
def stop_on_signal(*, quiet: bool = True) -> Iterator[Callable[[], bool]]:
    """Give a function that is true once a signal came. A second signal ends the work at once.

    The engine takes in what arrives within some seconds. Planning and writing do not look; they are
    interrupted, since the next run makes them anew.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    heard: list[int] = []
    last_resort = threading.Timer(LEAVE_SECONDS, _leave)
    last_resort.daemon = True

    def hear(number: int, frame: object) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)
        last_resort.start()
        signal.setitimer(signal.ITIMER_REAL, GIVE_UP_SECONDS)
        if not quiet:
            # Not through Python's streams: a handler may not write to one that is being written to.
            os.write(2, b"stopping: answers that arrive within some seconds are kept; Ctrl-C ends it now\n")

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, hear) for number in _list_signals()}
    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, interrupt)
    try:
        yield lambda: bool(heard)
    except KeyboardInterrupt:
        raise Unfinished(STOPPED) from None
    finally:
        last_resort.cancel()
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _list_signals() -> list[signal.Signals]:
    """Return the signals that mean stop; under `nohup`, SIGHUP does not."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *([] if ignored else [signal.SIGHUP])]


def _leave() -> None:
    """End the process where nothing else helped, and what it started."""
    for child in multiprocessing.active_children():
        child.kill()
    os.write(2, f"error: {STOPPED}\nhint:  {Unfinished.hint}\n".encode())
    os._exit(Unfinished.exit_code)
