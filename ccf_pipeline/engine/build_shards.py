"""Build shards: ask for their counterfactuals, judge the answers, and seal the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.engine.ask import Desk, Tally, Watch, never, unwatched
from ccf_pipeline.engine.audit_log import audited_run, endpoint_facts, settings_digest
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import planned
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.reuse import earlier_answers
from ccf_pipeline.experts import Expert
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.records import PlanSummary, Seal, Spend


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
        audited_run(folder.path, _collect_audit_facts(materials, plan, expert), lambda: tally.spend),
    ):
        desk = Desk(
            folder, materials, shards, expert, journal, tally, watch=watch, stopping=stopping, earlier=earlier
        )
        desk.run()


def _collect_audit_facts(materials: Materials, plan: PlanSummary, expert: Expert) -> dict[str, Any]:
    """Return the names and counts that the audit log keeps of a run, never a text."""
    terms = corpus_terms(materials.settings.corpus)
    return {
        "corpus": terms.kind,
        "sensitivity": terms.sensitivity,
        "rows": plan.plans,
        "expert": expert.name,
        "model": expert.model,
        "settings": settings_digest(materials.identity),
        **endpoint_facts(expert.endpoints),
    }


def tally_of(folder: BuildFolder, plan: PlanSummary, spend: Spend) -> Tally:
    """Count the rows of the sealed shards."""
    return tally_of_seals(filter(None, map(folder.seal, range(plan.shards))), plan, spend)


def tally_of_seals(seals: Iterable[Seal], plan: PlanSummary, spend: Spend) -> Tally:
    """Count the rows that these seals stand for."""
    tally = Tally(planned=plan.plans, shards=plan.shards, spend=spend)
    for seal in seals:
        tally.judged += seal.accepted + seal.rejected
        tally.accepted += seal.accepted
        tally.repaired += seal.repaired
        tally.rejected_by.update({entry.reason: entry.count for entry in seal.rejected_by})
    return tally
