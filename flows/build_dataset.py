"""Build a data set as a Prefect flow: plan, one task per shard, finish.

Parameters are paths and names only: Prefect keeps parameters, logs and exceptions in a database that others
may read. State lives in the build folder, so a flow goes on with what `ccf-build run` began, and the other
way round; several flow runs of one build.toml share its shards.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast
from uuid import UUID

from prefect import State, flow, get_run_logger, task, unmapped
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate
from prefect.client.schemas.objects import FlowRun, TaskRun
from prefect.concurrency.sync import concurrency
from prefect.context import get_run_context
from prefect.exceptions import ObjectNotFound
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import BaseModel, ConfigDict, Field

from ccf_pipeline.corpora import require_corpus, require_tables
from ccf_pipeline.engine import folder_place
from ccf_pipeline.engine.ask import never
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import planned
from ccf_pipeline.engine.lines import MinuteLines
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import (
    BuildConflict,
    CcfError,
    SettingsError,
    SharingRefused,
    StorageError,
    Unfinished,
)
from ccf_pipeline.files.locations import place_name
from ccf_pipeline.records import BuildSummary, Seal
from ccf_pipeline.settings import PriceSettings, load_settings
from flows.log_lines import show_lines_on_pages
from flows.tracking import note_process
from flows.without_text import without_text

LEASE_SECONDS = 60.0
"""What a worker that was killed held of a limit is free for others after so long."""
FOR_GOOD = (Unfinished, StorageError, BuildConflict, SettingsError, SharingRefused)
"""What another attempt would only run into again."""


class BuildRequest(BaseModel):
    """What to build, and how many hands take part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str = Field(default="build.toml", description="Path of the build.toml, as the worker sees it.")
    shards_at_once: int = Field(default=1, ge=1, le=64, description="Shards that this run builds at once.")
    runner: Literal["threads", "dask", "ray"] = Field(
        default="threads",
        description="Where shards are built: in this process, or on a Dask or Ray cluster of this machine.",
    )
    endpoint_limit: str | None = Field(
        default=None, description="A global concurrency limit of Prefect's that every shard takes a slot of."
    )


def name_of_run() -> str:
    request = get_run_context().flow_run.parameters["request"]  # type: ignore[union-attr]
    return f"build {request['config'] if isinstance(request, dict) else request.config}"


def say_where_it_stands(flow: object, flow_run: FlowRun, state: State[Any]) -> None:
    """However a run ended, say what is done: the next run goes on from there."""
    config = BuildRequest.model_validate(flow_run.parameters["request"]).config
    try:
        out = load_settings(Path(config)).out
        status = open_place(out).status(PriceSettings())
    except CcfError:
        return  # Nothing to tell of a build; the run's state says what is wrong.
    row = {"build": place_name(out), "ended": state.name, "sealed": status.shards_sealed, "of": status.shards}
    # A hook may run where no run is at work, in the worker: the run is named.
    ended = ArtifactCreate(
        key="ended",
        type="table",
        description="Sealed shards stay; run it again, as a flow or with `ccf-build run`, and it goes on.",
        data=json.dumps([row]),
        flow_run_id=flow_run.id,
    )
    with get_client(sync_client=True) as client:
        client.create_artifact(ended)


@flow(
    name="build-dataset",
    flow_run_name=name_of_run,
    persist_result=False,
    on_failure=[say_where_it_stands],
    on_crashed=[say_where_it_stands],
    on_cancellation=[say_where_it_stands],
)
def build_dataset(request: BuildRequest = BuildRequest()) -> dict[str, int]:  # noqa: B008  it is frozen
    """Build the data set that a build.toml describes, or help with it, or go on with it; returns counts."""
    note_process()
    show_lines_on_pages()
    with without_text():
        _require_limit(request.endpoint_limit)
        materials = _materials(request.config)
        require_corpus(materials.settings.corpus)
        require_tables(materials.settings.corpus)
        summary = _build(materials, request)
    return {"planned": summary.plan.plans, "accepted": summary.accepted, "rejected": summary.rejected}


def _require_limit(name: str | None) -> None:
    """A limit that nobody made would hold nobody back."""
    if name is None:
        return
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            raise SettingsError(
                f"Prefect has no global concurrency limit `{name}`",
                hint=f"Make it with `prefect gcl create {name} --limit 4`, or leave `endpoint_limit` out.",
            ) from None


