"""From a finished build to a private, gated data set on the Hub: check, share, scan, then push.

As pipeline.py, this only puts steps and files together.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from ccf_pipeline.errors import LeakFound, SharingRefused
from ccf_pipeline.io.hub import HubDataset
from ccf_pipeline.io.sharing.physionet import is_ext_name
from ccf_pipeline.materials import Progress, silent
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.shares import PushSummary, ShareLevel
from ccf_pipeline.sharing import FinishedBuild, preview, share, tell_leaks

LONGEST_REFERENCE = 300


def push(
    build: Path,
    repository: str,
    *,
    level: ShareLevel = "L0",
    permission: str | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
    hub: HubDataset | None = None,
) -> PushSummary:
    """Push one level of a build; nothing is sent before the account, the policy and the scan agree.

    Args:
        permission: a reference to the written permission, or a file that holds it.
        dry_run: make the share and scan it, and speak to nobody.
        hub: where to push; the Hub of the environment when it is None.
    """
    finished = FinishedBuild.open(build)
    reference = read_permission(permission)
    refuse_by_terms(repository, level, finished.terms, reference)
    target = hub or HubDataset(repository)
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


def refuse_by_terms(repository: str, level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    """What the source's terms keep off the Hub, whatever the repository's settings are."""
    name = repository.rpartition("/")[2]
    if "mimic" in name.lower() and not is_ext_name(name):
        raise SharingRefused(
            f"`{name}` reads as if it were MIMIC itself",
            hint="PhysioNet asks for `Ext` in such a name, as in MIMIC-Ext-CXR-CounterFact.",
        )
    if level == "L2" and terms.sensitivity == "credentialed" and not permission:
        raise SharingRefused(
            f"level L2 holds the texts of {terms.name}, which may not go to the Hub",
            hint="Push level L0 or L1, make a submission with `ccf-build share --physionet`, or name the"
            " owner's written permission with --permission.",
        )


def read_permission(permission: str | None) -> str:
    """The reference as the card will tell it; of a file, its name and digest."""
    if permission is None:
        return ""
    path = Path(permission)
    told = " ".join(permission.split())
    if len(told) <= LONGEST_REFERENCE and path.is_file():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return f"{path.name}, sha256 {digest}"
    if not told or len(told) > LONGEST_REFERENCE or path.suffix in (".pdf", ".txt", ".eml", ".md"):
        raise SharingRefused(
            "--permission is neither a file that is there nor a reference of a line",
            hint="Name the file of the permission, or who gave it, when, and under which number.",
        )
    return told
