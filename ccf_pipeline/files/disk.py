"""Files that are whole or absent: written under a temporary name, synced, renamed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.errors import BuildConflict, StorageError

DISK_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})
PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700

TEMPORARY_FILES = ".*.tmp"
"""What a process that was killed may leave behind."""


@contextlib.contextmanager
def sealed_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to; afterwards it is synced and takes the place of `path`.

    An error inside, or a kill at any moment, leaves whatever stood at `path` before.

    Args:
        private: nobody but the owner may read it, nor enter the folders that are made for it.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        make_folder(path.parent, private=private)
        if private:
            temporary.touch(PRIVATE_FILE)
            temporary.chmod(PRIVATE_FILE)
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file, whole or not at all."""
    with sealed_file(path, private=private) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def make_folder(path: Path, *, private: bool = False) -> None:
    """Make a folder and those above it that are missing; one that is there is left as it is."""
    if path.is_dir():
        return
    make_folder(path.parent, private=private)
    path.mkdir(exist_ok=True, mode=PRIVATE_FOLDER if private else 0o777)
    sync(path.parent)


# One kernel has such a file system at a time, so its locks tell the truth about every container that sees it.
ONE_KERNEL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "overlay"})


def has_locks_of_one_kernel(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """True if a path lies on a file system whose locks bind whoever may work there."""
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return False
    above = {str(folder) for folder in (path.resolve(), *path.resolve().parents)}
    found = [(len(words[4]), number, words) for number, words in enumerate(lines) if words[4] in above]
    words = max(found, default=(0, 0, ["-", ""]))[2]  # of several mounts on one folder the last one counts
    return words[words.index("-") + 1] in ONE_KERNEL


@contextlib.contextmanager
def sealed_folder(out: Path) -> Iterator[Path]:
    """Give a private folder to write in; afterwards it takes the place of whatever stood at `out`.

    An error inside leaves nothing; a kill leaves a hidden folder beside `out`, which the next writer clears.
    """
    whole = out.resolve()  # `.` has no name, and where a link leads is where it goes
    staged = whole.with_name(f".{whole.name}.part")
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True, mode=PRIVATE_FOLDER)
        yield staged
        if whole.exists():
            shutil.rmtree(whole)
        staged.replace(whole)
    except OSError as error:
        raise disk_error(out, error) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def list_files(folder: Path) -> list[Path]:
    """Return every file and every link below a folder; raise `StorageError` where one cannot be listed.

    `rglob` leaves a folder out that it may not read, and a manifest made of its list would vouch for less.
    """
    found: list[Path] = []
    try:
        if not folder.exists():
            return []
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            path = Path(entry.path)
            found += list_files(path) if entry.is_dir(follow_symlinks=False) else [path]
    except OSError as error:
        raise disk_error(folder, error) from error
    return found


def refuse_filled(out: Path) -> None:
    """Raise an error if a folder holds files that are not to be mixed with new ones."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BuildConflict(f"{out}: is not an empty folder", hint="Choose another --out.")


def remove(path: Path) -> None:
    """Remove a file if it is there, for good."""
    try:
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error


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
    """Have the disk keep what was written to a file, or which names a folder holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(path: Path) -> None:
    """Remove a folder with all that is in it, if it is there; raise `StorageError` if that fails."""
    try:
        if path.exists():
            shutil.rmtree(path)
            sync(path.parent)
    except OSError as error:
        raise disk_error(path, error) from error
