"""Keep a folder of this machine to work in: ours alone, found again after a crash, removed at the end."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.engine.locks import leased
from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.disk import disk_error, make_folder, remove, remove_folder, write_text

ABOUT = "about"
"""The file of a slot that says what it is for."""


@contextlib.contextmanager
def scratch(base: Path | None, about: str) -> Iterator[Path]:
    """Open a scratch folder for one thing that no living process works in; the next one if it is taken.

    It stays when an error passes through here, so that the next process goes on with what it holds.
    """
    name = hashlib.sha256(about.encode()).hexdigest()[:16]
    for number in itertools.count():
        slot = (base or _cache()) / f"{name}-{number}"
        _require_ours(slot)
        with leased(slot / "lock") as ours:
            if not ours:
                continue
            write_text(slot / ABOUT, about, private=True)
            yield slot / "build"
            _remove_slot(slot)
        for other in slot.parent.glob(f"{name}-*"):  # of those that died and never came back
            with leased(other / "lock") as ours:
                if ours:
                    _remove_slot(other)
        return


def wipe_scratch(base: Path | None, about: str) -> tuple[int, int]:
    """Remove what was left in scratch folders of things whose description begins so.

    Returns how many were removed, and how many a living process works in.
    """
    removed = held = 0
    for path in sorted((base or _cache()).glob(f"*/{ABOUT}")):
        if not path.read_text(encoding="utf-8").startswith(about):
            continue
        with leased(path.with_name("lock")) as ours:
            if ours:
                _remove_slot(path.parent)
            removed, held = removed + ours, held + (not ours)
    return removed, held


def _require_ours(slot: Path) -> None:
    """Refuse a folder that somebody else made, or may look into: its name can be known beforehand."""
    make_folder(slot, private=True)
    found = slot.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise StorageError(
            f"{slot}: others own it or may look into it",
            hint="Choose a --scratch folder that is yours alone, and remove this one.",
        )


def _remove_slot(slot: Path) -> None:
    remove_folder(slot / "build")
    remove(slot / "worker")
    remove(slot / ABOUT)


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
