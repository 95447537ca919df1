"""Looking after a build: how it stands, whether all of it is intact, and making damaged parts anew.

Nobody is asked here: what has to be made anew comes from the journal.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccf_pipeline.engine.ask import Tally
from ccf_pipeline.engine.audit_log import (
    AUDIT,
    AUDIT_HINT,
    describe_missing_lines,
    verify_audit,
    verify_every_audit,
)
from ccf_pipeline.engine.build_folder import BuildFolder, identity_of
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.build_shards import build_shards, tally_of
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import (
    Journal,
    KnownExpert,
    Pace,
    estimated_beside,
    pace,
    spent_beside,
    taken_over_beside,
)
from ccf_pipeline.engine.journal_ledger import read_ledger
from ccf_pipeline.engine.journal_view import view_journal
from ccf_pipeline.engine.locks import holder_of
from ccf_pipeline.engine.materials import Materials, Progress, silent
from ccf_pipeline.engine.paid_answers import count_lost
from ccf_pipeline.errors import StorageError, Unfinished
from ccf_pipeline.experts import Take
from ccf_pipeline.files.disk import remove, write_text
from ccf_pipeline.records import BuildCheck, BuildStatus, Completion, Holder, PlanSummary, ReasonCount, Spend
from ccf_pipeline.settings import PriceSettings, settings_of

# --- how it stands ----------------------------------------------------------------------------


def build_status(path: Path, prices: PriceSettings) -> BuildStatus:
    """Return how a build stands; it may be running meanwhile. Seals and counts are read, never a row."""
    identity_of(path)
    folder = BuildFolder(path)
    plan, holder = folder.plan_summary(), holder_of(path)
    has_journal = folder.journal_path.is_file()
    spend = spent_beside(folder.journal_path) if has_journal else Spend()
    taken_over = taken_over_beside(folder.journal_path) if has_journal else 0
    answers = pace(folder.journal_path) if has_journal else Pace(None, None)
    state = "finished" if folder.is_finished() else "stopped" if holder is None else "running"
    if plan is None and holder is not None:
        state = "planning"
    plan = plan or NOTHING_PLANNED
    if folder.damaged_identity():
        state = "damaged"
    sealed = sum(map(folder.is_sealed, range(plan.shards)))
    tally = _add_open_shards(folder, tally_of(folder, plan, spend))
    found = status_of(state, holder, plan, tally, sealed, prices, answers, taken_over)
    estimated = estimated_beside(folder.journal_path) if has_journal else 0
    return found.model_copy(update={"estimated": estimated})


def _add_open_shards(folder: BuildFolder, sealed: Tally) -> Tally:
    """Count the rows of shards that are still open as well, as the last run left the counts."""
    noted = folder.noted_tally()
    if folder.is_finished() or not sealed.judged < noted.get("judged", 0) <= sealed.planned:
        return sealed
    sealed.judged, sealed.accepted = noted["judged"], noted["accepted"]
    sealed.repaired, sealed.rejected_by = noted["repaired"], Counter(noted["rejected_by"])
    return sealed


def status_of(
    state: str,
    holder: Holder | None,
    plan: PlanSummary,
    tally: Tally,
    shards_sealed: int,
    prices: PriceSettings,
    answers: Pace = Pace(None, None),  # noqa: B008  it is a tuple
    taken_over: int = 0,
) -> BuildStatus:
    """Return how a build stands, put together from what was read of it."""
    running, spend = state == "running", tally.spend
    had = spend.answers + taken_over
    return BuildStatus.model_validate(
        {
            "state": state,
            "holder": holder,
            "plans": plan.plans,
            "judged": tally.judged,
            "accepted": tally.accepted,
            "rejected": tally.judged - tally.accepted,
            "repaired": tally.repaired,
            "rejected_by": tuple(
                ReasonCount(reason=reason, count=count) for reason, count in tally.rejected_by.most_common()
            ),
            "shards": plan.shards,
            "shards_sealed": shards_sealed,
            "spend": spend,
            "taken_over": taken_over,
            "cost": prices.cost_of(spend) if prices != PriceSettings() else None,
            "answers_per_second": answers.per_second if running else None,
            "seconds_left": _estimate_seconds_left(plan.plans, tally.judged, had, answers)
            if running
            else None,
        }
    )


NOTHING_PLANNED = PlanSummary(
    studies_read=0, studies_planned=0, studies_without_target=0, studies_skipped=(), plans=0, shards=0
)


def _estimate_seconds_left(plans: int, judged: int, had: int, answers: Pace) -> int | None:
    """The answers that are missing, at the pace of the last ones; a row may take more than one."""
    if not answers.per_second or not had:
        return None
    answers_per_row = max(1.0, had / judged) if judged > plans / 10 else 1.0
    return round(max(0.0, plans * answers_per_row - had) / answers.per_second)


# --- whether it is intact ---------------------------------------------------------------------


def check_build(path: Path, progress: Progress = silent) -> BuildCheck:
    """Compare every file with what the manifest says, or while there is none with the seals."""
    identity_of(path)
    folder = BuildFolder(path)
    progress("verify", 0, None)
    damaged = [*folder.damaged_identity(), *folder.damaged()]
    found = BuildCheck(
        finished=folder.is_finished(),
        files=_count_files(folder),
        damaged=tuple(file.relative_to(path).as_posix() for file in damaged),
        added=tuple(file.relative_to(path).as_posix() for file in folder.added()),
        **_check_journal(folder),
    )
    return found.model_copy(update=_check_audit_log(folder))


def repair_build(path: Path, graph: Path | None, progress: Progress = silent) -> BuildCheck:
    """Make every damaged file anew without asking anyone; what was finished is finished again.

    Args:
        graph: the concept graph of the build, where it is not the default one.
    """
    begun = identity_of(path)
    materials = Materials.load(settings_of(begun, out=path, graph=graph))
    folder = BuildFolder(path)
    found = check_build(path, progress)
    if found.audit is not None and (path / AUDIT).exists():
        # A repair is a run: it would have to be written down after a line that does not hold.
        raise StorageError(f"{path / AUDIT}: {found.audit}", hint=AUDIT_HINT)
    if found.finished and not found.damaged and found.journal is None:
        return found
    before = _list_vouched_files(folder) or _list_planned_files(folder)
    with open_build(path, materials.identity) as held:
        if found.journal is not None:
            with Journal(held.journal_path) as journal:
                journal.mend()
        if held.damaged_identity():
            held.keep_identity(begun)
        if found.finished and held.damaged():
            remove(held.manifest_path)
            _make_plan_anew(held, materials, found, before, progress)
            _make_shards_anew(held, materials)
            finish_build(held, materials, progress)
        elif not found.finished:
            if found.damaged:
                _make_plan_anew(held, materials, found, before, progress)
            for shard in _list_shards_to_make(held):
                held.unseal(shard)  # the next run makes it anew from the journal
    return found.model_copy(
        update={"repaired": found.damaged, "files": _count_files(folder), **_check_journal(folder)}
    )


def _check_journal(folder: BuildFolder) -> dict[str, Any]:
    """Say what ails the journal, and how many answers are lost."""
    if not folder.journal_path.is_file() and not folder.plan_summary_path.exists():
        return {"journal": None}
    view = view_journal(folder.journal_path)
    return {"journal": view.damage, "lost_answers": count_lost(folder, view)}


def _check_audit_log(folder: BuildFolder) -> dict[str, object]:
    """Check the chain of audit.jsonl and of those who worked elsewhere, and that no line is gone."""
    path = folder.path / AUDIT
    try:
        everybody, entries = verify_every_audit(folder.path), verify_audit(folder.path)
    except StorageError as error:
        return {"audit": error.what.removeprefix(f"{path}: ")}
    was_run = folder.is_finished() or any((folder.path / "seals").glob("*"))
    if not path.is_file() and (read_ledger(folder.journal_path).audit_lines or (was_run and not everybody)):
        return {"audit": "it is not there"}
    if was_run and not everybody:
        return {"audit": "it is empty"}
    return {
        "audit": describe_missing_lines(folder.path, entries),
        "audit_lines": len(entries),
        "audit_seal": entries[-1]["hash"] if entries else None,
    }


def _count_files(folder: BuildFolder) -> int:
    return len(_list_vouched_files(folder))


def _list_vouched_files(folder: BuildFolder) -> dict[str, object]:
    try:
        return dict(folder.read_manifest()[1])
    except StorageError:
        return {}


def _list_planned_files(folder: BuildFolder) -> dict[str, object]:
    try:
        return dict(folder.plan_files())
    except StorageError:
        return {}


def _make_plan_anew(
    folder: BuildFolder,
    materials: Materials,
    found: BuildCheck,
    before: dict[str, object],
    progress: Progress,
) -> None:
    """Plan once more from the corpus; it must come to the plan that was asked by."""
    summary = None
    if any(name.startswith(("plan/", "quarantine/")) for name in found.damaged):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            summary = folder.plan_summary_path.read_text(encoding="utf-8")
        folder.forget_plan()
    plan_build(folder, materials, progress)
    planned = {name: entry for name, entry in before.items() if name.startswith("plan/shard-")}
    differing = [name for name, entry in planned.items() if folder.vouch_for(folder.path / name) != entry]
    if differing:
        if summary is not None:  # what stood there goes on telling that this plan is another one
            write_text(folder.plan_summary_path, summary, private=True)
        raise StorageError(
            f"{folder.path / differing[0]}: the corpus does not give the plan again that was there",
            hint="The corpus has changed since: bring the file back from a copy, or build in another --out"
            f" with --reuse {folder.path}, which takes its answers over.",
        )


def _list_shards_to_make(folder: BuildFolder) -> list[int]:
    """Return the shards whose files are not what was sealed, or whose rows are not those of the plan."""
    plan = folder.plan_summary() or NOTHING_PLANNED
    return [
        shard
        for shard in range(plan.shards)
        if folder.damage_of_shard(shard) is not None or any(folder.misfits_of(shard))
    ]


def _make_shards_anew(folder: BuildFolder, materials: Materials) -> None:
    missing = _list_shards_to_make(folder)
    for shard in missing:
        folder.unseal(shard)
    if not missing:
        return
    with Journal(folder.journal_path) as journal:
        for expert in journal.experts() or [KnownExpert("nobody", "none", learns=False)]:
            missing = [shard for shard in missing if not folder.is_sealed(shard)]
            build_shards(folder, materials, missing, Unasked(*expert), journal)


class Unasked:
    """An expert that must not be asked: all that it could say stands in the journal."""

    endpoints = ()

    def __init__(self, name: str, model: str, learns: bool) -> None:
        self.name, self.model, self.learns = name, model, learns

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        if take() is not None:
            raise Unfinished(
                "the journal does not hold every answer that is needed",
                hint="`ccf-build run` with the settings of this build asks for those that are missing.",
            )
        yield from ()
