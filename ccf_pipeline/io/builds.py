"""The build folder: who holds it, what was asked for, which shards are sealed, and whether it is finished."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.io.arrow import read_nouns, write_nouns
from ccf_pipeline.io.disk import TEMPORARY_FILES, disk_error, file_digest, write_text
from ccf_pipeline.records import BuildSummary, PlannedStudy, PlanSummary, Record, Skipped

FORMAT = 1
PRIVATE_FOLDER = 0o700
LOCK = ".lock"
PLAN_SUMMARY = Path("plan") / "summary.json"


class BuildFolder:
    """The files of one build. Accepted rows that stand seal a shard; a manifest that stands, the build."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifest_path = path / "manifest.json"
        self.journal_path = path / "journal" / "completions.sqlite"
        self.quarantine_path = path / "quarantine" / "studies.parquet"
        self.dataset_path = path / "dataset"
        self._plan_summary_path = path / PLAN_SUMMARY

    # --- the plan -------------------------------------------------------------------------

    def plan_path(self, shard: int) -> Path:
        return self.path / "plan" / f"shard-{shard:05}.parquet"

    def keep_plan_shard(self, shard: int, studies: Iterable[PlannedStudy]) -> None:
        write_nouns(self.plan_path(shard), studies, PlannedStudy)

    def keep_plan_summary(self, summary: PlanSummary, skipped: Iterable[Skipped]) -> None:
        """The summary is written last: a plan without it is made anew."""
        write_nouns(self.quarantine_path, skipped, Skipped)
        write_text(self._plan_summary_path, summary.model_dump_json(indent=1) + "\n")

    def plan_summary(self) -> PlanSummary | None:
        """What was planned; None while planning is not finished."""
        if not self._plan_summary_path.is_file():
            return None
        try:
            return PlanSummary.model_validate_json(self._plan_summary_path.read_text(encoding="utf-8"))
        except (ValidationError, OSError) as error:
            raise StorageError(f"{self._plan_summary_path}: damaged", hint=_START_AGAIN) from error

    def planned_studies(self, shard: int) -> Iterator[PlannedStudy]:
        return read_nouns(self.plan_path(shard), PlannedStudy)

    # --- shards ---------------------------------------------------------------------------

    def accepted_path(self, shard: int) -> Path:
        return self.path / "accepted" / f"shard-{shard:05}.parquet"

    def rejected_path(self, shard: int) -> Path:
        return self.path / "rejected" / f"shard-{shard:05}.parquet"

    def is_sealed(self, shard: int) -> bool:
        return self.accepted_path(shard).is_file()

    def seal_shard(self, shard: int, records: list[Record]) -> None:
        """Accepted rows are written last: their file is what marks the shard as done."""
        write_nouns(self.rejected_path(shard), (r for r in records if not r.accepted), Record)
        write_nouns(self.accepted_path(shard), (r for r in records if r.accepted), Record)

    def accepted_of(self, shard: int) -> Iterator[Record]:
        return read_nouns(self.accepted_path(shard), Record)

    def rejected_of(self, shard: int) -> Iterator[Record]:
        return read_nouns(self.rejected_path(shard), Record)

    def accepted_records(self, shards: int) -> Iterator[Record]:
        for shard in range(shards):
            yield from self.accepted_of(shard)

    def rejected_records(self, shards: int) -> Iterator[Record]:
        for shard in range(shards):
            yield from self.rejected_of(shard)

    def records_of(self, shard: int) -> Iterator[Record]:
        """Every judged row of a sealed shard."""
        yield from read_nouns(self.accepted_path(shard), Record)
        yield from read_nouns(self.rejected_path(shard), Record)

    # --- the end --------------------------------------------------------------------------

    def commit(self, summary: BuildSummary) -> None:
        """Write the manifest over everything a user may rely on, then read it back and verify it."""
        files = {
            path.relative_to(self.path).as_posix(): {
                "sha256": file_digest(path),
                "bytes": path.stat().st_size,
            }
            for folder in ("plan", "quarantine", "accepted", "rejected", "dataset")
            for path in sorted((self.path / folder).rglob("*"))
            if path.is_file()
        }
        manifest = {"format": FORMAT, "summary": summary.model_dump(mode="json"), "files": files}
        write_text(self.manifest_path, json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        self.verify()

    def verify(self) -> BuildSummary:
        """Compare every file with the manifest; the first that differs is named."""
        try:
            manifest = json.loads(self.manifest_path.read_text(encoding="utf-8"))
            summary = BuildSummary.model_validate(manifest["summary"])
            files: dict[str, dict[str, Any]] = manifest["files"]
        except (OSError, ValueError, KeyError) as error:
            raise StorageError(f"{self.manifest_path}: cannot be read back", hint=_START_AGAIN) from error
        for name, expected in files.items():
            path = self.path / name
            try:
                intact = path.stat().st_size == expected["bytes"] and file_digest(path) == expected["sha256"]
            except OSError:
                intact = False
            if not intact:
                raise StorageError(f"{path}: is not what the manifest says", hint=_START_AGAIN)
        return summary

    def is_finished(self) -> bool:
        return self.manifest_path.is_file()


_START_AGAIN = (
    "Remove the file that is named and run the same command again; answers in the journal are kept."
)


@contextlib.contextmanager
def open_build(path: Path, identity: dict[str, Any]) -> Iterator[BuildFolder]:
    """Hold a build folder, made if it is not there, for the settings and lineage it belongs to.

    The lock goes with the process: when the holder dies, the folder is free.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        lock = (path / LOCK).open("a+", encoding="utf-8")
    except (FileExistsError, NotADirectoryError) as error:
        raise BuildConflict(f"{path}: is a file, not a build folder") from error
    except OSError as error:
        raise disk_error(path, error) from error
    with lock:
        _take(lock, path)
        _refuse_other_build(path, identity)
        for half_written in path.rglob(TEMPORARY_FILES):
            half_written.unlink(missing_ok=True)
        yield BuildFolder(path)


def _take(lock: Any, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        holder = lock.read().strip() or "another process"
        raise BuildConflict(f"{path}: is being built by {holder}", hint="Wait for it, or stop it.") from error
    lock.seek(0)
    lock.truncate()
    lock.write(f"process {os.getpid()} on {socket.gethostname()}\n")
    lock.flush()


def _refuse_other_build(path: Path, identity: dict[str, Any]) -> None:
    """A folder goes on only with what it was begun with; before its plan stands, nothing was begun."""
    file = path / "build.json"
    begun = _begun_with(path, file)
    if begun is None or not (path / PLAN_SUMMARY).is_file():
        shutil.rmtree(path / "plan", ignore_errors=True)
        write_text(file, json.dumps(identity, indent=1, sort_keys=True) + "\n")
        return
    differing = sorted(key for key in {*begun, *identity} if begun.get(key) != identity.get(key))
    if differing:
        key = differing[0]
        raise BuildConflict(
            f"{path}: was begun with {key} = {begun.get(key)!r}, not {identity.get(key)!r}",
            hint="Choose another --out for the new build, or give the settings it was begun with.",
        )


def _begun_with(path: Path, file: Path) -> dict[str, Any] | None:
    if not file.exists():
        others = sorted(entry.name for entry in path.iterdir() if entry.name != LOCK)
        if others:
            raise BuildConflict(f"{path}: is not empty and is not a build folder (it holds {others[0]})")
        return None
    try:
        begun: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(f"{file}: cannot be read back", hint=_START_AGAIN) from error
    return begun
