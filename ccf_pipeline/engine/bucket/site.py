"""Take part in a build in an object store: work on this disk and keep the store in step.

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
from pathlib import Path
from urllib.parse import urlsplit

from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.engine.bucket.object_store import Store, open_store
from ccf_pipeline.engine.bucket.scratch import worker_of
from ccf_pipeline.engine.bucket.worker import BucketSite, agree
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.errors import SharingRefused, StorageError, StoreSilent, Unfinished
from ccf_pipeline.files.locations import LOOPBACK
from ccf_pipeline.settings import BuildSettings


@contextlib.contextmanager
def at_work(materials: Materials, scratch_folder: Path) -> Iterator[BucketSite]:
    """Take part in a build, in step with the bucket until this is left."""
    store = open_store(materials.settings.out)
    agree(store, materials)
    store.require()
    with open_build(scratch_folder, materials.identity) as folder:
        stored = BucketSite(store, folder, materials, worker_of(scratch_folder))
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
def kept_in_step(stored: BucketSite) -> Iterator[None]:
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


def _leave(stored: BucketSite) -> None:
    """Send what is still to be sent, then word that this worker has gone."""
    stored.sync()
    stored.leases.leave()
