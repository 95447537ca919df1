"""The walk: study → plan → prompt → completion → edit → verdict → record → shard → dataset.

`plan_build`, `build_shards` and `finish_build` are all there is to a build; the command line gives all
shards to one call, a Prefect flow maps one call over each. State lives in the build folder, so either can go
on with what the other began. What happens inside a shard stands in engine/ask.py.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ccf_pipeline.corpora import corpus_terms, images_root, require_corpus
from ccf_pipeline.datasets.card import write_card
from ccf_pipeline.datasets.counts import ranked
from ccf_pipeline.datasets.write import refuse_small_disk, write_dataset
from ccf_pipeline.engine.ask import Desk, Tally, Watch, never, unwatched
from ccf_pipeline.engine.audit_log import audited_run, endpoint_facts, settings_digest
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal, taken_over_beside
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.plan_corpus import WITHOUT_TARGET, open_planner, plan_corpus
from ccf_pipeline.engine.reuse import earlier_answers, look_through
from ccf_pipeline.errors import MissingInput, StorageError
from ccf_pipeline.experts import Expert, endpoints_of, open_expert
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.stats import count_reviews
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    BuildSummary,
    PlannedStudy,
    PlanSummary,
    ReasonCount,
    Record,
    Seal,
    Skipped,
    Spend,
)
from ccf_pipeline.settings import BuildSettings

SAMPLED_PAIRS = 100


@seldom_collected()
def build(
    settings: BuildSettings,
    progress: Progress = silent,
    *,
    watch: Watch = unwatched,
    stopping: Callable[[], bool] = never,
) -> BuildSummary:
    """Make a data set, or go on with one: plan, build every shard that is not sealed, finish.

    Args:
        watch: is shown the tally as answers are judged.
        stopping: once it says yes, what is under way is still taken in, and the build stops as `Unfinished`.
    """
    require_corpus(settings.corpus)
    materials = Materials.load(settings)
    with open_build(settings.out, materials.identity) as folder:
        if folder.is_finished():
            return folder.verify()
        look_through_others(folder, materials)
        # The expert comes first: an endpoint that may not be asked is refused before hours of planning.
        with open_expert(settings, materials.graph) as expert, Journal(folder.journal_path) as journal:
            journal.mend()
            plan = plan_build(folder, materials, progress)
            missing = [shard for shard in range(plan.shards) if not folder.is_sealed(shard)]
            build_shards(folder, materials, missing, expert, journal, watch=watch, stopping=stopping)
        return finish_build(folder, materials, progress)


def look_through_others(folder: BuildFolder, materials: Materials) -> None:
    """Whoever works on a build, wherever it lies, begins with this: other builds must be fit to lend answers.

    It stands apart from `plan_build`, since most of those who share a build find its plan made.
    """
    settings = materials.settings
    look_through(folder.path, settings.reuse, corpus_terms(settings.corpus).sensitivity)


# --- plan -----------------------------------------------------------------------------------


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
    reasons = [entry.reason for entry in skipped]
    summary = PlanSummary(
        studies_read=planned + len(skipped),
        studies_planned=planned,
        studies_without_target=reasons.count(WITHOUT_TARGET),
        studies_skipped=_counted(reason for reason in reasons if reason != WITHOUT_TARGET),
        plans=planner.tally.plans,
        shards=shards,
        matched_images=len(planner.matched_qualities),
        balance=planner.tally.balance(),
    )
    refuse_nothing_read(summary, settings)
    folder.keep_plan_summary(summary, skipped)
    _refuse_small_disk(folder, materials, summary)
    return summary


def _refuse_small_disk(folder: BuildFolder, materials: Materials, plan: PlanSummary) -> None:
    """Before anything is asked: a data set that has no room at the end is told at the beginning."""
    settings = materials.settings
    refuse_small_disk(folder, plan.shards, images_root(settings.corpus), settings.dataset)


# --- shards ---------------------------------------------------------------------------------


@seldom_collected()
def build_shards(
    folder: BuildFolder,
    materials: Materials,
    shards: Iterable[int],
    expert: Expert,
    journal: Journal,
    *,
    tally: Tally | None = None,
    watch: Watch = unwatched,
    stopping: Callable[[], bool] = never,
) -> None:
    """Ask for the counterfactuals of these shards, judge them, and seal accepted and rejected rows.

    Args:
        tally: how the build stands, where its sealed shards do not tell.
    """
    plan = planned(folder)
    tally = tally or tally_of(folder, plan, journal.spent())
    tally.taken_over = journal.taken_over()
    settings = materials.settings
    sensitivity = corpus_terms(settings.corpus).sensitivity
    with (
        earlier_answers(folder.path, settings.reuse, sensitivity) as earlier,
        audited_run(folder.path, _facts(materials, plan, expert), lambda: tally.spend),
    ):
        desk = Desk(
            folder, materials, shards, expert, journal, tally, watch=watch, stopping=stopping, earlier=earlier
        )
        desk.run()


def _facts(materials: Materials, plan: PlanSummary, expert: Expert) -> dict[str, Any]:
    """What the audit log says of a run: names and counts, never a text."""
    terms = corpus_terms(materials.settings.corpus)
    return {
        "corpus": terms.kind,
        "sensitivity": terms.sensitivity,
        "rows": plan.plans,
        "expert": expert.name,
        "model": expert.model,
        "settings": settings_digest(materials.identity),
        **endpoint_facts(endpoints_of(expert)),
    }


def tally_of(folder: BuildFolder, plan: PlanSummary, spend: Spend) -> Tally:
    """How a build stands by the shards that are sealed."""
    return tally_of_seals(filter(None, map(folder.seal, range(plan.shards))), plan, spend)


def tally_of_seals(seals: Iterable[Seal], plan: PlanSummary, spend: Spend) -> Tally:
    tally = Tally(planned=plan.plans, spend=spend)
    for seal in seals:
        tally.judged += seal.accepted + seal.rejected
        tally.accepted += seal.accepted
        tally.repaired += seal.repaired
        tally.rejected_by.update({entry.reason: entry.count for entry in seal.rejected_by})
    return tally


def planned(folder: BuildFolder) -> PlanSummary:
    """What was planned, once planning is finished."""
    plan = folder.plan_summary()
    if plan is None:
        raise StorageError(f"{folder.path}: the plan is not finished")
    return plan


# --- finish ---------------------------------------------------------------------------------


@seldom_collected()
def finish_build(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> BuildSummary:
    """Write the data set and its card, check that no row was lost, and commit."""
    plan = planned(folder)
    progress("dataset", 0, 1)
    root, chosen = images_root(materials.settings.corpus), materials.settings.dataset
    written = write_dataset(folder, plan.shards, root, chosen)
    tally = written.tally
    summary = BuildSummary(
        plan=plan,
        accepted=tally.accepted,
        rejected=tally.rejected,
        rejected_by_reason=ranked(tally.reasons),
        accepted_by_direction=ranked(tally.directions),
        accepted_by_target=ranked(tally.targets),
        configs=written.configs,
    )
    refuse_lost_rows(summary)
    write_card(
        written,
        summary,
        materials.lineage,
        corpus_terms(materials.settings.corpus),
        chosen,
        reviews_of(materials.graph, tally.targets),
        prices=materials.settings.prices,
    )
    folder.commit(summary)
    progress("dataset", 1, 1)
    return summary


def reviews_of(graph: ConceptGraph, targets: Iterable[str]) -> dict[str, int]:
    """The review states of every relation of the targets, the signs and the exclusions alike."""
    wanted = set(targets)
    relations = {
        relation.key: relation
        for finding, label in FINDING_LABELS.items()
        if label in wanted
        for relation in (*graph.relations_of(finding), *graph.exclusions(finding))
    }
    return count_reviews(relations.values())


def refuse_nothing_read(plan: PlanSummary, settings: BuildSettings) -> None:
    """Not one report that could be used is a wrong file or wrong columns, and no data set."""
    skipped = sum(entry.count for entry in plan.studies_skipped)
    if skipped == plan.studies_read:
        told = ", ".join(f"{entry.reason} {entry.count}" for entry in plan.studies_skipped) or "it is empty"
        raise MissingInput(
            f"{settings.corpus.path}: not one report could be used: {told}",
            hint="Check the path and the kind of --corpus; docs/corpora.md tells what a table must have.",
        )


def refuse_lost_rows(summary: BuildSummary) -> None:
    """What went in must have come out somewhere, by reason."""
    plan = summary.plan
    skipped = sum(entry.count for entry in plan.studies_skipped)
    if plan.studies_read != plan.studies_planned + plan.studies_without_target + skipped:
        raise StorageError(f"{plan.studies_read} studies were read, not all of them are accounted for")
    if plan.plans != summary.accepted + summary.rejected:
        raise StorageError(
            f"{plan.plans} counterfactuals were planned, {summary.accepted + summary.rejected} were judged"
        )


def _counted(reasons: Iterable[str]) -> tuple[ReasonCount, ...]:
    return ranked(Counter(reasons))


def taken_over_by(out: Path) -> int:
    """How many answers of a build another one paid for."""
    path = BuildFolder(out).journal_path
    return taken_over_beside(path) if path.is_file() else 0


def spent_on(out: Path) -> Spend:
    """What all answers of a build cost, over all of its runs."""
    path = BuildFolder(out).journal_path
    if not path.is_file():
        return Spend()
    with Journal(path) as journal:
        return journal.spent()


def sample_pair(out: Path) -> Record | None:
    """The accepted pair of a finished build to show people: short, whole, and with a finding swapped."""
    folder = BuildFolder(out)
    plan = folder.plan_summary() if folder.is_finished() else None
    accepted = itertools.islice(folder.accepted_records(plan.shards), SAMPLED_PAIRS) if plan else ()

    def shows_more(record: Record) -> tuple[bool, bool, int]:
        sections = record.factual_text.count("\n") + 1
        trades = record.direction == "swap" and record.target != FINDING_LABELS[NO_FINDING]
        return trades, sections == 2, -len(record.factual_text)

    return max(accepted, key=shows_more, default=None)
