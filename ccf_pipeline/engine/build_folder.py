"""The build folder: what was asked for, which shards are sealed, and whether it is finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ccf_pipeline.errors import MissingInput, StorageError
from ccf_pipeline.files.arrow import read_nouns, write_nouns
from ccf_pipeline.files.disk import (
    PRIVATE_FOLDER,
    TEMPORARY_FILES,
    disk_error,
    file_digest,
    remove,
    remove_folder,
    write_text,
)
from ccf_pipeline.files.locations import store_url
from ccf_pipeline.records import BuildSummary, PlannedStudy, PlanSummary, ReasonCount, Record, Seal, Skipped

__all__ = ["PRIVATE_FOLDER", "BuildFolder", "identity_of"]

FORMAT = 2
PLAN_SUMMARY = Path("plan") / "summary.json"
STOP = ".stop"
TALLY = ".tally.json"
"""Counts of the run at work, for `status`; nothing else relies on them."""
COMMITTED = ("plan", "quarantine", "accepted", "rejected", "seals", "dataset")
"""The folders whose every file the manifest vouches for."""


class BuildFolder:
    """The files of one build. A seal that stands closes a shard; a manifest that stands, the build."""

    def __init__(self, path: Path) -> None:
        refuse_store(path)
        self.path = path
        self.manifest_path = path / "manifest.json"
        self.journal_path = path / "journal" / "completions.sqlite"
        self.quarantine_path = path / "quarantine" / "studies.parquet"
        self.dataset_path = path / "dataset"
        self.identity_path = path / "build.json"
        self.stop_path = path / STOP
        self.plan_summary_path = path / PLAN_SUMMARY

    # --- the plan -------------------------------------------------------------------------

    def plan_path(self, shard: int) -> Path:
        return self.path / "plan" / f"shard-{shard:05}.parquet"

    def keep_plan_shard(self, shard: int, studies: Iterable[PlannedStudy]) -> None:
        write_nouns(self.plan_path(shard), studies, PlannedStudy)

    def keep_plan_summary(self, summary: PlanSummary, skipped: Iterable[Skipped]) -> None:
        """The summary is written last: a plan without it is made anew."""
        write_nouns(self.quarantine_path, skipped, Skipped)
        write_text(self.plan_summary_path, summary.model_dump_json(indent=1) + "\n", private=True)

    def plan_summary(self) -> PlanSummary | None:
        """Return what was planned; None while planning is not finished."""
        if not self.plan_summary_path.is_file():
            return None
        try:
            return PlanSummary.model_validate_json(self.plan_summary_path.read_text(encoding="utf-8"))
        except (ValidationError, OSError, UnicodeDecodeError) as error:
            raise StorageError(f"{self.plan_summary_path}: damaged", hint=repair_hint(self.path)) from error

    def planned_studies(self, shard: int) -> Iterator[PlannedStudy]:
        return read_nouns(self.plan_path(shard), PlannedStudy)

    def forget_plan(self) -> None:
        """Its summary goes first: without it, what is left of a plan counts for nothing."""
        remove(self.plan_summary_path)
        remove_folder(self.path / "plan")

    # --- shards ---------------------------------------------------------------------------

    def accepted_path(self, shard: int) -> Path:
        return self.path / "accepted" / f"shard-{shard:05}.parquet"

    def rejected_path(self, shard: int) -> Path:
        return self.path / "rejected" / f"shard-{shard:05}.parquet"

    def seal_path(self, shard: int) -> Path:
        return self.path / "seals" / f"shard-{shard:05}.json"

    def is_sealed(self, shard: int) -> bool:
        """True if the shard is done: its seal can be read, and its files are there in the size it says."""
        return self.seal(shard) is not None

    def seal(self, shard: int) -> Seal | None:
        """Return what a sealed shard holds; None where it has to be made."""
        try:
            seal = Seal.model_validate_json(self.seal_path(shard).read_text(encoding="utf-8"))
            sizes = (self.accepted_path(shard).stat().st_size, self.rejected_path(shard).stat().st_size)
        except (OSError, ValidationError, UnicodeDecodeError):
            return None
        return seal if sizes == (seal.accepted_bytes, seal.rejected_bytes) else None

    def seal_shard(self, shard: int, records: list[Record]) -> Seal:
        """The seal is written last: rows without one are made anew, from the journal."""
        self.unseal(shard)
        rejected_path, accepted_path = self.rejected_path(shard), self.accepted_path(shard)
        write_nouns(rejected_path, (r for r in records if not r.accepted), Record)
        write_nouns(accepted_path, (r for r in records if r.accepted), Record)
        reasons = Counter(
            code
            for record in records
            if not record.accepted
            for code in {problem.code for problem in record.problems if problem.level == "block"}
        )
        seal = Seal(
            shard=shard,
            accepted=sum(record.accepted for record in records),
            rejected=sum(not record.accepted for record in records),
            repaired=sum(record.accepted and record.attempt > 1 for record in records),
            rejected_by=tuple(ReasonCount(reason=code, count=reasons[code]) for code in sorted(reasons)),
            accepted_bytes=accepted_path.stat().st_size,
            accepted_sha256=file_digest(accepted_path),
            rejected_bytes=rejected_path.stat().st_size,
            rejected_sha256=file_digest(rejected_path),
        )
        write_text(self.seal_path(shard), seal.model_dump_json(indent=1) + "\n", private=True)
        return seal

    def unseal(self, shard: int) -> None:
        """Have a shard made anew; answers in the journal are kept."""
        remove(self.seal_path(shard))

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

    # --- how it stands --------------------------------------------------------------------

    def note_tally(self, judged: int, accepted: int, repaired: int, rejected_by: Mapping[str, int]) -> None:
        """Leave counts for whoever looks at the build; a disk that refuses them stops nobody."""
        counts = {"judged": judged, "accepted": accepted, "repaired": repaired, "rejected_by": rejected_by}
        with contextlib.suppress(StorageError):
            write_text(self.path / TALLY, json.dumps(counts) + "\n", private=True)

    def noted_tally(self) -> dict[str, Any]:
        """Return the counts that the last run left; {} where there are none."""
        try:
            return read_json(self.path / TALLY)
        except (OSError, ValueError):
            return {}

    # --- being asked to stop --------------------------------------------------------------

    def ask_to_stop(self) -> None:
        write_text(self.stop_path, "stop\n", private=True)

    def is_asked_to_stop(self) -> bool:
        return self.stop_path.exists()

    # --- the end --------------------------------------------------------------------------

    def commit(self, summary: BuildSummary) -> None:
        """Write the manifest over everything a user may rely on, then read it back and verify it."""
        self.drop_half_written(COMMITTED)
        remove(self.path / TALLY)
        for shard in range(summary.plan.shards):
            if self.damage_of_shard(shard) is not None:
                raise StorageError(
                    f"{self.accepted_path(shard)}: is not what was sealed", hint=repair_hint(self.path)
                )
        try:
            manifest: dict[str, Any] = {
                "format": FORMAT,
                "identity": self.read_identity(),
                "summary": summary.model_dump(mode="json"),
                "files": {
                    path.relative_to(self.path).as_posix(): self.vouch_for(path)
                    for folder in COMMITTED
                    for path in sorted((self.path / folder).rglob("*"))
                    if path.is_file()
                },
            }
        except OSError as error:
            raise disk_error(Path(error.filename or self.path), error) from error
        manifest["digest"] = _digest_of(manifest)
        write_text(self.manifest_path, json.dumps(manifest, indent=1, sort_keys=True) + "\n", private=True)
        self.verify()

    def drop_half_written(self, folders: Iterable[str] = ("",)) -> None:
        """Remove what killed processes left: of those that share a build one may die while others go on."""
        try:
            for folder in folders:
                for half_written in (self.path / folder).rglob(TEMPORARY_FILES):
                    half_written.unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(self.path, error) from error

    def rewrite(self, path: Path, text: str) -> None:
        """Put another text in the place of a file that the manifest vouches for, and vouch for that.

        Stopped in between, the build is damaged where `verify --repair` writes the same text.
        """
        _, files = self.read_manifest()
        name = path.relative_to(self.path).as_posix()
        if not _is_intact(path, files[name]["bytes"], files[name]["sha256"]):
            raise StorageError(f"{path}: is not what the manifest says", hint=repair_hint(self.path))
        manifest = read_json(self.manifest_path)
        write_text(path, text, private=True)
        manifest["files"][name] = self.vouch_for(path)
        del manifest["digest"]
        manifest["digest"] = _digest_of(manifest)
        write_text(self.manifest_path, json.dumps(manifest, indent=1, sort_keys=True) + "\n", private=True)

    def vouch_for(self, path: Path) -> dict[str, Any]:
        """Return what the manifest says of a file."""
        try:
            return {"sha256": file_digest(path), "bytes": path.stat().st_size}
        except OSError as error:
            raise disk_error(path, error) from error

    def read_identity(self) -> dict[str, Any]:
        try:
            return read_json(self.identity_path)
        except (OSError, ValueError) as error:
            raise StorageError(
                f"{self.identity_path}: cannot be read back", hint=repair_hint(self.path)
            ) from error

    def verify(self) -> BuildSummary:
        """Compare every file with the manifest; the first that differs is named."""
        summary, files = self.read_manifest()
        for name, expected in files.items():
            if not _is_intact(self.path / name, expected["bytes"], expected["sha256"]):
                raise StorageError(
                    f"{self.path / name}: is not what the manifest says", hint=repair_hint(self.path)
                )
        return summary

    def read_manifest(self) -> tuple[BuildSummary, dict[str, dict[str, Any]]]:
        """The summary, and size and digest of every file that is vouched for."""
        try:
            return parse_manifest(self.manifest_path.read_text(encoding="utf-8"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(
                f"{self.manifest_path}: cannot be read back", hint=repair_hint(self.path)
            ) from error

    def is_finished(self) -> bool:
        try:
            return self.manifest_path.is_file()
        except OSError as error:  # a folder that this user may not look into
            raise disk_error(self.manifest_path, error) from error

    def damaged(self) -> list[Path]:
        """Every file that is not what the manifest says, or, without a manifest, not what was sealed."""
        if self.is_finished():
            try:
                _, files = self.read_manifest()
            except StorageError:
                return [self.manifest_path, *self._damaged_shards()]
            return [
                self.path / name
                for name, expected in files.items()
                if not _is_intact(self.path / name, expected["bytes"], expected["sha256"])
            ]
        return self._damaged_shards()

    def damage_of_shard(self, shard: int) -> Path | None:
        """The file of a sealed shard that is not what was sealed."""
        seal = self.seal(shard)
        if seal is None:
            return self.seal_path(shard)
        if not _is_intact(self.accepted_path(shard), seal.accepted_bytes, seal.accepted_sha256):
            return self.accepted_path(shard)
        if not _is_intact(self.rejected_path(shard), seal.rejected_bytes, seal.rejected_sha256):
            return self.rejected_path(shard)
        return None

    def _damaged_shards(self) -> list[Path]:
        try:
            plan = self.plan_summary()
        except StorageError:
            return [self.plan_summary_path]
        found = []
        for shard in range(plan.shards if plan else 0):
            if self.seal_path(shard).exists() and (damage := self.damage_of_shard(shard)) is not None:
                found.append(damage)
        return found


def repair_hint(path: Path) -> str:
    return f"`ccf-build verify {path} --repair` makes it anew from the journal, without asking anyone."


def identity_of(path: Path) -> dict[str, Any]:
    """Return what a build was begun with; where build.json is damaged, the manifest knows it too."""
    folder = BuildFolder(path)
    if not folder.identity_path.exists() and not folder.is_finished():
        raise MissingInput(f"{path}: is not a build folder", hint="Name the folder given to --out.")
    try:
        return read_json(folder.identity_path)
    except (OSError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError, KeyError):
            identity: dict[str, Any] = read_json(folder.manifest_path)["identity"]
            return identity
        raise StorageError(f"{folder.identity_path}: cannot be read back") from error


def refuse_store(path: Path) -> None:
    """A folder is what works here; a build in a store is brought here first."""
    url = store_url(path)
    if url is not None:
        raise MissingInput(
            f"{url}: lies in an object store, and this works on a folder",
            hint=f"`ccf-build fetch {url} DIR` brings the build here, verified; then name DIR.",
        )


def parse_manifest(text: str) -> tuple[BuildSummary, dict[str, dict[str, Any]]]:
    """Return what a manifest vouches for; raise ValueError, KeyError or TypeError if it was changed."""
    manifest = json.loads(text)
    if manifest.pop("digest", None) != _digest_of(manifest):
        raise ValueError("it was changed since it was written")
    return BuildSummary.model_validate(manifest["summary"]), dict(manifest["files"])


def read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _digest_of(manifest: dict[str, Any]) -> str:
    """Return what the manifest vouches for itself by."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _is_intact(path: Path, size: int, sha256: str) -> bool:
    try:
        return path.stat().st_size == size and file_digest(path) == sha256
    except OSError:
        return False
