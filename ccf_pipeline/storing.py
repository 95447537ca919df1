"""A build in an object store: each machine works on its own disk and keeps the store in step.

On the disk a build is what it always is. In the store lie the plan, the answers as small objects, the sealed
shards, the data set and, last of all, the manifest. There is no one in charge: a lease says who plans, who
has a shard and who finishes, and of two that did the same work the first one counts.
docs/decisions/0009-object-stores.md says why.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from ccf_pipeline import pipeline
from ccf_pipeline.asking import Watch, never, unwatched
from ccf_pipeline.errors import BuildConflict, SharingRefused, StorageError, StoreSilent, Unfinished
from ccf_pipeline.io.audit import AUDIT, settings_digest
from ccf_pipeline.io.builds import (
    BuildFolder,
    identity_text,
    open_build,
    refuse_other_identity,
)
from ccf_pipeline.io.corpora import corpus_terms, require_corpus
from ccf_pipeline.io.disk import write_text
from ccf_pipeline.io.experts import Expert, open_expert
from ccf_pipeline.io.journal import Journal
from ccf_pipeline.io.machine import LOOPBACK
from ccf_pipeline.io.scratch import Scratch, scratch
from ccf_pipeline.io.segments import FOLDER as SEGMENTS
from ccf_pipeline.io.segments import Segments, spent_in
from ccf_pipeline.io.store_leases import Clock, Leases
from ccf_pipeline.io.stored_builds import (
    IDENTITY,
    MANIFEST,
    PLAN,
    SEALS,
    STOP,
    bring_shard,
    damaged_objects,
    files_of,
    object_of,
    read_identity,
    read_manifest,
    read_seals,
    seal_name,
    shard_of,
)
from ccf_pipeline.io.stores import DAMAGED, Store, each, open_store
from ccf_pipeline.materials import ELSEWHERE, Materials, Progress, silent
from ccf_pipeline.records import BuildSummary, Spend
from ccf_pipeline.settings import BuildSettings, store_url

LOOK_AGAIN_SECONDS = 2.0
Stopping = Callable[[], bool]


@contextlib.contextmanager
def workplace(settings: BuildSettings) -> Iterator[Scratch]:
    """Where this machine works on a build: in the build folder, or on a scratch folder beside a store."""
    url = store_url(settings.out)
    if url is None:
        yield Scratch(settings.out, "")
        return
    about = settings_digest(settings.model_dump(mode="json", exclude=ELSEWHERE))
    with scratch(settings.store.scratch, f"{url} {about}") as place:
        yield place


def build(
    settings: BuildSettings,
    place: Scratch,
    progress: Progress = silent,
    *,
    watch: Watch = unwatched,
    stopping: Stopping = never,
) -> BuildSummary:
    """Make a data set, or go on with one, or help with it, wherever its folder lies."""
    if store_url(settings.out) is None:
        return pipeline.build(settings, progress, watch=watch, stopping=stopping)
    require_corpus(settings.corpus)
    materials = Materials.load(settings)
    summary = finished(materials)
    if summary is not None:
        return summary
    with open_expert(settings, materials.graph) as expert, at_work(materials, place) as stored:
        with Journal(stored.folder.journal_path) as journal:
            stored.plan(progress, stopping)
            stored.build(expert, journal, watch=watch, stopping=stopping)
        return stored.finish(progress, stopping)


def spent_on(settings: BuildSettings, place: Scratch) -> Spend:
    """What all answers of a build cost, over all of its runs and workers."""
    if store_url(settings.out) is None:
        return pipeline.spent_on(place.folder)
    return spent_in(open_store(settings.out).names(SEGMENTS))


def finished(materials: Materials) -> BuildSummary | None:
    """What a build in a store came to, if it is finished and is this one."""
    store = open_store(materials.settings.out)
    refuse_unvouched(materials.settings, store)
    agree(store, materials)
    read = read_manifest(store)
    return read[0] if read else None


def agree(store: Store, materials: Materials) -> None:
    """Refuse a place where another build was begun."""
    begun = read_identity(store)
    if begun is not None:
        refuse_other_identity(store.url, begun, materials.identity)


@contextlib.contextmanager
def at_work(materials: Materials, place: Scratch) -> Iterator[StoredBuild]:
    """Take part in a build, in step with the store until this is left."""
    store = open_store(materials.settings.out)
    refuse_unvouched(materials.settings, store)
    agree(store, materials)
    store.require()
    with open_build(place.folder, materials.identity) as folder:
        stored = StoredBuild(store, folder, materials, place.worker)
        with Journal(folder.journal_path) as journal:
            journal.mend()
        stored.segments.bring()
        with kept_in_step(stored):
            yield stored


def refuse_unvouched(settings: BuildSettings, store: Store) -> None:
    """Reports under an agreement go into a bucket only on somebody's word, and never in the clear."""
    terms = corpus_terms(settings.corpus)
    if terms.sensitivity == "open":
        return
    if not settings.store.is_private:
        raise SharingRefused(
            f"{store.url}: reports of `{terms.kind}` are under an agreement, and nobody said who may read"
            " this bucket",
            hint="Rows, answers and reports would lie there. If only people under the agreement can read it,"
            " and it may lie with that provider, set `is_private = true` under [store] in build.toml.",
        )
    endpoint = urlsplit(store.endpoint())
    if endpoint.scheme == "http" and endpoint.hostname not in LOOPBACK:
        raise SharingRefused(
            f"{store.url}: {endpoint.hostname} is reached unencrypted",
            hint="Reports under an agreement travel by https:// only; correct AWS_ENDPOINT_URL.",
        )


