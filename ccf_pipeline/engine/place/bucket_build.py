"""A build in an object store: each machine works on its own disk and keeps the store in step.

On the disk a build is what it always is. In the store lie the plan, the answers as small objects, the sealed
shards, the data set and, last of all, the manifest. There is no one in charge: a lease says who plans, who
has a shard and who finishes, and of two that did the same work the first one counts.
docs/decisions/0009-object-stores.md says why.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ccf_pipeline import walk
from ccf_pipeline.cli.machine import LOOPBACK
from ccf_pipeline.corpora import corpus_terms, require_corpus
from ccf_pipeline.engine.ask import Watch, never, unwatched
from ccf_pipeline.engine.audit_log import settings_digest
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import ELSEWHERE, Materials, Progress, silent
from ccf_pipeline.engine.place.bucket_layout import read_manifest
from ccf_pipeline.engine.place.bucket_worker import Stopping, StoredBuild, agree
from ccf_pipeline.engine.place.journal_segments import FOLDER as SEGMENTS
from ccf_pipeline.engine.place.journal_segments import spent_in, taken_over_in
from ccf_pipeline.engine.place.object_store import Store, open_store
from ccf_pipeline.engine.place.scratch import Scratch, scratch
from ccf_pipeline.errors import SharingRefused, StorageError, StoreSilent, Unfinished
from ccf_pipeline.experts import open_expert
from ccf_pipeline.files.locations import store_url
from ccf_pipeline.records import BuildSummary, Spend
from ccf_pipeline.settings import BuildSettings


@contextlib.contextmanager
def workplace(settings: BuildSettings) -> Iterator[Scratch]:
    """Where this machine works on a build: in the build folder, or on a scratch folder beside a store."""
    url = store_url(settings.out)
    if url is None:
        yield Scratch(settings.out, "")
        return
    require_corpus(settings.corpus)
    refuse_unvouched(settings, open_store(settings.out))
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
        return walk.build(settings, progress, watch=watch, stopping=stopping)
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
        return walk.spent_on(place.folder)
    return spent_in(open_store(settings.out).names(SEGMENTS))


def taken_over_by(settings: BuildSettings, place: Scratch) -> int:
    """How many answers of a build other builds paid for, over all of its runs and workers."""
    if store_url(settings.out) is None:
        return walk.taken_over_by(place.folder)
    return taken_over_in(open_store(settings.out).names(SEGMENTS))


def finished(materials: Materials) -> BuildSummary | None:
    """What a build in a store came to, if it is finished and is this one."""
    store = open_store(materials.settings.out)
    agree(store, materials)
    read = read_manifest(store)
    return read[0] if read else None


@contextlib.contextmanager
def at_work(materials: Materials, place: Scratch) -> Iterator[StoredBuild]:
    """Take part in a build, in step with the store until this is left."""
    store = open_store(materials.settings.out)
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


@contextlib.contextmanager
def kept_in_step(stored: StoredBuild) -> Iterator[None]:
    """Sync every few seconds beside the work. A store that stays silent too long stops it."""
    chosen, ending = stored.materials.settings.store, threading.Event()

    def keep() -> None:
        answered = time.monotonic()
        try:
            while not ending.wait(chosen.flush_seconds):
                try:
                    stored.sync()
                    answered = time.monotonic()
                except StoreSilent:
                    if time.monotonic() - answered > chosen.patience_seconds:
                        raise
        except BaseException:
            stored.stop()  # what nobody would send is not asked for
            raise

    stored.sync()
    with ThreadPoolExecutor(1) as pool:
        keeper = pool.submit(keep)
        try:
            yield
        except BaseException as error:
            ending.set()
            stopped_by = keeper.exception()
            if isinstance(error, Unfinished) and stopped_by is not None:
                raise stopped_by from None
            told_already = () if isinstance(error, Unfinished) else (StorageError,)
            with contextlib.suppress(*told_already):
                _leave(stored)
            raise
        ending.set()
        keeper.result()
        _leave(stored)


def _leave(stored: StoredBuild) -> None:
    """What is still to be sent, then word that this worker has gone."""
    stored.sync()
    stored.leases.leave()
