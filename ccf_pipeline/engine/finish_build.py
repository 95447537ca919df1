"""Finish a build: write the data set and its card, account for every row, and commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ccf_pipeline.corpora import corpus_terms, images_root
from ccf_pipeline.datasets.card import write_card
from ccf_pipeline.datasets.counts import ranked
from ccf_pipeline.datasets.write import write_dataset
from ccf_pipeline.engine.audit_log import attestation_lines
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import planned
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.select_pairs import select_pairs
from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.proofs import count_backings
from ccf_pipeline.records import FINDING_LABELS, BuildSummary

logger = logging.getLogger(__name__)


@seldom_collected()
def finish_build(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> BuildSummary:
    """Write the data set and its card, check that no row was lost, and commit."""
    plan = planned(folder)
    progress("dataset", 0, 1)
    root, chosen = images_root(materials.settings.corpus), materials.settings.dataset
    dropped = frozenset[str]()
    if chosen.select is not None:
        selected = select_pairs(folder, plan.shards, materials.lexicon, keep=chosen.select, progress=progress)
        dropped = frozenset(selected.dropped)
    written = write_dataset(folder, plan.shards, root, chosen, dropped=dropped)
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
        vouched=attestation_lines(folder.path),
    )
    folder.commit(summary)
    progress("dataset", 1, 1)
    logger.info(
        "finished: %d accepted, %d rejected; the data set is in %s",
        summary.accepted,
        summary.rejected,
        folder.dataset_path,
    )
    return summary


def reviews_of(graph: ConceptGraph, targets: Iterable[str]) -> dict[str, int]:
    """Count by backing every relation of the targets: signs and exclusions alike."""
    wanted = set(targets)
    relations = {
        relation.key: relation
        for finding, label in FINDING_LABELS.items()
        if label in wanted
        for relation in (*graph.relations_of(finding), *graph.exclusions(finding))
    }
    return count_backings(graph.file, relations.values())


def refuse_lost_rows(summary: BuildSummary) -> None:
    """Raise an error unless every study and every plan is accounted for by reason."""
    plan = summary.plan
    skipped = sum(entry.count for entry in plan.studies_skipped)
    if plan.studies_read != plan.studies_planned + plan.studies_without_target + skipped:
        raise StorageError(f"{plan.studies_read} studies were read, not all of them are accounted for")
    if plan.plans != summary.accepted + summary.rejected:
        raise StorageError(
            f"{plan.plans} counterfactuals were planned, {summary.accepted + summary.rejected} were judged"
        )
