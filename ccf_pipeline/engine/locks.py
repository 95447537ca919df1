"""Lock a build folder, for one process alone or for several that share its shards.

A lock goes with its process: when the holder dies, however it dies, the next one takes over at once.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.files.disk import PRIVATE_FILE, disk_error, has_locks_of_one_kernel, make_folder
from ccf_pipeline.records import Holder

LOCK = ".lock"
GUARD = ".guard"
WITHOUT_LOCKS = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a folder alone; refused while anyone else works on it."""
    with _open_lock_file(folder / LOCK) as file:
        if not _lock(file, fcntl.LOCK_EX, folder):
            raise _make_conflict(folder, file)
        _refuse_other_host(folder, file)
        _write_holder(file, _describe_this_process(shares=False))
        try:
            yield
        finally:
            _write_holder(file, None)


@contextlib.contextmanager
def shared(folder: Path) -> Iterator[bool]:
    """Hold a folder together with others on this machine; says whether this process is the first."""
    with _open_lock_file(folder / LOCK) as file:
        # Alone first, then together with others: whoever gets it alone for a moment is the first one here.
        first = _lock(file, fcntl.LOCK_EX, folder)
        if first:
            _refuse_other_host(folder, file)
            _write_holder(file, _describe_this_process(shares=True))
        if not _lock(file, fcntl.LOCK_SH, folder):
            raise _make_conflict(folder, file)
        try:
            yield first
        finally:
            if _lock(file, fcntl.LOCK_EX, folder):  # the last one to go
                _write_holder(file, None)


@contextlib.contextmanager
def guarded(folder: Path) -> Iterator[None]:
    """One at a time among those that share a folder; the others wait."""
    with _open_lock_file(folder / GUARD) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def leased(path: Path) -> Iterator[bool]:
    """True if this piece of work is ours for now; it is not while another process has it."""
    with _open_lock_file(path) as file:
        yield _lock(file, fcntl.LOCK_EX, path)


def is_leased(path: Path) -> bool:
    """True if a process that lives has this piece of work."""
    if not path.is_file():
        return False
    with _open_to_look(path) as file:
        return not _lock(file, fcntl.LOCK_SH, path)


def holder_of(folder: Path) -> Holder | None:
    """Return who works in the folder now; None where nobody does."""
    path = folder / LOCK
    if not path.is_file():
        return None
    with _open_to_look(path) as file:
        holder = _read_holder(file)
        if holder is not None and _is_beyond_knowledge(folder, holder):
            return holder
        if _lock(file, fcntl.LOCK_SH, folder):  # free, or shared
            return holder if holder is not None and holder.shares and _is_alive(file, folder) else None
        return holder or Holder(pid=0, host=socket.gethostname(), since=0)


def _is_alive(file: IO[bytes], folder: Path) -> bool:
    """True if others share the lock: while they do, it cannot be had alone."""
    return not _lock(file, fcntl.LOCK_EX, folder)


@contextlib.contextmanager
def _open_to_look(path: Path) -> Iterator[IO[bytes]]:
    """Open a lock to ask who has it; the file stays as it is, also where nobody may write."""
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise disk_error(path, error) from error
    with contextlib.closing(file):
        yield file


@contextlib.contextmanager
def _open_lock_file(path: Path) -> Iterator[IO[bytes]]:
    try:
        make_folder(path.parent, private=True)
        path.touch(PRIVATE_FILE)
        # Unbuffered: what a full disk refused must not be tried again as the file is closed.
        file = path.open("r+b", buffering=0)
    except (FileExistsError, NotADirectoryError) as error:
        raise BuildConflict(f"{path.parent}: is a file, not a build folder") from error
    except OSError as error:
        raise disk_error(path, error) from error
    with contextlib.closing(file):
        yield file


def _lock(file: IO[bytes], kind: int, folder: Path) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in WITHOUT_LOCKS:
            raise StorageError(
                f"{folder}: this file system has no locks, so two runs could not be kept apart",
                hint="Build on a local disk; several machines share a build through a store: --out s3://BUCKET/PREFIX.",
            ) from error
        raise disk_error(folder, error) from error
    return True


def _refuse_other_host(folder: Path, file: IO[bytes]) -> None:
    """A lock that is free but still says who has it: its holder died, if the lock can tell that."""
    holder = _read_holder(file)
    if holder is not None and _is_beyond_knowledge(folder, holder):
        raise BuildConflict(
            f"{folder}: was taken by {_name_holder(holder)} and never given back",
            hint=f"If nothing works on it there any more, remove {folder / LOCK} and run this again.",
        )


def _is_beyond_knowledge(folder: Path, holder: Holder) -> bool:
    """True if a holder may live where our kernel does not see its lock: on another machine.

    A container that came back under another name has left its lock on a disk that only this kernel serves.
    """
    return holder.host != socket.gethostname() and not has_locks_of_one_kernel(folder)


def _make_conflict(folder: Path, file: IO[bytes]) -> BuildConflict:
    holder = _read_holder(file)
    return BuildConflict(
        f"{folder}: is being built by {_name_holder(holder) if holder else 'another process'}",
        hint=f"Wait for it, or stop it with `ccf-build stop {folder}`.",
    )


def _name_holder(holder: Holder) -> str:
    return f"process {holder.pid} on {holder.host}"


def _describe_this_process(*, shares: bool) -> Holder:
    listens = (
        callable(signal.getsignal(signal.SIGTERM)) and threading.current_thread() is threading.main_thread()
    )
    return Holder(
        pid=os.getpid(),
        host=socket.gethostname(),
        since=int(time.time()),
        shares=shares,
        listens=listens and not shares,
    )


def _read_holder(file: IO[bytes]) -> Holder | None:
    file.seek(0)
    try:
        return Holder.model_validate_json(file.read())
    except (ValidationError, UnicodeDecodeError):
        return None


def _write_holder(file: IO[bytes], holder: Holder | None) -> None:
    """Say who holds it. A disk that refuses a note does not undo what the lock itself holds."""
    with contextlib.suppress(OSError):
        file.seek(0)
        file.truncate()
        if holder is not None:
            file.write(f"{holder.model_dump_json()}\n".encode())
