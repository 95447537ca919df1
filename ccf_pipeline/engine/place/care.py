"""Looking after a build wherever its folder lies: how it stands, whether it is intact, stopping, fetching.

Of a build in an object store nothing is changed here, and `status` reads no row and no answer of it.
"""

from __future__ import annotations

import time
import uuid
from collections import ChainMap
from pathlib import Path

from ccf_pipeline.engine import stop_request as stopping
from ccf_pipeline.engine import verify as repairing
from ccf_pipeline.engine.build_folder import BuildFolder, repair_hint
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.engine.place.bucket_layout import (
    MANIFEST,
    STOP,
    Files,
    bring_audits,
    bring_shard,
    damaged_objects,
    files_of,
    object_of,
    parsed_manifest,
    read_identity,
    read_plan,
    read_seals,
)
from ccf_pipeline.engine.place.journal_segments import FOLDER as SEGMENTS
from ccf_pipeline.engine.place.journal_segments import Segments, spent_in, taken_over_in, unpacked
from ccf_pipeline.engine.place.leases import workers_in
from ccf_pipeline.engine.place.object_store import Store, each, open_store
from ccf_pipeline.errors import BuildConflict, MissingInput, SettingsError, StorageError
from ccf_pipeline.files.disk import file_digest, write_text
from ccf_pipeline.files.locations import place_name, store_url
from ccf_pipeline.records import BuildCheck, BuildStatus, Holder, PlanSummary
from ccf_pipeline.settings import PriceSettings, StoreSettings
from ccf_pipeline.walk import tally_of_seals

# Shown only, so that the clocks of two machines may be compared; a worker gives a sign every few seconds.
SEEN_LATELY_SECONDS = 6 * StoreSettings().flush_seconds


def build_status(path: Path, prices: PriceSettings) -> BuildStatus:
    """How a build stands; it may be running meanwhile."""
    if store_url(path) is None:
        return repairing.build_status(path, prices)
    store, _ = _begun(path)
    plan, holder = read_plan(store), next(iter(_at_work(store)), None)
    answers, seals = list(store.names(SEGMENTS)), read_seals(store)
    tally = tally_of_seals(seals.values(), plan or repairing.NOTHING_PLANNED, spent_in(answers))
    state = "stopped" if holder is None else "running" if plan else "planning"
    return repairing.status_of(
        "finished" if store.read(MANIFEST) is not None else state,
        holder,
        plan or repairing.NOTHING_PLANNED,
        tally,
        len(seals),
        prices,
        taken_over=taken_over_in(answers),
    )


def check_build(path: Path, progress: Progress = silent) -> BuildCheck:
    """Compare every file with what the manifest says, or while there is none with the seals."""
    if store_url(path) is None:
        return repairing.check_build(path, progress)
    store, _ = _begun(path)
    text = store.read(MANIFEST)
    if text is not None:
        files = parsed_manifest(store, text)[1]
    else:
        files = dict(ChainMap(*(dict(files_of(seal)) for seal in read_seals(store).values())))
    damaged = damaged_objects(store, files, lambda done: progress("verify", done, len(files)))
    return BuildCheck(
        finished=text is not None,
        files=len(files),
        damaged=tuple(damaged),
        journal=_damage_of_segments(store),
    )


def repair_build(path: Path, graph: Path | None, progress: Progress = silent) -> BuildCheck:
    """Make damaged files anew without asking anyone; of a build in a store, in a copy of it."""
    if store_url(path) is None:
        return repairing.repair_build(path, graph, progress)
    raise SettingsError(
        f"{place_name(path)}: a build in a store is not repaired in place", hint=mending_hint(path)
    )


def mending_hint(path: Path) -> str:
    """What to do about damage."""
    if store_url(path) is None:
        return repair_hint(path)
    return (
        "Remove the object of the file that is named, its seal if it is a shard's, and manifest.json; the"
        " command that built it makes them anew from the journal, without asking anyone."
    )


def ask_to_stop(path: Path) -> tuple[Holder, ...]:
    """Ask whoever builds to take in what is under way and stop; returns who was asked."""
    if store_url(path) is None:
        holder = stopping.ask_to_stop(path)
        return () if holder is None else (holder,)
    store, _ = _begun(path)
    holders = _at_work(store)
    if holders:
        store.put(STOP, uuid.uuid4().hex.encode())
    return holders


def is_held(path: Path) -> bool:
    """Whether somebody works on it."""
    return stopping.is_held(path) if store_url(path) is None else bool(_at_work(open_store(path)))


def fetch_build(path: Path, out: Path, progress: Progress = silent) -> BuildCheck:
    """Bring a build from a store to a folder, verified; a fetch that was cut short goes on.

    One that is not finished comes as far as it is, and `ccf-build run` goes on with it here.
    """
    store, identity = _begun(path)
    with open_build(out, identity) as folder:
        plan, text = read_plan(store), store.read(MANIFEST)
        with Journal(folder.journal_path):
            Segments(store, "fetched", folder.journal_path).bring()
        if plan is not None:
            _fetch_plan(store, folder, plan)
            each(lambda item: bring_shard(store, folder, *item), read_seals(store).items())
        bring_audits(store, folder)
        if text is not None:
            _fetch_rest(store, folder, parsed_manifest(store, text)[1], progress)
            write_text(folder.manifest_path, text.decode(), private=True)
            folder.verify()
    return repairing.check_build(out, progress)


# --- below --------------------------------------------------------------------------------------


def _begun(path: Path) -> tuple[Store, dict[str, object]]:
    url = store_url(path)
    if url is None:
        raise BuildConflict(
            f"{path}: is a folder of this machine already",
            hint="Name a build in a store: s3://BUCKET/PREFIX.",
        )
    store = open_store(path)
    identity = read_identity(store)
    if identity is None:
        raise MissingInput(f"{url}: no build was begun there", hint="Name the place given to --out.")
    return store, identity


def _at_work(store: Store) -> tuple[Holder, ...]:
    now = time.time()
    return tuple(
        holder
        for holder, modified in workers_in(store)
        if modified is None or now - modified < SEEN_LATELY_SECONDS
    )


def _damage_of_segments(store: Store) -> str | None:
    names = list(store.names(SEGMENTS))

    def damaged(name: str) -> bool:
        content = store.read(name)
        try:
            if content is not None:
                unpacked(store, name, content)
        except StorageError:
            return True
        return False

    wrong = [name for name, is_wrong in zip(names, each(damaged, names), strict=True) if is_wrong]
    return f"{len(wrong)} of its objects are damaged: {wrong[0]}" if wrong else None


def _fetch_plan(store: Store, folder: BuildFolder, plan: PlanSummary) -> None:
    paths = [folder.quarantine_path, *map(folder.plan_path, range(plan.shards)), folder.plan_summary_path]
    missing = [path for path in paths if not path.is_file()]
    each(lambda path: store.fetch(path.relative_to(folder.path).as_posix(), path), missing)


def _fetch_rest(store: Store, folder: BuildFolder, files: Files, progress: Progress) -> None:
    for done, (name, entry) in enumerate(files.items()):
        path, sha256 = folder.path / name, entry["sha256"]
        progress("fetch", done, len(files))
        if not path.is_file() or file_digest(path) != sha256:
            store.fetch(object_of(name, sha256), path, sha256)
