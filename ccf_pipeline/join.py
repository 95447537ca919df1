"""Several processes on one build: each takes shards that nobody has, until none are left.

There is no one in charge. Whoever comes first plans, whoever finds every shard sealed finishes, and what a
process held when it died is free at once for the others.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ccf_pipeline.engine.ask import never
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.locks import guarded, is_leased, leased
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.errors import Unfinished
from ccf_pipeline.experts import open_expert
from ccf_pipeline.records import BuildSummary
from ccf_pipeline.walk import build_shards, finish_build, look_through_others, plan_build, planned


def plan_together(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> int:
    """Plan, or wait for whoever is planning; returns the number of shards."""
    look_through_others(folder, materials)
    with guarded(folder.path):
        shards = plan_build(folder, materials, progress).shards
        with Journal(folder.journal_path):
            return shards  # the journal is there before several open it at once


def missing_shards(folder: BuildFolder) -> list[int]:
    """The shards that are not sealed; those that nobody has come first."""
    missing = [shard for shard in range(planned(folder).shards) if not folder.is_sealed(shard)]
    return sorted(missing, key=lambda shard: (is_leased(lease_path(folder, shard)), shard))


def build_if_free(
    folder: BuildFolder, materials: Materials, shard: int, stopping: Callable[[], bool] = never
) -> bool:
    """Build a shard that nobody else has; says whether this process did."""
    if stopping() or folder.is_asked_to_stop():
        raise Unfinished("stopped: as asked")
    with leased(lease_path(folder, shard)) as ours:
        if not ours or folder.is_sealed(shard):
            return False
        with (
            Journal(folder.journal_path) as journal,
            open_expert(materials.settings, materials.graph) as expert,
        ):
            build_shards(folder, materials, [shard], expert, journal, stopping=stopping)
        return True


def finish_together(folder: BuildFolder, materials: Materials, progress: Progress = silent) -> BuildSummary:
    """Commit the build, or wait for whoever is committing it."""
    with guarded(folder.path):
        return folder.verify() if folder.is_finished() else finish_build(folder, materials, progress)


def lease_path(folder: BuildFolder, shard: int) -> Path:
    return folder.path / "leases" / f"shard-{shard:05}.lock"
