"""Look after a build in an object store: how it stands, whether it is intact, stopping and fetching it."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.corpora import require_corpus, require_tables
from ccf_pipeline.engine import verify
from ccf_pipeline.engine.audit_log import OTHERS, settings_digest, verify_lines
from ccf_pipeline.engine.bucket.journal_segments import FOLDER as SEGMENTS
from ccf_pipeline.engine.bucket.journal_segments import (
    Segments,
    list_damaged,
    list_paid,
    set_aside,
    spent_in,
    taken_over_in,
)
from ccf_pipeline.engine.bucket.layout import (
    MANIFEST,
    STOP,
    bring_audits,
    bring_shard,
    damaged_objects,
    files_of,
    object_of,
    parsed_manifest,
    read_identity,
    read_manifest,
    read_plan,
    read_plan_files,
    read_seals,
)
from ccf_pipeline.engine.bucket.leases import workers_in
from ccf_pipeline.engine.bucket.object_store import Store, each, open_store
from ccf_pipeline.engine.bucket.scratch import scratch, wipe_scratch
from ccf_pipeline.engine.bucket.site import at_work, refuse_unvouched
from ccf_pipeline.engine.bucket.worker import BucketSite, agree
from ccf_pipeline.engine.build_folder import BuildFolder, Files
from ccf_pipeline.engine.build_shards import tally_of_seals
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import ELSEWHERE, Materials, Progress, silent
from ccf_pipeline.errors import BuildConflict, MissingInput, SettingsError, StorageError
from ccf_pipeline.files.disk import file_digest, write_text
from ccf_pipeline.files.locations import place_name, store_url
from ccf_pipeline.records import BuildCheck, BuildStatus, BuildSummary, Holder, PlanSummary, Spend
from ccf_pipeline.settings import BuildSettings, PriceSettings, StoreSettings

# Shown only, so that the clocks of two machines may be compared; a worker gives a sign every few seconds.
SEEN_LATELY_SECONDS = 6 * StoreSettings().flush_seconds


class BucketPlace:
    """A build in an object store. Nothing of it is changed here, and `status` reads no row of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = place_name(path)

    def status(self, prices: PriceSettings) -> BuildStatus:
        store, _ = _open_begun_build(self.path)
        plan, holder = read_plan(store), next(iter(_list_workers(store)), None)
        answers, seals = list_paid(store), read_seals(store)
        tally = tally_of_seals(seals.values(), plan or verify.NOTHING_PLANNED, spent_in(answers))
        state = "stopped" if holder is None else "running" if plan else "planning"
        return verify.status_of(
            "finished" if store.read(MANIFEST) is not None else state,
            holder,
            plan or verify.NOTHING_PLANNED,
            tally,
            len(seals),
            prices,
            taken_over=taken_over_in(answers),
        )

    def check(self, progress: Progress) -> BuildCheck:
        store, _ = _open_begun_build(self.path)
        text = store.read(MANIFEST)
        if text is not None:
            files = parsed_manifest(store, text)[1]
        else:
            files = dict(read_plan_files(store))
            for seal in read_seals(store).values():
                files |= files_of(seal)
        damaged = damaged_objects(store, files, lambda done: progress("verify", done, len(files)))
        wrong = list_damaged(store)
        return BuildCheck(
            finished=text is not None,
            files=len(files),
            damaged=tuple(damaged),
            journal=f"{len(wrong)} of its objects are damaged: {wrong[0]}" if wrong else None,
            lost_answers=_count_lost(store),
            audit=_check_audits(store),
        )

    def repair(self, graph: Path | None, progress: Progress) -> BuildCheck:
        raise SettingsError(
            f"{self.name}: a build in a store is not repaired in place", hint=self.repair_hint()
        )

    def reopen_failed(self, materials: Materials, folder: Path) -> None:
        raise SettingsError(
            f"{self.name}: what failed in a store is not asked again in place",
            hint="Fetch the build with `ccf-build fetch`, and give --retry-failed where it lies then.",
        )

    def wipe(self, scratch: Path | None) -> tuple[str, ...]:
        store, _ = _open_begun_build(self.path)
        holders = _list_workers(store)
        if holders:
            raise BuildConflict(
                f"{self.name}: process {holders[0].pid} on {holders[0].host} works on it",
                hint="Stop it with `ccf-build stop`, and wipe the build then.",
            )
        names = sorted(store.names(""))
        each(store.remove, names)
        removed, busy = wipe_scratch(scratch, f"{self.name} ")
        told = f"{len(names)} objects below {self.name}", f"{removed} scratch folders of this machine"
        return (*told, f"not {busy} scratch folders that are in use") if busy else told

    def repair_hint(self) -> str:
        return (
            "Bring the object back from a copy. One of plan, shards or data set can be made anew: remove it,"
            " its seal if it is a shard's, and manifest.json, then run the command that built it, which asks"
            " nobody. Below journal/ nothing is to be removed: `ccf-build run --again` sets damage aside."
        )

    def ask_to_stop(self) -> tuple[Holder, ...]:
        store, _ = _open_begun_build(self.path)
        holders = _list_workers(store)
        if holders:
            store.put(STOP, uuid.uuid4().hex.encode())
        return holders

    def is_held(self) -> bool:
        return bool(_list_workers(open_store(self.path)))

    def is_finished(self) -> bool:
        return read_manifest(open_store(self.path)) is not None

    def spent(self) -> Spend:
        return spent_in(list_paid(open_store(self.path)))

    def taken_over(self) -> int:
        return taken_over_in(open_store(self.path).names(SEGMENTS))

    def give_up_lost(self) -> int:
        store = open_store(self.path)
        damaged = list_damaged(store)
        for name in damaged:
            set_aside(store, name)
        return spent_in(damaged).answers

    @contextlib.contextmanager
    def work_folder(self, settings: BuildSettings) -> Iterator[Path]:
        require_corpus(settings.corpus)
        require_tables(settings.corpus)
        refuse_unvouched(settings, open_store(self.path))
        about = settings_digest(settings.model_dump(mode="json", exclude=ELSEWHERE))
        with scratch(settings.store.scratch, f"{self.name} {about}") as folder:
            yield folder

    def finished(self, materials: Materials, folder: Path) -> BuildSummary | None:
        store = open_store(self.path)
        agree(store, materials)
        read = read_manifest(store)
        return read[0] if read else None

    def open_alone(self, materials: Materials, folder: Path) -> contextlib.AbstractContextManager[BucketSite]:
        return at_work(materials, folder)

    def join(self, materials: Materials, folder: Path) -> contextlib.AbstractContextManager[BucketSite]:
        return at_work(materials, folder)


