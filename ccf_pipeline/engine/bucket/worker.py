"""Work on a build in an object store: plan it, claim shards and build them, finish it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from ccf_pipeline.engine.ask import Watch, never, unwatched
from ccf_pipeline.engine.audit_log import AUDIT, OTHERS
from ccf_pipeline.engine.bucket.journal_segments import Segments
from ccf_pipeline.engine.bucket.layout import (
    IDENTITY,
    MANIFEST,
    PLAN,
    SEALS,
    STOP,
    bring_audits,
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
from ccf_pipeline.engine.bucket.leases import Clock, Leases
from ccf_pipeline.engine.bucket.object_store import DAMAGED, Store, each
from ccf_pipeline.engine.build_folder import BuildFolder, identity_text
from ccf_pipeline.engine.build_plan import look_through_others, plan_build, planned
from ccf_pipeline.engine.build_shards import build_shards, tally_of_seals
from ccf_pipeline.engine.claim import refuse_other_identity
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.errors import BuildConflict, StorageError, Unfinished
from ccf_pipeline.experts import Expert
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.records import BuildSummary, Seal

LOOK_AGAIN_SECONDS = 2.0
Stopping = Callable[[], bool]


class BucketSite:
    """A build in a bucket that this process works on together with others."""

    def __init__(
        self,
        store: Store,
        folder: BuildFolder,
        materials: Materials,
        worker: str,
        clock: Clock = time.monotonic,
    ) -> None:
        self.store, self.folder, self.materials = store, folder, materials
        self.address = f"{store.url}/{MANIFEST}"
        self.segments = Segments(store, worker, folder.journal_path)
        self.leases = Leases(store, worker, materials.settings.store.lease_seconds, clock)
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
            sealed = self._find_sealed_here() - self._sent
            self.segments.send(first=self._send_audit)  # before the seals: what they were made of
            for shard in sorted(sealed):
                self._send_shard(shard)
            self._send_audit()
            # A stop that was asked for before this worker came is not meant for it: only another word than
            # then is.
            if self.store.read(STOP) != self._word:
                self.stop()

    def stop(self) -> None:
        """Have whoever works in the scratch folder take in what is under way, and begin nothing new."""
        self.folder.ask_to_stop()

    def _find_sealed_here(self) -> set[int]:
        found = {shard_of(path.name) for path in (self.folder.path / SEALS).glob("shard-*.json")}
        return {shard for shard in found if self.folder.is_sealed(shard)}

    def _send_shard(self, shard: int) -> None:
        """Its files, then its seal; where another's seal stands already, ours is taken back."""
        seal = self.folder.seal(shard)
        if seal is None:
            return
        for name, entry in files_of(seal).items():
            # Put under the digest of its content, it cannot replace what another worker put for the same
            # shard: which of both counts is decided by the seal alone.
            self.store.put(object_of(name, entry["sha256"]), self.folder.path / name)
        # The store makes an object once: of two workers that seal a shard, the second learns it here.
        if not self.store.put_once(seal_name(shard), self.folder.seal_path(shard)):
            self.folder.unseal(shard)
        self._sent.add(shard)

    def _send_audit(self) -> None:
        audit = self.folder.path / AUDIT
        content = audit.read_bytes() if audit.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]  # a line may be in the middle of being written
        if len(whole) != self._audited:
            self.store.put(f"{OTHERS}{self.leases.worker}.jsonl", whole)
            self._audited = len(whole)

    # --- the plan -----------------------------------------------------------------------------

    def plan(self, progress: Progress = silent, stopping: Stopping = never) -> None:
        """Plan, or wait for whoever is planning."""
        look_through_others(self.folder, self.materials)
        while (summary := self.store.read(PLAN)) is None:
            if self.leases.claim("plan"):
                plan_build(self.folder, self.materials, progress)
                self._put_plan()
            else:
                self.wait(stopping)
        agree(self.store, self.materials)
        path = self.folder.plan_summary_path
        if path.is_file() and path.read_bytes() != summary:
            self.folder.forget_plan()
        write_text(path, summary.decode(), private=True)

    def _put_plan(self) -> None:
        """Put the plan, its summary last: a plan without it counts for nothing."""
        if not self.store.put_once(IDENTITY, identity_text(self.materials.identity).encode()):
            agree(self.store, self.materials)
        shards = range(planned(self.folder).shards)
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
                self.wait(stopping)
                continue
            plan = planned(self.folder)
            tally = tally_of_seals(read_seals(self.store).values(), plan, journal.spent())
            build_shards(
                self.folder,
                self.materials,
                itertools.chain([first], shards),
                expert,
                journal,
                tally=tally,
                watch=watch,
                stopping=stopping,
            )
            self.sync()

    def next_shard(self) -> int | None:
        """A shard that is ours to build from now on; None while others have all that are left."""
        if self.folder.is_asked_to_stop():
            return None
        missing, leased = self.missing() - self._handed_out, self.leases.leased()
        # Shards that nobody has or had come first: a holder that is only slow gets time to finish its own.
        for shard in sorted(missing, key=lambda shard: (_name_lease(shard) in leased, shard)):
            if not self.leases.claim(_name_lease(shard)):
                continue
            if _name_lease(shard) in leased:
                self.bring()  # what its holder sent before it died
            self._bring_file(self.folder.plan_path(shard))
            self._handed_out.add(shard)
            return shard
        return None

    def take(self, count: int) -> list[int]:
        """Claim up to so many shards that nobody else has."""
        return list(itertools.islice(iter(self.next_shard, None), count))

    def missing(self) -> set[int]:
        """Return the shards that are not sealed in the store."""
        sealed = {shard_of(name) for name in self.store.names(SEALS)}
        return set(range(planned(self.folder).shards)) - sealed

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
                self.wait(stopping)
        return read[0]

    def seals(self) -> Iterable[Seal]:
        return read_seals(self.store).values()

    def _commit(self, progress: Progress) -> None:
        """Make the data set of all shards, put it there, read everything back, and put the manifest last."""
        self._bring_shards()
        finish_build(self.folder, self.materials, progress)
        _, files = self.folder.read_manifest()
        written = [name for name in files if name.startswith("dataset/")]
        each(lambda name: self.store.put(name, self.folder.path / name), written)
        # Read back from the store and not from this disk: only what others can fetch may be vouched for.
        damaged = damaged_objects(self.store, files, lambda done: progress("verify", done, len(files)))
        if damaged:
            raise StorageError(f"{self.store.url}/{damaged[0]}: is not what was put there", hint=DAMAGED)
        manifest = self.folder.manifest_path.read_bytes()
        # Another worker may have committed the same bytes a moment before; other bytes are an error.
        if not self.store.put_once(MANIFEST, manifest) or self.store.read(MANIFEST) != manifest:
            raise StorageError(
                f"{self.store.url}: another manifest stands there, which is not that of these shards",
                hint=f"`ccf-build verify {self.store.url}` says which files it fits.",
            )

    def _bring_shards(self) -> None:
        """Fetch all shards that others made and this machine does not have, or has otherwise."""
        shards = range(planned(self.folder).shards)
        each(self._bring_file, [self.folder.quarantine_path, *map(self.folder.plan_path, shards)])
        each(lambda item: bring_shard(self.store, self.folder, *item), read_seals(self.store).items())
        bring_audits(self.store, self.folder)

    def _bring_file(self, path: Path) -> None:
        if not path.is_file():
            self.store.fetch(self._name(path), path)

    # --- below --------------------------------------------------------------------------------

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder.path).as_posix()

    def wait(self, stopping: Stopping = never) -> None:
        """Let the others get on; what they have may come back."""
        if stopping() or self.folder.is_asked_to_stop():
            raise Unfinished("stopped: as asked")
        time.sleep(min(LOOK_AGAIN_SECONDS, self.materials.settings.store.flush_seconds))


def agree(store: Store, materials: Materials) -> None:
    """Refuse a place where another build was begun."""
    begun = read_identity(store)
    if begun is not None:
        refuse_other_identity(store.url, begun, materials.identity)


def _name_lease(shard: int) -> str:
    return f"shard-{shard:05}"