class StoredBuild:
    """A build in a store, as one of those who work on it sees it."""

    def __init__(
        self,
        store: Store,
        folder: BuildFolder,
        materials: Materials,
        worker: str,
        clock: Clock = time.monotonic,
    ) -> None:
        self.store, self.folder, self.materials = store, folder, materials
        self.segments = Segments(store, worker, folder.journal_path)
        self.leases = Leases(store, worker, materials.settings.store.lease_seconds, clock)
        self.asked_to_stop = False
        self.keeper_ended: Stopping = never
        self._word = store.read(STOP)
        self._sent: set[int] = set()
        self._audited = 0
        self._handed_out: set[int] = set()
        self._one_at_a_time = threading.Lock()

    # --- in step ------------------------------------------------------------------------------

    def sync(self) -> None:
        """Give a sign of life, then send what was answered and sealed since the last time."""
        with self._one_at_a_time:
            self.leases.beat()
            sealed = self._sealed_here() - self._sent
            self.segments.send()  # before the seals: what they were made of
            for shard in sorted(sealed):
                self._send_shard(shard)
            self._send_audit()
            self.asked_to_stop = self.store.read(STOP) != self._word

    def has_to_stop(self) -> bool:
        return self.asked_to_stop or self.keeper_ended()

    def _sealed_here(self) -> set[int]:
        found = {shard_of(path.name) for path in (self.folder.path / SEALS).glob("shard-*.json")}
        return {shard for shard in found if self.folder.is_sealed(shard)}

    def _send_shard(self, shard: int) -> None:
        """Its files, then its seal; where another's seal stands already, ours is taken back."""
        seal = self.folder.seal(shard)
        if seal is None:
            return
        for name, entry in files_of(seal).items():
            self.store.put(object_of(name, entry["sha256"]), self.folder.path / name)
        if not self.store.put_once(seal_name(shard), self.folder.seal_path(shard)):
            self.folder.unseal(shard)
        self._sent.add(shard)

    def _send_audit(self) -> None:
        audit = self.folder.path / AUDIT
        size = audit.stat().st_size if audit.is_file() else 0
        if size != self._audited:
            self.store.put(f"audit/{self.leases.worker}.jsonl", audit)
            self._audited = size

    # --- the plan -----------------------------------------------------------------------------

    def plan(self, progress: Progress = silent, stopping: Stopping = never) -> None:
        """Plan, or wait for whoever is planning."""
        while (summary := self.store.read(PLAN)) is None:
            if self.leases.claim("plan"):
                pipeline.plan_build(self.folder, self.materials, progress)
                self._put_plan()
            else:
                self._wait(stopping)
        agree(self.store, self.materials)
        path = self.folder.plan_summary_path
        if path.is_file() and path.read_bytes() != summary:
            self.folder.forget_plan()
        write_text(path, summary.decode(), private=True)

    def _put_plan(self) -> None:
        """What was planned, its summary last: a plan without it counts for nothing."""
        if not self.store.put_once(IDENTITY, identity_text(self.materials.identity).encode()):
            agree(self.store, self.materials)
        shards = range(pipeline.planned(self.folder).shards)
        paths = [self.folder.quarantine_path, *map(self.folder.plan_path, shards)]
        stand = each(lambda path: self.store.put_once(self._name(path), path), paths)
        stand.append(self.store.put_once(PLAN, self.folder.plan_summary_path))
        if not all(stand):
            raise BuildConflict(
                f"{self.store.url}: the corpus here does not give the plan that lies there",
                hint="Every worker needs the same corpus; or choose another --out for this one.",
            )

    # --- shards -------------------------------------------------------------------------------

    def build(
        self,
        expert: Expert,
        journal: Journal,
        *,
        watch: Watch = unwatched,
        stopping: Stopping = never,
    ) -> None:
        """Build shards that nobody else has until every one of the build is sealed in the store."""
        while True:
            shards = iter(self.next_shard, None)
            first = next(shards, None)
            if first is None:
                if not self.missing():
                    return
                self._wait(stopping)
                continue
            plan = pipeline.planned(self.folder)
            tally = pipeline.tally_of_seals(read_seals(self.store).values(), plan, journal.spent())
            pipeline.build_shards(
                self.folder,
                self.materials,
                itertools.chain([first], shards),
                expert,
                journal,
                tally=tally,
                watch=watch,
                stopping=lambda: stopping() or self.has_to_stop(),
            )
            self.sync()

    def next_shard(self) -> int | None:
        """A shard that is ours to build from now on; None while others have all that are left."""
        if self.has_to_stop():
            return None
        missing, leased = self.missing() - self._handed_out, self.leases.leased()
        for shard in sorted(missing, key=lambda shard: (_lease_name(shard) in leased, shard)):
            if not self.leases.claim(_lease_name(shard)):
                continue
            if _lease_name(shard) in leased:
                self.bring()  # what its holder sent before it died
            self._bring_file(self.folder.plan_path(shard))
            self._handed_out.add(shard)
            return shard
        return None

    def missing(self) -> set[int]:
        """The shards that are not sealed in the store."""
        sealed = {shard_of(name) for name in self.store.names(SEALS)}
        return set(range(pipeline.planned(self.folder).shards)) - sealed

    def bring(self) -> None:
        with self._one_at_a_time:
            self.segments.bring()

    # --- the end ------------------------------------------------------------------------------

    def finish(self, progress: Progress = silent, stopping: Stopping = never) -> BuildSummary:
        """Commit the build, or wait for whoever is committing it."""
        while (read := read_manifest(self.store)) is None:
            if self.leases.claim("finish"):
                self._commit(progress)
            else:
                self._wait(stopping)
        return read[0]

    def _commit(self, progress: Progress) -> None:
        """Make the data set of all shards, put it there, read everything back, and put the manifest last."""
        self._bring_shards()
        pipeline.finish_build(self.folder, self.materials, progress)
        _, files = self.folder.read_manifest()
        written = [name for name in files if name.startswith("dataset/")]
        each(lambda name: self.store.put(name, self.folder.path / name), written)
        damaged = damaged_objects(self.store, files, lambda done: progress("verify", done, len(files)))
        if damaged:
            raise StorageError(f"{self.store.url}/{damaged[0]}: is not what was put there", hint=DAMAGED)
        manifest = self.folder.manifest_path.read_bytes()
        if not self.store.put_once(MANIFEST, manifest) or self.store.read(MANIFEST) != manifest:
            raise StorageError(
                f"{self.store.url}: another manifest stands there, which is not that of these shards",
                hint=f"`ccf-build verify {self.store.url}` says which files it fits.",
            )

    def _bring_shards(self) -> None:
        """Everything that others made: what this machine does not have, or has otherwise."""
        shards = range(pipeline.planned(self.folder).shards)
        each(self._bring_file, [self.folder.quarantine_path, *map(self.folder.plan_path, shards)])
        each(lambda item: bring_shard(self.store, self.folder, *item), read_seals(self.store).items())

    def _bring_file(self, path: Path) -> None:
        if not path.is_file():
            self.store.fetch(self._name(path), path)

    # --- below --------------------------------------------------------------------------------

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.path).as_posix()

    def _wait(self, stopping: Stopping) -> None:
        if stopping() or self.has_to_stop():
            raise Unfinished("stopped: as asked")
        time.sleep(min(LOOK_AGAIN_SECONDS, self.materials.settings.store.flush_seconds))


