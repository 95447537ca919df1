"""The walk: study → plan → prompt → completion → edit → verdict → record → shard → dataset.

`plan_build`, `build_shards` and `finish_build` are all there is to a build; the command line gives all
shards to one call, a Prefect flow maps one call over each. State lives in the build folder, so either can go
on with what the other began. What happens inside a shard stands in asking.py.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from ccf_pipeline.asking import Desk, Tally, Watch, never, unwatched
from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.concepts.stats import count_reviews
from ccf_pipeline.errors import StorageError
from ccf_pipeline.io.builds import BuildFolder, open_build
from ccf_pipeline.io.cards import write_card
from ccf_pipeline.io.corpora import corpus_terms, images_root, read_corpus, require_corpus
from ccf_pipeline.io.datasets import write_dataset
from ccf_pipeline.io.experts import Expert, open_expert
from ccf_pipeline.io.journal import Journal
from ccf_pipeline.materials import Materials, Progress, silent
from ccf_pipeline.records import (
    FINDING_LABELS,
    BuildSummary,
    Plan,
    PlannedStudy,
    PlanSummary,
    ReasonCount,
    Record,
    Skipped,
    Spend,
    Study,
)
from ccf_pipeline.settings import BuildSettings
from ccf_pipeline.steps.planning import plan_study

WITHOUT_TARGET = "no eligible counterfactual"
SAMPLED_PAIRS = 100


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
        plan = plan_build(folder, materials, progress)
        missing = [shard for shard in range(plan.shards) if not folder.is_sealed(shard)]
        with Journal(folder.journal_path) as journal, open_expert(settings, materials.graph) as expert:
            journal.mend()
            build_shards(folder, materials, missing, expert, journal, watch=watch, stopping=stopping)
        return finish_build(folder, materials, progress)


# --- plan -----------------------------------------------------------------------------------


def plan_build(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> PlanSummary:
    """Choose the counterfactuals of every study and cut the work into shards; done once per build."""
    planned_before = folder.plan_summary()
    if planned_before is not None:
        return planned_before
    settings = materials.settings
    waiting: list[PlannedStudy] = []
    skipped: list[Skipped] = []
    read = planned = without_target = plans = shards = 0
    for found in read_corpus(settings.corpus):
        read += 1
        progress("studies", read, None)
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        chosen = plan_one(found, materials)
        if not chosen:
            without_target += 1
            skipped.append(Skipped(study_id=found.study_id, reason=WITHOUT_TARGET))
            continue
        planned += 1
        plans += len(chosen)
        waiting.append(PlannedStudy(study=found, plans=chosen))
        if len(waiting) == settings.shards.size:
            folder.keep_plan_shard(shards, waiting)
            shards, waiting = shards + 1, []
    if waiting:
        folder.keep_plan_shard(shards, waiting)
        shards += 1
    summary = PlanSummary(
        studies_read=read,
        studies_planned=planned,
        studies_without_target=without_target,
        studies_skipped=_counted(entry.reason for entry in skipped if entry.reason != WITHOUT_TARGET),
        plans=plans,
        shards=shards,
    )
    folder.keep_plan_summary(summary, skipped)
    return summary


def plan_one(study: Study, materials: Materials) -> tuple[Plan, ...]:
    """The counterfactuals of one study."""
    chosen = materials.settings.plan
    return plan_study(
        study, materials.read(study.text), materials.graph, per_study=chosen.per_study, seed=chosen.seed
    )


# --- shards ---------------------------------------------------------------------------------


def build_shards(
    folder: BuildFolder,
    materials: Materials,
    shards: Iterable[int],
    expert: Expert,
    journal: Journal,
    *,
    watch: Watch = unwatched,
    stopping: Callable[[], bool] = never,
) -> None:
    """Ask for the counterfactuals of these shards, judge them, and seal accepted and rejected rows."""
    plan = planned(folder)
    tally = tally_of(folder, plan, journal.spent())
    Desk(folder, materials, shards, expert, journal, tally, watch=watch, stopping=stopping).run()


def tally_of(folder: BuildFolder, plan: PlanSummary, spend: Spend) -> Tally:
    """How a build stands by the shards that are sealed."""
    tally = Tally(planned=plan.plans, spend=spend)
    for seal in filter(None, map(folder.seal, range(plan.shards))):
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


def finish_build(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> BuildSummary:
    """Write the data set and its card, check that no row was lost, and commit."""
    plan = planned(folder)
    progress("dataset", 0, 1)
    configs = write_dataset(folder, plan.shards, images_root(materials.settings.corpus))
    rejected_reasons: Counter[str] = Counter()
    rejected = 0
    for record in folder.rejected_records(plan.shards):
        rejected += 1
        rejected_reasons.update({problem.code for problem in record.problems if problem.level == "block"})
    directions: Counter[str] = Counter()
    targets: Counter[str] = Counter()
    for record in folder.accepted_records(plan.shards):
        directions[record.direction] += 1
        targets[record.target] += 1
    summary = BuildSummary(
        plan=plan,
        accepted=directions.total(),
        rejected=rejected,
        rejected_by_reason=_ranked(rejected_reasons),
        accepted_by_direction=_ranked(directions),
        accepted_by_target=_ranked(targets),
        configs=configs,
    )
    refuse_lost_rows(summary)
    terms = corpus_terms(materials.settings.corpus)
    write_card(folder.dataset_path, summary, materials.lineage, terms, _reviews(materials.graph, targets))
    folder.commit(summary)
    progress("dataset", 1, 1)
    return summary


def _reviews(graph: ConceptGraph, targets: Iterable[str]) -> dict[str, int]:
    """The review states of every relation of the targets, the signs and the exclusions alike."""
    wanted = set(targets)
    relations = {
        relation.key: relation
        for finding, label in FINDING_LABELS.items()
        if label in wanted
        for relation in (*graph.relations_of(finding), *graph.exclusions(finding))
    }
    return count_reviews(relations.values())


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
    return _ranked(Counter(reasons))


def _ranked(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)


def sample_pair(out: Path) -> Record | None:
    """The accepted pair of a finished build to show people: short, whole, and with a finding swapped."""
    folder = BuildFolder(out)
    plan = folder.plan_summary()
    accepted = itertools.islice(folder.accepted_records(plan.shards), SAMPLED_PAIRS) if plan else ()

    def shows_more(record: Record) -> tuple[bool, bool, int]:
        sections = record.factual_text.count("\n") + 1
        return record.direction == "swap", sections == 2, -len(record.factual_text)

    return max(accepted, key=shows_more, default=None)