def fetch_build(path: Path, out: Path, progress: Progress = silent) -> BuildCheck:
    """Bring a build from a store to a folder, verified; a fetch that was cut short goes on.

    A build that is not finished comes as far as it is, and `ccf-build run` goes on with it here.
    """
    store, identity = _open_begun_build(path)
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
    return verify.check_build(out, progress)


# --- below --------------------------------------------------------------------------------------


def _open_begun_build(path: Path) -> tuple[Store, dict[str, object]]:
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


def _list_workers(store: Store) -> tuple[Holder, ...]:
    now = time.time()
    return tuple(
        holder
        for holder, modified in workers_in(store)
        if modified is None or now - modified < SEEN_LATELY_SECONDS
    )


def _count_lost(store: Store) -> int:
    """Count the rows of sealed shards beyond the answers that lie there: each row took one at least."""
    paid = list_paid(store)
    rows = sum(seal.accepted + seal.rejected for seal in read_seals(store).values())
    return max(0, rows - spent_in(paid).answers - taken_over_in(paid))


def _check_audits(store: Store) -> str | None:
    """Say what ails the logs of those who worked there; each is put before the answers it speaks of."""
    for worker in sorted({name.split("/")[1] for name in store.names(SEGMENTS)}):
        name = f"{OTHERS}{worker}.jsonl"
        lines = (store.read(name) or b"").decode("ascii", "replace").splitlines()
        if not lines:
            return f"{name} is not there, or empty"
        try:
            verify_lines(name, lines)
        except StorageError as error:
            return error.what
    return None


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
