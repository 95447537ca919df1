"""Files that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.errors import StorageError

DISK_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})

TEMPORARY_FILES = ".*.tmp"
"""What a process that was killed may leave behind."""


@contextlib.contextmanager
def sealed_file(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; afterwards it is synced and takes the place of `path`.

    An error inside, or a kill at any moment, leaves whatever stood at `path` before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with sealed_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def disk_error(path: Path, error: OSError) -> StorageError:
    """Say which path the system refused, and why."""
    reason = os.strerror(error.errno) if error.errno else error.__class__.__name__
    if error.errno in DISK_REFUSALS:
        return StorageError(f"{path}: {reason}")
    return StorageError(
        f"{path}: {reason}", hint="Check that the folder exists and that you may write to it."
    )


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk before going on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
