"""The ledger beside a journal: how many answers were paid for, whatever becomes of journal and audit log.

It is written after each answer is durable, in place and without waiting for the disk: what it says is never
more than was paid for. Where it says more than the journal holds, answers were lost.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pydantic import ValidationError

from ccf_pipeline.files.disk import PRIVATE_FILE, disk_error
from ccf_pipeline.records import Noun, Spend

NOTHING = Spend()
WIDTH = 512
"""A line of this many bytes, written over the one before: one sector of a disk, whole or not at all."""


class Ledger(Noun):
    """The answers that a journal has acknowledged so far.

    `given_up` counts the lost answers that somebody agreed to ask for again; `last` is the prompt of the
    answer kept last, by which another journal in the place of this one is noticed. `audit_lines` and
    `audit_seal`, the hash of the last of them, do the same for the audit log.
    """

    spend: Spend = Spend()
    given_up: int = 0
    last: str | None = None
    audit_lines: int = 0
    audit_seal: str = ""


def ledger_path(journal: Path) -> Path:
    return journal.with_name(f"{journal.name}.paid")


def read_ledger(journal: Path) -> Ledger:
    """Return what the ledger of a journal says; one that is not there or damaged says nothing."""
    try:
        return Ledger.model_validate_json(ledger_path(journal).read_bytes())
    except (OSError, ValidationError, ValueError):
        return Ledger()


def raise_ledger(journal: Path, spend: Spend = NOTHING, **others: object) -> None:
    """Write down what was paid for; what was spent never falls, whoever else writes at the same time.

    Args:
        others: the other fields to set.
    """
    path = ledger_path(journal)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            before = read_ledger(journal)
            after = before.model_copy(update={"spend": most_of(before.spend, spend), **others})
            line = after.model_dump_json().encode().ljust(WIDTH - 1) + b"\n"
            os.pwrite(descriptor, line, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise disk_error(path, error) from error


def most_of(one: Spend, other: Spend) -> Spend:
    """Return the higher of each figure."""
    return Spend(**{name: max(getattr(one, name), getattr(other, name)) for name in Spend.model_fields})
