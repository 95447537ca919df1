"""A journal looked at from outside: nothing of it changes, also where nothing may be written."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ccf_pipeline.engine.journal_file import ROWS_AND_PAID, SPENT, WAIT_SECONDS, damage_of
from ccf_pipeline.engine.journal_ledger import read_ledger
from ccf_pipeline.engine.journal_salvage import READING_FAULTS, lenient_text
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Spend


@dataclass(frozen=True)
class JournalView:
    """A read-only view of a journal.

    `rows` counts the answers, `paid` those that no other build paid for; `is_its_own` is false where the
    ledger beside it tells of an answer that is not there.
    """

    damage: str | None
    rows: int = 0
    paid: int = 0
    spent: Spend = field(default_factory=Spend)
    is_its_own: bool = True


def view_journal(path: Path, *, whole: bool = True) -> JournalView:
    """Read a journal; what it counts, and unless somebody just did so, whether every answer is intact."""
    if not path.is_file():
        return JournalView("it is not there", is_its_own=False)
    last = read_ledger(path).last
    try:
        with opened_to_read(path) as database:
            if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return JournalView(None, is_its_own=not last)
            damage = damage_of(database) if whole else None
            rows, paid = database.execute(ROWS_AND_PAID).fetchone()
            spent = dict(zip(Spend.model_fields, database.execute(SPENT).fetchone(), strict=True))
            known = database.execute("SELECT 1 FROM completions WHERE prompt_id = ?", (last,)).fetchone()
    except READING_FAULTS:
        return JournalView("its structure is damaged", is_its_own=False)
    return JournalView(damage, rows, paid, Spend(**spent), is_its_own=not last or known is not None)


@contextlib.contextmanager
def opened_to_read(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database without a lock, a log or an index beside it being made or changed."""
    log, index = (path.with_name(path.name + ending) for ending in ("-wal", "-shm"))
    has_log = log.exists() and log.stat().st_size > 0
    if has_log and not index.exists():
        raise StorageError(
            f"{path}: has a log that nobody has read yet, and reading it would change the folder",
            hint="Copy the file ending in -shm too; or let `ccf-build run` or `verify --repair` read it.",
        )
    # Without a log SQLite would make one even to read; with one, it would write to its index.
    how = "mode=ro&readonly_shm=1" if has_log else "immutable=1"
    with contextlib.closing(
        sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, timeout=WAIT_SECONDS)
    ) as database:
        database.text_factory = lenient_text
        yield database
