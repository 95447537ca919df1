"""Keep a folder of this machine to work in: ours alone, found again after a crash, removed at the end."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.engine.locks import leased
from ccf_pipeline.files.disk import disk_error, remove, remove_folder, write_text


@contextlib.contextmanager
def scratch(base: Path | None, about: str) -> Iterator[Path]:
    """Open a scratch folder for one thing that no living process works in; the next one if it is taken.

    It stays when an error passes through here, so that the next process goes on with what it holds.
    """
    name = hashlib.sha256(about.encode()).hexdigest()[:16]
    for number in itertools.count():
        slot = (base or _cache()) / f"{name}-{number}"
        with leased(slot / "lock") as ours:
            if not ours:
                continue
            yield slot / "build"
            _remove_slot(slot)
        for other in slot.parent.glob(f"{name}-*"):  # of those that died and never came back
            with leased(other / "lock") as ours:
                if ours:
                    _remove_slot(other)
        return


def _remove_slot(slot: Path) -> None:
    remove_folder(slot / "build")
    remove(slot / "worker")


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ccf-pipeline"


def worker_of(folder: Path) -> str:
    """Return the name under which others know whoever works in a scratch folder.

    It is the same after a crash: what the worker had taken is still its own.
    """
    path = folder.parent / "worker"
    try:
        if not path.exists():
            write_text(path, uuid.uuid4().hex, private=True)
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise disk_error(path, error) from error