@contextlib.contextmanager
def kept_in_step(stored: StoredBuild) -> Iterator[None]:
    """Sync every few seconds beside the work. A store that stays silent too long stops it."""
    chosen, ending = stored.materials.settings.store, threading.Event()

    def keep() -> None:
        answered = time.monotonic()
        while not ending.wait(chosen.flush_seconds):
            try:
                stored.sync()
                answered = time.monotonic()
            except StoreSilent:
                if time.monotonic() - answered > chosen.patience_seconds:
                    raise

    stored.sync()
    with ThreadPoolExecutor(1) as pool:
        keeper = pool.submit(keep)
        stored.keeper_ended = keeper.done
        try:
            yield
        except BaseException as error:
            ending.set()
            stopped_by = keeper.exception()
            if isinstance(error, Unfinished) and stopped_by is not None:
                raise stopped_by from None
            with (
                contextlib.nullcontext()
                if isinstance(error, Unfinished)
                else contextlib.suppress(StorageError)
            ):
                _leave(stored)
            raise
        ending.set()
        keeper.result()
        _leave(stored)


def _leave(stored: StoredBuild) -> None:
    """What is still to be sent, then word that this worker has gone."""
    stored.sync()
    stored.leases.leave()


def _lease_name(shard: int) -> str:
    return f"shard-{shard:05}"
