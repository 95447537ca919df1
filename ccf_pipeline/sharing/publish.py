"""From a finished build to a private, gated data set on the Hub: check, share, scan, then push."""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.engine.materials import Progress, silent
from ccf_pipeline.errors import LeakFound
from ccf_pipeline.sharing.hub import HubDataset
from ccf_pipeline.sharing.nouns import PushSummary, ShareLevel
from ccf_pipeline.sharing.permission import (
    read_permission,
    refuse_name,
    refuse_texts,
    refuse_texts_on_the_hub,
)
from ccf_pipeline.sharing.share import FinishedBuild, preview, share, tell_leaks


def push(
    build: Path,
    repository: str,
    *,
    level: ShareLevel = "L0",
    permission: str | Path | None = None,
    dry_run: bool = False,
    endpoint: str | None = None,
    progress: Progress = silent,
    hub: HubDataset | None = None,
) -> PushSummary:
    """Push one level of a build; nothing is sent before the account, the policy and the scan agree.

    Args:
        permission: the file that holds the written permission.
        dry_run: make the share and scan it, and speak to nobody.
        endpoint: the address of another Hub; HF_ENDPOINT is never asked.
        hub: where to push, instead of a repository at `endpoint`.
    """
    finished = FinishedBuild.open(build)
    reference = read_permission(permission)
    refuse_name(repository)
    refuse_texts(level, finished.terms, reference)
    refuse_texts_on_the_hub(level, finished.terms, reference)
    target = hub or HubDataset(repository, endpoint=endpoint)
    if not dry_run:
        target.preflight()
    shared = build / "share" / level
    sent, unchanged, commit = 0, 0, ""
    if dry_run:
        summary = preview(build, level=level, permission=reference, progress=progress)
    else:
        summary = share(build, shared, level=level, permission=reference, progress=progress)
        target.make_private()
        memory = build / "share" / f"{repository.replace('/', '--')}.json"
        message = f"CXR-CounterFact, level {level}: {summary.rows} pairs"
        sent, unchanged, commit = target.upload(shared, memory, message, progress)
    return PushSummary(
        repository=repository,
        endpoint=target.endpoint,
        level=level,
        dry_run=dry_run,
        files=summary.files,
        uploaded=sent,
        unchanged=unchanged,
        commit=commit,
        scan=summary.scan,
    )


def require_clean(summary: PushSummary) -> None:
    """A dry run that found leaks is no success, though it shows them all."""
    if summary.scan.leaks:
        raise LeakFound(f"{summary.repository}: would not be sent: {tell_leaks(summary.scan)}")
