"""Holding a build folder: alone or with other processes, and only for what it was begun with."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ccf_pipeline.engine.audit_log import settings_digest, verify_every_audit
from ccf_pipeline.engine.build_folder import STOP, BuildFolder, refuse_store
from ccf_pipeline.engine.journal import spent_beside, taken_over_beside
from ccf_pipeline.engine.journal_ledger import read_ledger
from ccf_pipeline.engine.locks import GUARD, LOCK, guarded, held, shared
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.files.disk import TEMPORARY_FILES, disk_error, remove, remove_folder
from ccf_pipeline.files.private_process import leave_no_core_dumps
from ccf_pipeline.settings import setting_fields

logger = logging.getLogger(__name__)

VERSION = "code_version"


@contextlib.contextmanager
def open_build(path: Path, identity: dict[str, Any]) -> Iterator[BuildFolder]:
    """Hold a build folder alone, made if it is not there, for the settings and lineage it belongs to."""
    refuse_store(path)
    leave_no_core_dumps()
    with held(path):
        yield _enter_build(path, identity, alone=True)


@contextlib.contextmanager
def join_build(path: Path, identity: dict[str, Any]) -> Iterator[BuildFolder]:
    """Hold a build folder together with other processes on this machine that build the same."""
    refuse_store(path)
    leave_no_core_dumps()
    with shared(path) as first:
        with guarded(path):
            folder = _enter_build(path, identity, alone=first)
        yield folder


def _enter_build(path: Path, identity: dict[str, Any], *, alone: bool) -> BuildFolder:
    try:
        _refuse_other_build(path, identity, alone=alone)
        if alone:
            remove(path / STOP)
            BuildFolder(path).drop_half_written()
    except OSError as error:
        raise disk_error(path, error) from error
    return BuildFolder(path)


def _refuse_other_build(path: Path, identity: dict[str, Any], *, alone: bool) -> None:
    """A folder goes on only with what it was begun with; until something was answered, that may change."""
    folder = BuildFolder(path)
    begun = _read_begun_identity(folder, identity)
    planned = folder.plan_summary_path.is_file()
    if not planned:
        remove_folder(path / "plan")  # without its summary, what is left of a plan counts for nothing
    if begun is not None and begun != identity:
        if alone and not _was_answered(folder):
            folder.forget_plan()
        elif planned and not _list_differences(begun, identity) and _can_go_on_with_plan(folder):
            logger.info("begun with version %s; %s goes on", begun.get(VERSION), identity[VERSION])
        else:
            refuse_other_identity(str(path), begun, identity, reusable=True)
    if folder.is_finished():
        return  # where build.json was changed, verifying it says so
    if begun != identity or folder.damaged_identity():
        if begun is not None and folder.damaged_identity():
            logger.warning("%s was damaged: it is written anew from what the plan says", folder.identity_path)
        folder.keep_identity(identity)


def _was_answered(folder: BuildFolder) -> bool:
    """True if answers were paid for, or rows judged, or if nobody can tell any more."""
    if folder.is_finished() or any((folder.path / "seals").glob("*.json")):
        return True
    try:
        logged = verify_every_audit(folder.path)
        journal = folder.journal_path
        kept = spent_beside(journal).answers + taken_over_beside(journal) if journal.is_file() else 0
        kept += read_ledger(journal).spend.answers
    except StorageError:
        return True
    return kept > 0 or any(entry.get("paid", {}).get("answers", 0) for entry in logged)


def _list_differences(begun: dict[str, Any], identity: dict[str, Any]) -> list[str]:
    """Name what decides the prompts and is not the same.

    A setting that an older version did not know counts as the same while it has its default.
    """
    defaults = {key: json.loads(json.dumps(default, default=str)) for key, default, _ in setting_fields()}
    return sorted(
        key
        for key in {*begun, *identity} - {VERSION}
        if begun.get(key) != identity.get(key)
        and (key in begun or key not in defaults or identity[key] != defaults[key])
    )


def _can_go_on_with_plan(folder: BuildFolder) -> bool:
    """True if this version reads the plan as it was written: its first study stands for all."""
    plan = folder.plan_summary()
    try:
        return plan is not None and (plan.shards == 0 or any(True for _ in folder.planned_studies(0)))
    except (StorageError, ValidationError):
        return False


def refuse_other_identity(
    place: str, begun: dict[str, Any], identity: dict[str, Any], *, reusable: bool = False
) -> None:
    """Raise `BuildConflict` if a build was begun with other settings or another lineage."""
    if begun == identity:
        return
    key = next(iter(_list_differences(begun, identity)), VERSION)
    hint = "Give the settings it was begun with, or choose another --out."
    if reusable:
        hint = f"Give its settings, or choose another --out and add --reuse {place} to take its answers over."
    raise BuildConflict(
        f"{place}: was begun with {key} = {_format_setting(begun.get(key))},"
        f" not {_format_setting(identity.get(key))}",
        hint=hint,
    )


def _format_setting(value: object) -> str:
    return "nothing" if value is None else repr(value)


def _read_begun_identity(folder: BuildFolder, identity: dict[str, Any]) -> dict[str, Any] | None:
    """Return what the build was begun with; None where none was, or nothing is left that could say it."""
    path, begun = folder.path, folder.begun_identity()
    if begun is not None:
        return begun
    if not folder.identity_path.exists() and not folder.journal_path.exists():
        ours = {LOCK, GUARD, STOP, *(entry.name for entry in path.glob(TEMPORARY_FILES))}
        others = sorted(entry.name for entry in path.iterdir() if entry.name not in ours)
        if others:
            raise BuildConflict(
                f"{path}: is not empty and is not a build folder (it holds {others[0]})",
                hint=f"Choose another --out, for example {path / 'build'}.",
            )
        return None
    runs = [entry["settings"] for entry in verify_every_audit(path) if "settings" in entry]
    if runs and runs[-1] != settings_digest(identity):
        raise BuildConflict(
            f"{folder.identity_path}: cannot be read back, and the last run in this folder had other settings"
            " or another version",
            hint=f"Give its settings, or choose another --out and add --reuse {path}: its answers are kept.",
        )
    logger.warning("%s cannot be read back: it is begun anew, answers are kept", folder.identity_path)
    return None
