"""Holding a build folder: alone or with other processes, and only for what it was begun with."""

from __future__ import annotations

import contextlib
import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccf_pipeline.engine.build_folder import (
    PLAN_SUMMARY,
    STOP,
    BuildFolder,
    read_json,
    refuse_store,
    repair_hint,
)
from ccf_pipeline.engine.locks import GUARD, LOCK, guarded, held, shared
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.files.disk import TEMPORARY_FILES, disk_error, remove, remove_folder, write_text


@contextlib.contextmanager
def open_build(path: Path, identity: dict[str, Any]) -> Iterator[BuildFolder]:
    """Hold a build folder alone, made if it is not there, for the settings and lineage it belongs to."""
    refuse_store(path)
    _leave_no_core_dumps()
    with held(path):
        yield _enter_build(path, identity, alone=True)


@contextlib.contextmanager
def join_build(path: Path, identity: dict[str, Any]) -> Iterator[BuildFolder]:
    """Hold a build folder together with other processes on this machine that build the same."""
    refuse_store(path)
    _leave_no_core_dumps()
    with shared(path) as first:
        with guarded(path):
            folder = _enter_build(path, identity, alone=first)
        yield folder


def _enter_build(path: Path, identity: dict[str, Any], *, alone: bool) -> BuildFolder:
    try:
        _refuse_other_build(path, identity)
        if alone:
            remove(path / STOP)
            BuildFolder(path).drop_half_written()
    except OSError as error:
        raise disk_error(path, error) from error
    return BuildFolder(path)


def _refuse_other_build(path: Path, identity: dict[str, Any]) -> None:
    """A folder goes on only with what it was begun with; before its plan stands, nothing was begun."""
    file = path / "build.json"
    begun = _read_begun_identity(path, file)
    if begun is None or not (path / PLAN_SUMMARY).is_file():
        remove_folder(path / "plan")
        if begun != identity:
            write_text(file, identity_text(identity), private=True)
        return
    refuse_other_identity(str(path), begun, identity)


def refuse_other_identity(place: str, begun: dict[str, Any], identity: dict[str, Any]) -> None:
    """A build goes on only with the settings and lineage it was begun with."""
    differing = sorted(key for key in {*begun, *identity} if begun.get(key) != identity.get(key))
    if differing:
        key = differing[0]
        raise BuildConflict(
            f"{place}: was begun with {key} = {_format_setting(begun.get(key))},"
            f" not {_format_setting(identity.get(key))}",
            hint="Choose another --out for the new build, or give the settings it was begun with.",
        )


def _format_setting(value: object) -> str:
    return "nothing" if value is None else repr(value)


def identity_text(identity: dict[str, Any]) -> str:
    """Return what build.json holds."""
    return json.dumps(identity, indent=1, sort_keys=True) + "\n"


def _read_begun_identity(path: Path, file: Path) -> dict[str, Any] | None:
    if not file.exists():
        ours = {LOCK, GUARD, STOP, *(entry.name for entry in path.glob(TEMPORARY_FILES))}
        others = sorted(entry.name for entry in path.iterdir() if entry.name not in ours)
        if others:
            raise BuildConflict(f"{path}: is not empty and is not a build folder (it holds {others[0]})")
        return None
    try:
        return read_json(file)
    except (OSError, ValueError) as error:
        raise StorageError(f"{file}: cannot be read back", hint=repair_hint(path)) from error


def _leave_no_core_dumps() -> None:
    """A process that crashes would leave its memory, reports and all, in a file."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