def _build(materials: Materials, request: BuildRequest) -> BuildSummary:
    """Hand out shards in rounds, so that other runs find some too, until every one is sealed."""
    place = open_place(materials.settings.out)
    log_stage = MinuteLines(materials.settings.prices).log_stage
    with place.work_folder(materials.settings) as folder:
        done = place.finished(materials, folder)
        if done is not None:
            return done
        with place.join(materials, folder) as site, _runner(request) as runner:
            site.plan(log_stage, never)
            shards = planned(site.folder).shards
            progress = cast("UUID", create_progress_artifact(0.0, description=f"shards of {place.name}"))
            while missing := site.missing():
                update_progress_artifact(progress, 100.0 * (shards - len(missing)) / shards)
                chosen = site.take(2 * request.shards_at_once)
                if not any(_map(runner, chosen, request, folder)):
                    site.wait(never)  # what is left is at work elsewhere, and may come back
                site.sync()
            update_progress_artifact(progress, 100.0)
            summary = site.finish(log_stage, never)
            _show(summary, site.seals(), site.address)
            return summary


def _map(runner: TaskRunner[Any], chosen: list[int], request: BuildRequest, folder: Path) -> list[bool]:
    shared = {"request": unmapped(request), "folder": unmapped(str(folder))}
    futures = runner.map(cast(Any, build_one_shard), {"shard": chosen, **shared})
    return [bool(future.result()) for future in futures]


@contextlib.contextmanager
def _runner(request: BuildRequest) -> Iterator[TaskRunner[Any]]:
    """What runs the tasks; Dask and Ray are imported only where they are chosen."""
    if request.runner == "dask":
        from prefect_dask import DaskTaskRunner

        chosen: TaskRunner[Any] = DaskTaskRunner(
            cluster_kwargs={
                "n_workers": request.shards_at_once,
                "threads_per_worker": 1,
                "dashboard_address": None,
            }
        )
    elif request.runner == "ray":
        from prefect_ray import RayTaskRunner

        chosen = RayTaskRunner(init_kwargs={"num_cpus": request.shards_at_once, "include_dashboard": False})
    else:
        chosen = ThreadPoolTaskRunner(max_workers=request.shards_at_once)
    with chosen as runner:
        yield runner


def may_help(_: object, __: TaskRun, state: State[Any]) -> bool:
    """Whether another attempt may go better."""
    try:
        state.result()
    except FOR_GOOD:
        return False
    except Exception:  # noqa: BLE001  asked only whether to try again; the error stays with the state
        return True
    return True


@task(
    name="build-shard",
    task_run_name="shard {shard}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=2,
    retry_delay_seconds=10,
    retry_condition_fn=may_help,
)
def build_one_shard(shard: int, request: BuildRequest, folder: str) -> bool:
    """Build and seal one shard, unless another run has it; return True if it was built here.

    Args:
        folder: the folder to work in: the build's own, or one beside a bucket.
    """
    show_lines_on_pages()
    with without_text(), _a_slot_of(request.endpoint_limit):
        materials = _materials(request.config)
        watch = MinuteLines(materials.settings.prices).log_tally
        made = folder_place.build_if_free(BuildFolder(Path(folder)), materials, shard, watch=watch)
    get_run_logger().info("shard %d %s", shard, "is sealed" if made else "is at work elsewhere")
    return made


@contextlib.contextmanager
def _a_slot_of(limit: str | None) -> Iterator[None]:
    """Wait for a slot of Prefect's, if there is a limit, and hold it."""
    if limit is None:
        yield
        return
    # Should a renewal fail, the shard is finished all the same: its answers are paid for.
    with concurrency(
        limit, occupy=1, lease_duration=LEASE_SECONDS, strict=True, raise_on_lease_renewal_failure=False
    ):
        yield


def _show(summary: BuildSummary, seals: Iterable[Seal], shown: str) -> None:
    """Tables for those who watch in Prefect's pages: counts and reasons, never a word of a report."""
    create_table_artifact(
        table=[seal.model_dump(include={"shard", "accepted", "rejected", "repaired"}) for seal in seals],
        key="shards",
        description="Rows by shard",
    )
    verdicts = [{"verdict": "accepted", "rows": summary.accepted}]
    verdicts += [{"verdict": entry.reason, "rows": entry.count} for entry in summary.rejected_by_reason]
    create_table_artifact(table=verdicts, key="verdicts", description="Rows by what the checker found")
    create_link_artifact(link=shown, link_text=shown.rpartition("/")[2], key="report")


@lru_cache(maxsize=1)
def _materials(config: str) -> Materials:
    return Materials.load(load_settings(Path(config)))
