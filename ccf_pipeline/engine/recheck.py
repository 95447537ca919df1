"""Judge the rows of a finished build again, and plan a build without asking anybody."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ccf_pipeline.corpora import require_corpus, require_tables
from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import apply_steps
from ccf_pipeline.datasets.card.evidence import QUALITY
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.forecast import CostForecaster
from ccf_pipeline.engine.materials import Materials, Progress
from ccf_pipeline.engine.plan_corpus import WITHOUT_TARGET, open_planner, plan_corpus
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import (
    FINDING_LABELS,
    Plan,
    PlanView,
    ReasonCount,
    RecheckSummary,
    Record,
    Skipped,
    Study,
)
from ccf_pipeline.settings import BuildSettings, settings_of

# --- the answers of a build, once more --------------------------------------------------------


def recheck(path: Path, graph: Path | None, *, write: bool, progress: Progress) -> RecheckSummary:
    """Judge every stored answer under the present graph and checker, without asking anyone.

    Args:
        write: seal the shards again with the new verdicts, and make the data set anew.
    """
    begun = identity_of(path)
    settings = settings_of(begun, out=path, graph=graph)
    materials = Materials.load(settings)
    with open_build(path, begun) as folder:
        plan = folder.plan_summary()
        if plan is None or not all(map(folder.is_sealed, range(plan.shards))):
            raise StorageError(
                f"{path}: is not finished", hint="Finish it with `ccf-build run`, then check it again."
            )
        if write:
            folder.manifest_path.unlink(missing_ok=True)
            (path / QUALITY).unlink(missing_ok=True)  # it was measured of other verdicts
            for shard in range(
                plan.shards
            ):  # were it stopped on the way, no old verdict may stand beside new
                folder.unseal(shard)
            folder.keep_identity(materials.identity)
        changes: Counter[tuple[str, str]] = Counter()
        judged = accepted = 0
        for shard in range(plan.shards):
            records = _judge_shard_again(folder, shard, materials, changes)
            judged += len(records)
            accepted += sum(record.accepted for record in records)
            if write:
                folder.seal_shard(shard, records)
            progress("recheck", shard + 1, plan.shards)
        if write:
            finish_build(folder, materials)
    return RecheckSummary(
        judged=judged,
        accepted=accepted,
        newly_rejected=_count_changes(changes, "rejected"),
        newly_accepted=_count_changes(changes, "accepted"),
        written=write,
    )


def settings_of_build(path: Path, graph: Path | None, recorded: Path | None) -> BuildSettings:
    """Return what a build was begun with, and the recorded answers to play back in it."""
    settings = settings_of(identity_of(path), out=path, graph=graph)
    if recorded is None:
        return settings
    expert = settings.expert.model_copy(update={"recorded": recorded})
    return settings.model_copy(update={"expert": expert})


def _judge_shard_again(
    folder: BuildFolder, shard: int, materials: Materials, changes: Counter[tuple[str, str]]
) -> list[Record]:
    """The shard's records in the order of its plan, with the verdict that they deserve now."""
    stored = {record.record_id: record for record in folder.records_of(shard)}
    records = []
    for entry in folder.planned_studies(shard):
        for plan in entry.plans:
            before = stored[plan.plan_id]
            after = _judge_record_again(before, plan, entry.study, materials)
            if before.accepted != after.accepted:
                told = before if after.accepted else after
                codes = {problem.code for problem in told.problems if problem.level == "block"}
                changes.update(("accepted" if after.accepted else "rejected", code) for code in codes)
            records.append(after)
    return records


def _judge_record_again(record: Record, plan: Plan, study: Study, materials: Materials) -> Record:
    """An answer that could not be applied stays refused: nothing of it is stored but why."""
    if not record.steps and not record.accepted:
        return record
    edit = apply_steps(record.steps, plan, study)
    factual, counterfactual = materials.read(study.text), materials.read(edit.text)
    verdict = check_edit(edit, plan, study, factual, counterfactual, materials.graph)
    lineage = materials.lineage
    return record.model_copy(
        update={
            "accepted": verdict.accepted,
            "problems": verdict.problems,
            "scores": verdict.scores,
            "graph_version": lineage.graph_version,
            "graph_digest": lineage.graph_digest,
            "code_version": lineage.code_version,
        }
    )


def _count_changes(changes: Counter[tuple[str, str]], which: str) -> tuple[ReasonCount, ...]:
    found = {code: count for (turned, code), count in changes.items() if turned == which}
    ordered = sorted(found, key=lambda code: (-found[code], code))
    return tuple(ReasonCount(reason=code, count=found[code]) for code in ordered)


# --- a plan before it is asked ----------------------------------------------------------------


def view_plan(
    settings: BuildSettings,
    progress: Progress,
    examples: int = 5,
    *,
    with_cost: bool = False,
    tokens_per_second: float | None = None,
) -> PlanView:
    """The funnel, what gives way for what, and examples; no expert is asked, nothing is written.

    Args:
        with_cost: tell also what asking would cost.
        tokens_per_second: what all servers together compute and write, to tell the hours.
    """
    require_corpus(settings.corpus)
    require_tables(settings.corpus)
    materials = Materials.load(settings)
    planner = open_planner(settings, materials.graph, materials.lexicon, progress)
    funnel: Counter[str] = Counter()
    shown: dict[tuple[str, str], str] = {}
    costs = CostForecaster(materials, tokens_per_second) if with_cost else None
    for found in plan_corpus(settings, planner, progress):
        if isinstance(found, Skipped):
            plain = found.reason == WITHOUT_TARGET
            funnel[found.reason if plain else f"skipped: {found.reason}"] += 1
            continue
        funnel["planned"] += 1
        if costs is not None:
            costs.add(found)
        for plan in found.plans:
            shown.setdefault((plan.direction, plan.element or ""), _describe_plan(plan))
    tally, qualities = planner.tally, planner.matched_qualities
    return PlanView(
        preset=settings.plan.preset,
        per_study=settings.plan.per_study,
        funnel=tuple(ReasonCount(reason=r, count=n) for r, n in sorted(funnel.items())),
        directions=tuple(ReasonCount(reason=r, count=n) for r, n in sorted(tally.directions.items())),
        changes=tally.change_counts(),
        balance=tally.balance(),
        matched_images=len(qualities),
        match_quality=round(sum(qualities) / len(qualities), 4) if qualities else None,
        examples=tuple(shown.values())[:examples],
        cost=costs.forecast() if costs is not None else None,
    )


def _describe_plan(plan: Plan) -> str:
    """A plan in a line, without a word of the report."""
    leaving = " for " + ", ".join(map(_find_label, plan.swap_from)) if plan.swap_from else ""
    free, kept = len(plan.free_sentences), len(plan.kept_sentences)
    element = f" ({plan.element})" if plan.element else ""
    return (
        f"{plan.direction} {_find_label(plan.target)}{leaving}{element}: {plan.why}"
        f" {free} sentences are free, {kept} stay word for word."
    )


def _find_label(finding: str) -> str:
    return FINDING_LABELS.get(finding, "")
