"""The build folder: what was asked for, which shards are sealed, and whether it is finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ccf_pipeline.errors import MissingInput, StorageError
from ccf_pipeline.files.arrow import read_columns, read_nouns, write_nouns
from ccf_pipeline.files.disk import (
    PRIVATE_FOLDER,
    TEMPORARY_FILES,
    disk_error,
    file_digest,
    list_files,
    remove,
    remove_folder,
    write_text,
)
from ccf_pipeline.files.locations import store_url
from ccf_pipeline.records import BuildSummary, PlannedStudy, PlanSummary, ReasonCount, Record, Seal, Skipped

__all__ = ["PRIVATE_FOLDER", "BuildFolder", "identity_of"]

FORMAT = 3
"""From 3 on, plan and seals vouch for themselves, and the plan says what the build was begun with."""
PLAN_SUMMARY = Path("plan") / "summary.json"
STOP = ".stop"
TALLY = ".tally.json"
"""Counts of the run at work, for `status`; nothing else relies on them."""
COMMITTED = ("plan", "quarantine", "accepted", "rejected", "seals", "dataset")
"""The folders whose every file the manifest vouches for."""

Files = Mapping[str, Mapping[str, Any]]
"""Size and digest of files, by their names in the build folder."""


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
        self._plan_read: tuple[object, tuple[PlanSummary | None, dict[str, Any]]] = (None, (None, {}))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()

    # --- the plan -------------------------------------------------------------------------

    def plan_path(self, shard: int) -> Path:
        return self.path / "plan" / f"shard-{shard:05}.parquet"

    def keep_plan_shard(self, shard: int, studies: Iterable[PlannedStudy]) -> None:
        write_nouns(self.plan_path(shard), studies, PlannedStudy)

    def keep_plan_summary(self, summary: PlanSummary, skipped: Iterable[Skipped]) -> None:
        """The summary is written last: a plan without it is made anew.

        It vouches for the other files of the plan, and for the identity that they were planned with.
        """
        write_nouns(self.quarantine_path, skipped, Skipped)
        paths = [self.quarantine_path, *map(self.plan_path, range(summary.shards))]
        vouched: dict[str, Any] = {"files": {self._name(path): self.vouch_for(path) for path in paths}}
        if self.identity_path.exists():
            vouched["identity"] = self.read_identity()
        plan = summary.model_dump(mode="json") | {"vouched": vouched}
        write_text(self.plan_summary_path, _sign(plan), private=True)

    def keep_identity(self, identity: dict[str, Any]) -> None:
        """Have the plan say what the build was begun with, then build.json: that can be made anew."""
        vouches = bool(self._read_plan()[1])
        if vouches and self._read_planned_identity() != identity:
            plan = read_json(self.plan_summary_path)
            plan["vouched"]["identity"] = identity
            write_text(self.plan_summary_path, _sign(plan), private=True)
        signed = vouches or not self.plan_summary_path.exists()
        write_text(self.identity_path, identity_text(identity, signed=signed), private=True)

    def begun_identity(self) -> dict[str, Any] | None:
        """Return what the build was begun with, as the first of manifest, plan and build.json can say it."""
        vouched = self._read_vouched_identity()
        if vouched is not None:
            return vouched
        try:
            return self.read_identity()
        except StorageError:
            return None

    def _read_vouched_identity(self) -> dict[str, Any] | None:
        try:
            parse_manifest(self.manifest_path.read_text(encoding="utf-8"))
            return dict(read_json(self.manifest_path)["identity"])
        except (OSError, ValueError, KeyError, TypeError):
            return self._read_planned_identity()

    def _read_planned_identity(self) -> dict[str, Any] | None:
        try:
            identity = self._read_plan()[1].get("identity")
        except StorageError:
            return None  # the plan is the damage, and named itself
        return identity if isinstance(identity, dict) else None

    def plan_summary(self) -> PlanSummary | None:
        """Return what was planned; None while planning is not finished."""
        return self._read_plan()[0]

    def plan_files(self) -> Files:
        """Return what the plan's summary says of the other files; {} of a plan of an older version."""
        files: Files = self._read_plan()[1].get("files", {})
        return files

    def _read_plan(self) -> tuple[PlanSummary | None, dict[str, Any]]:
        """Read the summary and what it vouches for, once for as long as the files stay the same."""
        try:
            # Size and time of both files stand for their content: the plan's summary is asked for at every
            # shard.
            key = (_read_stat(self.plan_summary_path), _read_stat(self.identity_path))
            if key[0] is None:
                return None, {}
            if self._plan_read[0] != key:
                signed = is_signed_format(self.identity_path)
                text = self.plan_summary_path.read_text(encoding="utf-8")
                self._plan_read = (key, parse_plan(text, signed=signed))
            return self._plan_read[1]
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise StorageError(f"{self.plan_summary_path}: damaged", hint=repair_hint(self.path)) from error

    def planned_studies(self, shard: int) -> Iterator[PlannedStudy]:
        """Read a shard of the plan; raise `StorageError` if it is not what was planned."""
        path = self.plan_path(shard)
        if not self._is_as_vouched(path, self.plan_files()):
            raise StorageError(f"{path}: is not what was planned", hint=repair_hint(self.path))
        return read_nouns(path, PlannedStudy)

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
            text = self.seal_path(shard).read_text(encoding="utf-8")
            # A build of an older version has no signed plan, and its seals are believed without one.
            seal = parse_seal(text, signed=self._read_planned_identity() is not None)
            sizes = (self.accepted_path(shard).stat().st_size, self.rejected_path(shard).stat().st_size)
        except (OSError, ValueError):
            return None
        stands = seal.shard == shard and sizes == (seal.accepted_bytes, seal.rejected_bytes)
        return seal if stands else None

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
            # A row counts once for each code, however many sentences it was refused for: shares of rows add
            # up so.
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
        write_text(self.seal_path(shard), _sign(seal.model_dump(mode="json")), private=True)
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
        shards = range(summary.plan.shards)
        for shard in shards:
            if self.damage_of_shard(shard) is not None:
                raise StorageError(
                    f"{self.accepted_path(shard)}: is not what was sealed", hint=repair_hint(self.path)
                )
        for path in self._find_damaged_plan():
            raise StorageError(f"{path}: is not what was planned", hint=repair_hint(self.path))
        self._refuse_other_rows(shards)
        # Each file by the name that it must have: what a folder does not show would be vouched for by nobody.
        names = sorted(
            [*self._list_names_beside_dataset(shards), *map(self._name, list_files(self.dataset_path))]
        )
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "identity": self.read_identity(),
            "summary": summary.model_dump(mode="json"),
            "files": {name: self.vouch_for(self.path / name) for name in names},
        }
        write_text(self.manifest_path, _sign(manifest, sort_keys=True), private=True)
        self.verify()

    def _list_names_beside_dataset(self, shards: Iterable[int]) -> list[str]:
        """Return the name of every file that a finished build of so many shards has, but for its data set."""
        of_shard = (self.plan_path, self.accepted_path, self.rejected_path, self.seal_path)
        paths = [self.plan_summary_path, self.quarantine_path]
        return [self._name(path) for path in (*paths, *(path(n) for n in shards for path in of_shard))]

    def _refuse_other_rows(self, shards: Iterable[int]) -> None:
        """Raise `StorageError` unless each planned counterfactual was judged once, in its own shard."""
        seen: set[int] = set()  # of hashes, for there may be millions of ids
        for shard in shards:
            path, ids = self.plan_path(shard), self._read_planned_ids(shard)
            # Hashes of 64 bits: of ten million ids two collide in one build of 300,000, and the next run has
            # another seed.
            doubled = len(ids) - len({hash(one) for one in ids} - seen)
            if doubled:
                raise StorageError(
                    f"{path}: {doubled} of {len(ids)} counterfactuals stand in the plan before",
                    hint=repair_hint(self.path),
                )
            lost, others = self.misfits_of(shard)
            if lost or others:
                raise StorageError(
                    f"{self.accepted_path(shard)}: {lost} of {len(ids)} planned counterfactuals were not"
                    f" judged, {others} rows are doubled or of another plan",
                    hint=repair_hint(self.path),
                )
            seen.update(map(hash, ids))

    def misfits_of(self, shard: int) -> tuple[int, int]:
        """Count the planned counterfactuals of a shard without a row, and its rows of no planned one."""
        planned = Counter(self._read_planned_ids(shard))
        judged = Counter(
            row["record_id"]
            for path in (self.accepted_path(shard), self.rejected_path(shard))
            for row in read_columns(path, ["record_id"])
        )
        return (planned - judged).total(), (judged - planned).total()

    def _read_planned_ids(self, shard: int) -> list[str]:
        rows = read_columns(self.plan_path(shard), ["plans"])
        return [str(plan["plan_id"]) for row in rows for plan in row["plans"]]

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
        name = self._name(path)
        if not self._is_as_vouched(path, files):
            raise StorageError(f"{path}: is not what the manifest says", hint=repair_hint(self.path))
        manifest = read_json(self.manifest_path)
        write_text(path, text, private=True)
        manifest["files"][name] = self.vouch_for(path)
        write_text(self.manifest_path, _sign(manifest, sort_keys=True), private=True)

    def vouch_for(self, path: Path) -> dict[str, Any]:
        """Return what the manifest says of a file."""
        try:
            return {"sha256": file_digest(path), "bytes": path.stat().st_size}
        except OSError as error:
            raise disk_error(path, error) from error

    def read_identity(self) -> dict[str, Any]:
        """Return what build.json says that the build was begun with."""
        try:
            return parse_identity(self.identity_path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StorageError(
                f"{self.identity_path}: cannot be read back", hint=repair_hint(self.path)
            ) from error

    def verify(self) -> BuildSummary:
        """Compare every file with the manifest; the first that differs is named."""
        summary, files = self.read_manifest()
        for path in (*self.damaged_identity(), *self._find_differing(files)):
            raise StorageError(f"{path}: is not what the manifest says", hint=repair_hint(self.path))
        for path in self.added():
            raise StorageError(f"{path}: {ADDED}", hint=ADDED_HINT)
        return summary

    def _is_as_vouched(self, path: Path, files: Files) -> bool:
        """True if a file has the size and the digest that are known of it, or none are known."""
        expected = files.get(self._name(path))
        return expected is None or _is_intact(path, expected["bytes"], expected["sha256"])

    def _find_differing(self, files: Files) -> Iterator[Path]:
        paths = (self.path / name for name in files)
        return (path for path in paths if not self._is_as_vouched(path, files))

    def added(self) -> list[Path]:
        """Return the files and links below the committed folders that are no part of the build.

        While it is not finished the data set is left out, for the end of the build writes it anew.
        """
        folders: Iterable[str] = COMMITTED
        try:
            if self.is_finished():
                names = set(self.read_manifest()[1])
            elif (plan := self.plan_summary()) is not None:
                names = set(self._list_names_beside_dataset(range(plan.shards)))
                folders = [folder for folder in COMMITTED if folder != self.dataset_path.name]
            else:
                return []
        except StorageError:
            return []  # it is named as damaged
        return [
            path
            for folder in folders
            for path in list_files(self.path / folder)
            if self._name(path) not in names and not path.match(TEMPORARY_FILES)
        ]

    def damaged_identity(self) -> list[Path]:
        """Return build.json if it cannot be read, or is not what the manifest or the plan was made with."""
        vouched = self._read_vouched_identity()
        try:
            identity = self.read_identity()
            signed = self._read_planned_identity() is None or is_signed_format(self.identity_path)
        except StorageError:
            return [self.identity_path]
        return [] if signed and vouched in (None, identity) else [self.identity_path]

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
                return [self.manifest_path, *self._find_damaged_plan(), *self._find_damaged_shards()]
            return list(self._find_differing(files))
        return [*self._find_damaged_plan(), *self._find_damaged_shards()]

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

    def _find_damaged_plan(self) -> list[Path]:
        try:
            return list(self._find_differing(self.plan_files()))
        except StorageError:
            return [self.plan_summary_path]

    def _find_damaged_shards(self) -> list[Path]:
        try:
            plan = self.plan_summary()
        except StorageError:
            return []
        found = []
        for shard in range(plan.shards if plan else 0):
            if self.seal_path(shard).exists() and (damage := self.damage_of_shard(shard)) is not None:
                found.append(damage)
        return found


ADDED = "is no part of the build"
ADDED_HINT = "Move it out of the build folder: programs that read the folder would take it for data."


def repair_hint(path: Path) -> str:
    return f"`ccf-build verify {path} --repair` makes it anew from the journal, without asking anyone."


def identity_of(path: Path) -> dict[str, Any]:
    """Return what a build was begun with, by the first of manifest, plan and build.json that can say it."""
    folder = BuildFolder(path)
    begun = folder.begun_identity()
    if begun is not None:
        return begun
    if not folder.identity_path.exists() and not folder.journal_path.exists():
        raise MissingInput(f"{path}: is not a build folder", hint="Name the folder given to --out.")
    raise StorageError(f"{folder.identity_path}: cannot be read back", hint=BEGIN_AGAIN_HINT)


BEGIN_AGAIN_HINT = "`ccf-build run` with the settings of this build writes it anew; answers are kept."


def identity_text(identity: dict[str, Any], *, signed: bool = True) -> str:
    """Return what build.json holds."""
    content = {"format": FORMAT, **identity} if signed else identity
    return json.dumps(content, indent=1, sort_keys=True) + "\n"


def parse_identity(text: str) -> dict[str, Any]:
    """Return what build.json says that the build was begun with; raise a ValueError if it is damaged."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    content.pop("format", None)
    return content


def is_signed_format(identity_path: Path) -> bool:
    """True if build.json says that the plan and the seals vouch for themselves."""
    try:
        found = read_json(identity_path).get("format")
    except (OSError, ValueError, AttributeError):
        return False
    return isinstance(found, int) and found >= FORMAT


def refuse_store(path: Path) -> None:
    """A folder is what works here; a build in a store is brought here first."""
    url = store_url(path)
    if url is not None:
        raise MissingInput(
            f"{url}: lies in an object store, and this works on a folder",
            hint=f"`ccf-build fetch {url} DIR` brings the build here, verified; then name DIR.",
        )


def parse_plan(text: str, *, signed: bool) -> tuple[PlanSummary, dict[str, Any]]:
    """Return the summary of a plan and what it vouches for; raise a ValueError if it was changed."""
    plan = _read_signed(text, signed=signed)
    vouched = plan.pop("vouched", {})
    return PlanSummary.model_validate(plan), vouched


def parse_seal(text: str, *, signed: bool) -> Seal:
    """Return a seal; raise a ValueError if it was changed since it was written."""
    return Seal.model_validate(_read_signed(text, signed=signed))


def parse_manifest(text: str) -> tuple[BuildSummary, dict[str, dict[str, Any]]]:
    """Return what a manifest vouches for; raise ValueError, KeyError or TypeError if it was changed."""
    manifest = json.loads(text)
    if manifest.pop("digest", None) != _digest_of(manifest):
        raise ValueError("it was changed since it was written")
    return BuildSummary.model_validate(manifest["summary"]), dict(manifest["files"])


def read_json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _sign(content: dict[str, Any], *, sort_keys: bool = False) -> str:
    """Return the text of a file that vouches for itself."""
    unsigned = {key: value for key, value in content.items() if key != "digest"}
    return json.dumps(unsigned | {"digest": _digest_of(unsigned)}, indent=1, sort_keys=sort_keys) + "\n"


def _read_signed(text: str, *, signed: bool) -> dict[str, Any]:
    """Read a file that vouches for itself; only those of older formats need not."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("it is no JSON object")
    digest = content.pop("digest", None)
    if digest != _digest_of(content) and (signed or digest is not None):
        raise ValueError("it was changed since it was written")
    return content


def _read_stat(path: Path) -> tuple[int, int, int] | None:
    """Return what changes whenever a file does; None where it is not there."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _digest_of(manifest: dict[str, Any]) -> str:
    """Return what the manifest vouches for itself by."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


def _is_intact(path: Path, size: int, sha256: str) -> bool:
    try:
        return path.stat().st_size == size and file_digest(path) == sha256
    except OSError:
        return False
