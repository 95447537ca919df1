"""Answers that were paid for and are gone from the journal: whatever else is known of them tells it."""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.engine.audit_log import verify_audit
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal, say_lost
from ccf_pipeline.engine.journal_ledger import most_of, raise_ledger, read_ledger
from ccf_pipeline.engine.journal_view import JournalView, view_journal
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Spend

AGAIN_HINT = (
    "Bring the folder `journal` back from a copy, if there is one. `ccf-build run --again` gives them up and"
    " asks for those that are needed, which costs what they cost before."
)


def count_lost(folder: BuildFolder, view: JournalView | None = None) -> int:
    """Count the answers that were paid for, are not in the journal, and that nobody gave up.

    The ledger beside the journal, the lines of the audit log and the sealed rows each say how many there must
    be at least.
    """
    view = view or view_journal(folder.journal_path, whole=False)
    rows, paid = (view.rows, view.paid) if view.is_its_own else (0, 0)
    missing = max(known_spend(folder, view).answers - paid, _count_sealed_rows(folder) - rows)
    return max(0, missing - read_ledger(folder.journal_path).given_up)


def known_spend(folder: BuildFolder, view: JournalView) -> Spend:
    """Return what the answers of a build cost at least, whatever is left of its journal."""
    return most_of(
        read_ledger(folder.journal_path).spend, most_of(view.spent, _read_audited_spend(folder.path))
    )


def refuse_lost_answers(folder: BuildFolder) -> None:
    """Stop before answers that were paid for are asked for again."""
    lost = count_lost(folder)
    if lost:
        raise StorageError(f"{folder.journal_path}: {say_lost(lost)}", hint=AGAIN_HINT)


def give_up_lost_answers(folder: BuildFolder) -> int:
    """Agree to ask again for what is lost, now and in the runs that follow; return how many answers it is.

    They stay spent: a limit counts them.
    """
    with Journal(folder.journal_path) as journal:
        journal.mend()
        view = view_journal(folder.journal_path, whole=False)
        lost = count_lost(folder, view)
        if lost:
            spent = known_spend(folder, view)
            journal.count_as_spent(spent)
            given_up = read_ledger(folder.journal_path).given_up + lost
            raise_ledger(folder.journal_path, spent, given_up=given_up)
        return lost


def _count_sealed_rows(folder: BuildFolder) -> int:
    try:
        plan = folder.plan_summary()
    except StorageError:
        return 0
    seals = (folder.seal(shard) for shard in range(plan.shards if plan else 0))
    return sum(seal.accepted + seal.rejected for seal in seals if seal is not None)


def _read_audited_spend(path: Path) -> Spend:
    try:
        paid = [entry.get("paid", {}) for entry in verify_audit(path)]
    except StorageError:
        return Spend()  # a log that does not hold is told elsewhere
    return Spend(**{name: sum(one.get(name, 0) for one in paid) for name in Spend.model_fields})
