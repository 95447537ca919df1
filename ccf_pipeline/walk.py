"""The walk: study → plan → prompt → completion → edit → verdict → record → shard → dataset.

A build is planned, its shards are built, and it is finished. The command line gives all shards to one
process, a Prefect flow maps one task over each. State lives in the build, so either can go on with what the
other began. What happens inside a shard stands in engine/ask.py.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from pathlib import Path
from typing import Any

from ccf_pipeline.corpora import require_corpus, require_tables
from ccf_pipeline.engine.ask import Watch, never, unwatched
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.place import Stopping, open_place
from ccf_pipeline.errors import SettingsError
from ccf_pipeline.experts import open_expert
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, BuildSummary, Record
from ccf_pipeline.settings import BuildSettings

logger = logging.getLogger(__name__)

SAMPLED_PAIRS = 100


@seldom_collected()
def build(
    settings: BuildSettings,
    progress: Progress = silent,
    *,
    watch: Watch = unwatched,
    stopping: Stopping = never,
    work_folder: Path | None = None,
    retry_failed: bool = False,
) -> BuildSummary:
    """Make a data set, or go on with one: plan, build every shard that is not sealed, finish.

    Args:
        watch: is shown the tally as answers are judged.
        stopping: once it returns True, what is under way is still taken in, and the build stops as
            `Unfinished`.
        work_folder: the folder of this machine to work in, where the caller has opened it.
        retry_failed: ask again for the rows that were given up because no answer came.
    """
    require_corpus(settings.corpus)
    require_tables(settings.corpus)
    place = open_place(settings.out)
    with contextlib.ExitStack() as stack:
        folder = work_folder or stack.enter_context(place.work_folder(settings))
        materials = Materials.load(settings)
        if retry_failed:
            place.reopen_failed(materials, folder)
        done = place.finished(materials, folder)
        if done is not None:
            return done
        site = stack.enter_context(place.open_alone(materials, folder))
        # The expert comes first: an endpoint that may not be asked is refused before hours of planning.
        with open_expert(settings, materials.graph) as expert:
            logger.info(
                "building %s from %s:%s with %s",
                place.name,
                settings.corpus.kind,
                settings.corpus.path,
                expert.name,
            )
            site.plan(progress, stopping)
            with Journal(site.folder.journal_path) as journal:
                site.build(expert, journal, watch=watch, stopping=stopping)
        return site.finish(progress, stopping)


def sample_pair(out: Path) -> Record | None:
    """Return an accepted pair of a finished build to show people: short, whole, with a finding swapped."""
    folder = BuildFolder(out)
    plan = folder.plan_summary() if folder.is_finished() else None
    accepted = itertools.islice(folder.accepted_records(plan.shards), SAMPLED_PAIRS) if plan else ()

    def rank(record: Record) -> tuple[bool, bool, int]:
        sections = record.factual_text.count("\n") + 1
        trades = record.direction == "swap" and record.target != FINDING_LABELS[NO_FINDING]
        return trades, sections == 2, -len(record.factual_text)

    return max(accepted, key=rank, default=None)


def build_corpus(corpus: str, out: Path | str, **settings: Any) -> BuildSummary:
    """Build a data set from a corpus, or go on with one: `build` for a notebook.

    Args:
        corpus: KIND:PATH, as `ccf-build run --corpus` takes it.
        out: the build folder, or s3://BUCKET/PREFIX.
        settings: tables of build.toml, for example `plan={"per_study": 3}`.
    """
    kind, colon, path = corpus.partition(":")
    if not colon:
        raise SettingsError(f"{corpus}: names no kind of corpus", hint="Give KIND:PATH.")
    chosen = {"kind": kind, "path": path, **settings.pop("corpus", {})}
    return build(BuildSettings.model_validate({**settings, "out": out, "corpus": chosen}))
