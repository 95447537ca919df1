"""A build as it lies in an object store: which object holds what, and reading it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ccf_pipeline.engine.audit_log import OTHERS
from ccf_pipeline.engine.bucket.object_store import DAMAGED, Store, each
from ccf_pipeline.engine.build_folder import (
    BuildFolder,
    Files,
    parse_identity,
    parse_manifest,
    parse_plan,
    parse_seal,
)
from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.records import BuildSummary, PlanSummary, Seal

IDENTITY, PLAN, MANIFEST, STOP = "build.json", "plan/summary.json", "manifest.json", "stop"
SEALS = "seals/"
BY_DIGEST = ("accepted/", "rejected/")
"""Two workers may each make the same shard of other answers: both lie there, the seal says which counts."""


def object_of(name: str, sha256: str) -> str:
    """The object that holds a file of the build folder."""
    if not name.startswith(BY_DIGEST):
        return name
    stem, _, ending = name.rpartition(".")
    return f"{stem}-{sha256[:16]}.{ending}"


def read_manifest(store: Store) -> tuple[BuildSummary, Files] | None:
    """The summary, and size and digest of every file; each must be there in its size. None without one."""
    text = store.read(MANIFEST)
    if text is None:
        return None
    summary, files = parsed_manifest(store, text)
    there = store.names("")
    for name, entry in files.items():
        stored = there.get(object_of(name, entry["sha256"]))
        if stored is None or stored.size != entry["bytes"]:
            raise StorageError(f"{store.url}/{name}: is not what the manifest says", hint=DAMAGED)
    return summary, files


def parsed_manifest(store: Store, text: bytes) -> tuple[BuildSummary, Files]:
    """The summary, and size and digest of every file that is vouched for."""
    try:
        return parse_manifest(text.decode())
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"{store.url}/{MANIFEST}: cannot be read back", hint=DAMAGED) from error


def read_identity(store: Store) -> dict[str, Any] | None:
    """Return what a build was begun with; None where none was begun."""
    text = store.read(IDENTITY)
    try:
        return None if text is None else parse_identity(text.decode())
    except ValueError as error:
        raise StorageError(f"{store.url}/{IDENTITY}: cannot be read back", hint=DAMAGED) from error


def read_seals(store: Store) -> dict[str, Seal]:
    """Every seal that stands, by the name of its object."""
    names = list(store.names(SEALS))
    signed = bool(read_plan_files(store))
    found = {}
    for name, text in zip(names, each(store.read, names), strict=True):
        try:
            found[name] = parse_seal((text or b"").decode(), signed=signed)
            if found[name].shard != shard_of(name):
                raise ValueError("it is the seal of another shard")
        except ValueError as error:
            raise StorageError(f"{store.url}/{name}: cannot be read back", hint=DAMAGED) from error
    return found


def read_plan(store: Store) -> PlanSummary | None:
    """Return what was planned; None while planning is not finished."""
    return _read_plan(store)[0]


def read_plan_files(store: Store) -> Files:
    """Return what the plan's summary says of its other files."""
    files: Files = _read_plan(store)[1].get("files", {})
    return files


def _read_plan(store: Store) -> tuple[PlanSummary | None, dict[str, Any]]:
    text = store.read(PLAN)
    try:
        return (None, {}) if text is None else parse_plan(text.decode(), signed=False)
    except (ValueError, TypeError) as error:
        raise StorageError(f"{store.url}/{PLAN}: cannot be read back", hint=DAMAGED) from error


def damaged_objects(store: Store, files: Files, told: Callable[[int], None] | None = None) -> list[str]:
    """The files whose objects do not hold the bytes that they should; all of them are read."""

    def intact(name: str) -> bool:
        size, sha256 = files[name]["bytes"], files[name]["sha256"]
        return store.holds(object_of(name, sha256), size, sha256)

    return [name for name, holds in zip(files, each(intact, files, told), strict=True) if not holds]


def bring_shard(store: Store, folder: BuildFolder, name: str, seal: Seal) -> None:
    """Fetch a sealed shard, its seal last, unless it is here as it was sealed."""
    if folder.seal(seal.shard) == seal:
        return
    for file, entry in files_of(seal).items():
        store.fetch(object_of(file, entry["sha256"]), folder.path / file, entry["sha256"])
    store.fetch(name, folder.seal_path(seal.shard))


def bring_audits(store: Store, folder: BuildFolder) -> None:
    """Fetch what each worker wrote down of whom it asked, and of whose answers it took over."""
    for name in store.names(OTHERS):
        content = store.read(name)
        if content is not None:
            write_text(folder.path / name, content.decode("ascii"), private=True)


def files_of(seal: Seal) -> Files:
    """Return what a seal vouches for."""
    file = f"shard-{seal.shard:05}.parquet"
    return {
        f"accepted/{file}": {"bytes": seal.accepted_bytes, "sha256": seal.accepted_sha256},
        f"rejected/{file}": {"bytes": seal.rejected_bytes, "sha256": seal.rejected_sha256},
    }


def seal_name(shard: int) -> str:
    return f"{SEALS}shard-{shard:05}.json"


def shard_of(name: str) -> int:
    return int(name.rpartition("-")[2].removesuffix(".json"))
