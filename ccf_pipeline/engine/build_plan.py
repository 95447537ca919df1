"""Plan a build: choose the counterfactuals of every study and cut the work into shards."""

from __future__ import annotations

import logging
from collections import Counter

from ccf_pipeline.corpora import corpus_terms, images_root
from ccf_pipeline.datasets.counts import ranked
from ccf_pipeline.datasets.write import refuse_small_disk
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.plan_corpus import WITHOUT_TARGET, open_planner, plan_corpus
from ccf_pipeline.engine.reuse import look_through
from ccf_pipeline.errors import MissingInput, StorageError
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.records import PlannedStudy, PlanSummary, Skipped
from ccf_pipeline.settings import BuildSettings

logger = logging.getLogger(__name__)


def look_through_others(folder: BuildFolder, materials: Materials) -> None:
    """Raise an error if a build that is named by `reuse` cannot lend its answers.

    Every worker calls this before it begins; most of them find the plan made by another.
    """
    settings = materials.settings
    look_through(folder.path, settings.reuse, corpus_terms(settings.corpus).sensitivity)


@seldom_collected()
def plan_build(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> PlanSummary:
    """Choose the counterfactuals of every study and cut the work into shards; done once per build.

    The corpus is read twice: first for what it decides as a whole, then for the plans.
    """
    planned_before = folder.plan_summary()
    if planned_before is not None:
        _refuse_small_disk(folder, materials, planned_before)
        return planned_before
    settings = materials.settings
    planner = open_planner(settings, materials.graph, materials.lexicon, progress)
    waiting: list[PlannedStudy] = []
    skipped: list[Skipped] = []
    planned = shards = 0
    for found in plan_corpus(settings, planner, progress):
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        planned += 1
        waiting.append(found)
        if len(waiting) == settings.shards.size:
            folder.keep_plan_shard(shards, waiting)
            shards, waiting = shards + 1, []
    if waiting:
        folder.keep_plan_shard(shards, waiting)
        shards += 1
    reasons = Counter(entry.reason for entry in skipped)
    summary = PlanSummary(
        studies_read=planned + len(skipped),
        studies_planned=planned,
        studies_without_target=reasons[WITHOUT_TARGET],
        studies_skipped=ranked(
            Counter({reason: n for reason, n in reasons.items() if reason != WITHOUT_TARGET})
        ),
        plans=planner.tally.plans,
        shards=shards,
        matched_images=len(planner.matched_qualities),
        balance=planner.tally.balance(),
    )
    refuse_nothing_read(summary, settings)
    folder.keep_plan_summary(summary, skipped)
    logger.info(
        "planned %d counterfactuals for %d studies in %d shards",
        summary.plans,
        summary.studies_planned,
        summary.shards,
    )
    _refuse_small_disk(folder, materials, summary)
    return summary


def _refuse_small_disk(folder: BuildFolder, materials: Materials, plan: PlanSummary) -> None:
    """Raise an error before anything is asked if the data set will not fit on the disk."""
    settings = materials.settings
    refuse_small_disk(folder, plan.shards, images_root(settings.corpus), settings.dataset)


def planned(folder: BuildFolder) -> PlanSummary:
    """Return the summary of the finished plan."""
    plan = folder.plan_summary()
    if plan is None:
        raise StorageError(f"{folder.path}: the plan is not finished")
    return plan


def refuse_nothing_read(plan: PlanSummary, settings: BuildSettings) -> None:
    """Raise an error if not one report could be used: the file or its columns are wrong."""
    skipped = sum(entry.count for entry in plan.studies_skipped)
    if skipped == plan.studies_read:
        told = ", ".join(f"{entry.reason} {entry.count}" for entry in plan.studies_skipped) or "it is empty"
        raise MissingInput(
            f"{settings.corpus.path}: not one report could be used: {told}",
            hint="Check the path and the kind of --corpus; `ccf-build help corpora` says what a table needs.",
        )
