"""Build a data set as a Prefect flow: plan, one task per shard, finish.

Parameters are paths only: Prefect keeps parameters, logs and exceptions in a database that others may read.
State lives in the build folder, so a flow goes on with what `ccf-build run` began, and the other way round.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from prefect import flow, task, unmapped
from prefect.cache_policies import NO_CACHE

from ccf_pipeline import pipeline
from ccf_pipeline.io.builds import BuildFolder, open_build
from ccf_pipeline.io.experts import open_expert
from ccf_pipeline.io.journal import Journal
from ccf_pipeline.materials import Materials
from ccf_pipeline.settings import load_settings


@flow(name="build-dataset", flow_run_name="build {config}", persist_result=False, validate_parameters=True)
def build_dataset(config: str) -> dict[str, int]:
    """Build the data set that a build.toml describes, or go on with it; returns counts only."""
    materials = _materials(config)
    out = materials.settings.out
    with open_build(out, materials.identity) as folder:
        if not folder.is_finished():
            plan = pipeline.plan_build(folder, materials)
            missing = [shard for shard in range(plan.shards) if not folder.is_sealed(shard)]
            build_one_shard.map(missing, config=unmapped(config)).result()
            pipeline.finish_build(folder, materials)
        summary = folder.verify()
    return {"planned": summary.plan.plans, "accepted": summary.accepted, "rejected": summary.rejected}


@task(
    name="build-shard",
    task_run_name="shard {shard}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=10,
)
def build_one_shard(shard: int, config: str) -> None:
    """Build and seal one shard; the flow run holds the build folder's lock."""
    materials = _materials(config)
    folder = BuildFolder(materials.settings.out)
    with (
        Journal(folder.journal_path) as journal,
        open_expert(materials.settings, materials.graph) as expert,
    ):
        pipeline.build_shards(folder, materials, [shard], expert, journal)


@lru_cache(maxsize=1)
def _materials(config: str) -> Materials:
    return Materials.load(load_settings(Path(config)))
