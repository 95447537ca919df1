"""Share work in an object store by leases that run out.

Each worker puts a sign of life every few seconds; a lease is an object that only one can make. A worker whose
sign has not changed for as long as the watcher's own clock says is taken for dead, and the next lease of the
same work may be made. No two machines' clocks are ever compared. A worker that was only asleep does no harm:
of two that seal a shard the first one counts.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable

from pydantic import ValidationError

from ccf_pipeline.engine.bucket.object_store import Store
from ccf_pipeline.records import Holder

WORKERS, LEASES = "workers/", "leases/"

Clock = Callable[[], float]


class Leases:
    """The leases of this worker, and signs of life of the others."""

    def __init__(self, store: Store, worker: str, seconds: float, clock: Clock = time.monotonic) -> None:
        self.worker = worker
        self._store, self._seconds, self._clock = store, seconds, clock
        self._beats = 0
        self._since = int(time.time())
        self._seen: dict[str, tuple[str, float]] = {}

    def beat(self) -> None:
        """Give a sign of life, and look at those of the others."""
        self._beats += 1
        holder = Holder(pid=os.getpid(), host=socket.gethostname(), since=self._since, shares=True)
        self._store.put(
            _name_sign_of_life(self.worker), json.dumps({**holder.model_dump(), "beat": self._beats}).encode()
        )
        self.look()

    def look(self) -> None:
        """Note whose sign has changed, by our own clock."""
        now, signs = self._clock(), self._store.names(WORKERS)
        before = self._seen
        self._seen = {}
        for name, stored in signs.items():
            # The store's own mark of the object's version, and not its time: it changes with every sign of
            # life.
            mark, since = before.get(name, ("", now))
            self._seen[name] = (stored.mark, since if mark == stored.mark else now)

    def leave(self) -> None:
        """Say that nobody works here any more: what this worker had is free at once."""
        self._store.remove(_name_sign_of_life(self.worker))

    def claim(self, work: str) -> bool:
        """Take a piece of work that nobody has, or that its holder's death left; says whether it is ours."""
        taken = sorted(self._store.names(f"{LEASES}{work}/"))
        if taken:
            holder = (self._store.read(taken[-1]) or b"").decode("ascii")
            if holder == self.worker:
                return True
            if self._is_alive(holder):
                return False
        # A lease is never removed or written over. The next one of the same work has the next number, and
        # since the store makes each name once, of all who saw the same holder die exactly one gets it.
        return self._store.put_once(f"{LEASES}{work}/{len(taken) + 1:06}", self.worker.encode("ascii"))

    def leased(self) -> set[str]:
        """The pieces of work that somebody has or had."""
        return {name.split("/")[1] for name in self._store.names(LEASES)}

    def _is_alive(self, worker: str) -> bool:
        self.look()
        # One that was never seen gave its last sign before we came: its time begins to run with our first
        # look.
        seen = self._seen.get(_name_sign_of_life(worker))
        return seen is not None and self._clock() - seen[1] < self._seconds


def workers_in(store: Store) -> list[tuple[Holder, float | None]]:
    """Return who gave a sign of life, and when by the store's clock."""
    found = []
    for name, stored in store.names(WORKERS).items():
        try:
            said = json.loads(store.read(name) or b"{}")
            said.pop("beat", None)
            found.append((Holder.model_validate(said), stored.modified))
        except (ValueError, ValidationError):
            continue
    return found


def _name_sign_of_life(worker: str) -> str:
    return f"{WORKERS}{worker}.json"
