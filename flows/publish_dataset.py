"""Publish a finished build as a Prefect flow: verify, then push.

Parameters are paths and names only: Prefect keeps parameters, logs and exceptions in a database that others
may read. The token is that of the worker's environment; a push goes on with what `ccf-build push` began.
"""

from __future__ import annotations

from pathlib import Path

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from ccf_pipeline.errors import Unfinished
from ccf_pipeline.sharing import publish as publishing
from ccf_pipeline.sharing.nouns import ShareLevel
from ccf_pipeline.sharing.share import FinishedBuild


@flow(
    name="publish-dataset",
    flow_run_name="publish {build} at {level}",
    persist_result=False,
    validate_parameters=True,
)
def publish_dataset(
    build: str,
    repository: str,
    level: ShareLevel = "L0",
    permission: str | None = None,
    endpoint: str | None = None,
) -> dict[str, int]:
    """Verify a finished build, then push one level of it, private and gated; returns counts only.

    Args:
        permission: for L2 of credentialed reports, the path of the written permission.
        endpoint: the https address of another Hub than huggingface.co; HF_ENDPOINT is not used.
    """
    verify_build(build)
    return push_build(build, repository, level, permission, endpoint)


@task(name="verify-build", cache_policy=NO_CACHE, persist_result=False)
def verify_build(build: str) -> None:
    """Compare every file of the build with its manifest."""
    FinishedBuild.open(Path(build))


def _was_interrupted(task: Task[..., object], run: TaskRun, state: State[object]) -> bool:
    """Whether it stopped for the network's sake: a refusal would be the same a second time."""
    return isinstance(state.data, Unfinished)


@task(
    name="push-build",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=3,
    retry_delay_seconds=30,
    retry_condition_fn=_was_interrupted,
)
def push_build(
    build: str, repository: str, level: ShareLevel, permission: str | None, endpoint: str | None
) -> dict[str, int]:
    """Share, scan, push; only what the network broke off is tried again."""
    pushed = publishing.push(Path(build), repository, level=level, permission=permission, endpoint=endpoint)
    return {"sent": pushed.uploaded, "unchanged": pushed.unchanged}
