"""One durable record per answer: what was paid for is never asked twice."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from ccf_pipeline.engine.journal_file import (
    ADD_UP,
    COLUMNS,
    FIND,
    FORGET,
    FORGET_FAILURES,
    HOW_MANY_ESTIMATED,
    HOW_MANY_TAKEN_OVER,
    KEEP,
    KEPT_AT,
    LAST,
    LONG_AGO,
    RAISE_SPENT,
    ROWS_AND_PAID,
    SPENT,
    TAKEN_OVER,
    answer_in,
    connect,
    damage_of,
    good_rows,
    is_damage,
    row_of,
)
from ccf_pipeline.engine.journal_ledger import raise_ledger, read_ledger
from ccf_pipeline.engine.journal_salvage import READING_FAULTS, keep_corrupt_copy, opened_copy
from ccf_pipeline.engine.journal_view import opened_to_read
from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.disk import PRIVATE_FILE, disk_error, make_folder, remove, write_text
from ccf_pipeline.records import Completion, Spend

RECENT_ANSWERS = 1000
PORTION = 1000
T = TypeVar("T")


class KnownExpert(NamedTuple):
    """An expert whose answers a journal holds."""

    name: str
    model: str
    learns: bool


class Pace(NamedTuple):
    """The speed of the last answers, and when the last one came (seconds since 1970)."""

    per_second: float | None
    last: float | None


class Journal:
    """The answers of a build, by the digest of what was asked.

    SQLite with a write-ahead log and full sync: `keep` returns only when the answers are on the disk. Each
    answer carries a checksum. What is damaged is set aside in a `.corrupt` copy, and only those answers are
    asked for again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._copied = False
        self._marker = path.with_name(f"{path.name}.mending")
        try:
            make_folder(path.parent, private=True)
            path.touch(PRIVATE_FILE)
            users = path.with_name(f"{path.name}.users")
            users.touch(PRIVATE_FILE)
            self._users = users.open("a", encoding="utf-8")
            fcntl.flock(self._users, fcntl.LOCK_SH)
        except OSError as error:
            raise disk_error(path, error) from error
        self._database = self._open()

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()
        self._users.close()

    # --- answers ------------------------------------------------------------------------------

    def find(self, prompt_ids: Iterable[str], *, expert: str, model: str) -> dict[str, Completion]:
        """The answers already here among those asked for."""
        asked = list(prompt_ids)

        def look() -> dict[str, Completion]:
            found: dict[str, Completion] = {}
            for prompt_id in asked:
                row = self._database.execute(FIND, (prompt_id, expert, model)).fetchone()
                if row is None:
                    continue
                completion = answer_in(row, (prompt_id, expert, model))
                if completion is None:
                    self._set_aside(row[0])
                else:
                    found[prompt_id] = completion
            return found

        return self._mend_and_retry(look)

    def keep(self, completions: Iterable[Completion]) -> None:
        """Make answers durable in one transaction; the first answer to a prompt stands."""
        now = max(
            LONG_AGO, time.time()
        )  # a clock that was never set must not make it one that was taken over
        rows = [row_of(completion, now) for completion in completions]
        self._mend_and_retry(lambda: self._insert(rows))

    def take_over(self, completions: Iterable[Completion]) -> None:
        """Keep answers that another build paid for: they are durable as those of its own, and not spent."""
        self.put_rows(row_of(completion, TAKEN_OVER) for completion in completions)

    def forget_failures(self) -> int:
        """Forget what came in place of an answer, so that it is asked again; return how many there were.

        What they cost stays spent.
        """
        return self._forget(lambda: self._database.execute(FORGET_FAILURES).rowcount)

    def forget(self, prompt_ids: Iterable[str]) -> int:
        """Forget these answers, so that they are asked again; what they cost stays spent."""
        asked = [(prompt_id,) for prompt_id in prompt_ids]
        return self._forget(lambda: self._database.executemany(FORGET, asked).rowcount)

    def _forget(self, delete: Callable[[], int]) -> int:
        count = self._mend_and_retry(delete)
        if count:
            last = self._database.execute(LAST).fetchone()
            given_up = read_ledger(self.path).given_up + count
            # The ledger is raised, never lowered: it says what was paid for even when the journal is lost.
            raise_ledger(self.path, self.spent(), last=str(last[0]) if last else "", given_up=given_up)
        return count

    def introduce(self, expert: KnownExpert) -> None:
        """Note who is asked: whoever makes a shard anew without asking needs to know."""
        self._mend_and_retry(
            lambda: self._database.execute("INSERT OR REPLACE INTO experts VALUES (?, ?, ?)", expert)
        )

    def experts(self) -> list[KnownExpert]:
        rows = self._mend_and_retry(lambda: self._database.execute("SELECT * FROM experts").fetchall())
        return [KnownExpert(name, model, bool(learns)) for name, model, learns in rows]

    def rows_after(self, id: int, at_once: int = 1000) -> Iterator[list[tuple[int, tuple[object, ...]]]]:
        """The rows kept after this one, with their ids, in portions and in the order they came in."""
        question = f"SELECT id, {', '.join(COLUMNS)} FROM completions WHERE id > ? ORDER BY id LIMIT ?"

        def read() -> list[tuple[object, ...]]:
            return self._database.execute(question, (id, at_once)).fetchall()

        while rows := self._mend_and_retry(read):
            yield [(int(str(row[0])), row[1:]) for row in rows]
            id = int(str(rows[-1][0]))

    def put_rows(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Take in rows that another journal gave; those that are here already stand."""
        taken = list(rows)
        self._mend_and_retry(lambda: self._insert(taken))

    # --- what they came to --------------------------------------------------------------------

    def spent(self) -> Spend:
        """Return what all answers kept here cost, but for those that another build paid for."""
        return _read_spend(self._mend_and_retry(lambda: self._database.execute(SPENT).fetchone()))

    def taken_over(self) -> int:
        """Return how many answers another build paid for."""
        row = self._mend_and_retry(lambda: self._database.execute(HOW_MANY_TAKEN_OVER).fetchone())
        return int(row[0])

    def count_as_spent(self, spend: Spend) -> None:
        """Have no figure below these: answers that are lost were paid for all the same."""
        figures = tuple(spend.model_dump().values())
        self._mend_and_retry(lambda: self._database.execute(RAISE_SPENT, figures))

    def damage(self) -> str | None:
        """Return what is wrong with the file, structure and every answer; None where all is well."""
        return damage_of(self._database)

    def mend(self) -> None:
        """If the file is damaged, set it aside and go on with all that can be read of it.

        It reads the whole file: once at the start of a run, since a damaged index hides answers silently.
        """
        if self.damage() is not None:
            self._salvage()

    # --- below --------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        if self._marker.exists():
            return self._build_anew()
        try:
            return connect(self.path)
        except READING_FAULTS as error:
            if not is_damage(error, self.path) or not _is_ours(self.path):
                raise _make_journal_error(self.path, error) from error
        return self._build_anew()

    def _mend_and_retry(self, work: Callable[[], T]) -> T:
        """Do it; where the file turns out to be damaged, mend it and do it once more."""
        try:
            return work()
        except READING_FAULTS as error:
            if not is_damage(error, self.path):
                raise _make_journal_error(self.path, error) from error
        self._salvage()
        self._refuse_loss()
        try:
            return work()
        except READING_FAULTS as error:
            raise _make_journal_error(self.path, error) from error

    def _refuse_loss(self) -> None:
        """Stop in the middle of a run that would ask again for answers that were damaged meanwhile."""
        _, paid = self._database.execute(ROWS_AND_PAID).fetchone()
        ledger = read_ledger(self.path)
        lost = ledger.spend.answers - ledger.given_up - paid
        if lost > 0:
            raise StorageError(f"{self.path}: {say_lost(lost)}", hint="Run the same command again.")

    def _insert(self, rows: Iterable[tuple[object, ...]]) -> None:
        # Immediate: the lock to write is taken at once. A reader that turned writer halfway could be refused,
        # and SQLite would not wait for it.
        self._database.execute("BEGIN IMMEDIATE")
        try:
            paid = [
                row
                for row in rows
                if self._database.execute(KEEP, row).rowcount and row[KEPT_AT] != TAKEN_OVER
            ]
            if paid:
                totals = (sum(map(int, of)) for of in zip(*(row[-3:] for row in paid), strict=True))
                self._database.execute(ADD_UP, (len(paid), *totals))
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        if paid:
            raise_ledger(
                self.path, _read_spend(self._database.execute(SPENT).fetchone()), last=str(paid[-1][0])
            )

    def _set_aside(self, id: int) -> None:
        """An answer whose checksum does not hold: it is asked for again, and a copy of the file is kept."""
        if not self._copied:
            keep_corrupt_copy(self.path)
            self._copied = True
        self._database.execute("DELETE FROM completions WHERE id = ?", (id,))
        self._refuse_loss()

    def _salvage(self) -> None:
        self._database.close()
        self._database = self._build_anew()

    def _build_anew(self) -> sqlite3.Connection:
        """A fresh file with every answer of the damaged one that can still be read.

        The marker names the copy to read from until the fresh file is whole: a kill on the way loses nothing.
        """
        with self._hold_alone():
            if not self._marker.exists():
                write_text(self._marker, keep_corrupt_copy(self.path).name, private=True)
            corrupt = self.path.with_name(self._marker.read_text(encoding="utf-8"))
            try:
                # A log or an index of the damaged file would be played into the fresh one.
                for ending in ("-wal", "-shm", ""):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
                self.path.touch(PRIVATE_FILE)
                self._database = connect(self.path)
                self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                with opened_copy(corrupt, self.path) as damaged:
                    for portion in _split_portions(good_rows(damaged)):
                        self._insert(portion)
                    # Whoever asked an expert is known from the next run as well; a table that cannot be read
                    # costs no answer.
                    with contextlib.suppress(*READING_FAULTS):
                        known = damaged.execute("SELECT name, model, learns FROM experts").fetchall()
                        self._database.executemany("INSERT OR REPLACE INTO experts VALUES (?, ?, ?)", known)
            except (OSError, sqlite3.Error) as error:
                raise _make_journal_error(self.path, error) from error
            remove(self._marker)
        return self._database

    @contextlib.contextmanager
    def _hold_alone(self) -> Iterator[None]:
        """A file that others write to is not replaced beneath them."""
        try:
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(
                f"{self.path}: the journal is damaged, and others are using it",
                hint="Stop the other runs of this build, then run the same command again.",
            ) from error
        try:
            yield
        finally:
            fcntl.flock(self._users, fcntl.LOCK_SH)


def _split_portions(rows: Iterator[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    while portion := list(itertools.islice(rows, PORTION)):
        yield portion


def pace(path: Path) -> Pace:
    """Return how fast answers are coming in, read beside whoever is writing them."""
    last, since, count = _read_beside(
        path,
        "SELECT max(kept_at), min(kept_at), count(*) FROM completions"
        f" WHERE id > (SELECT max(id) FROM completions) - {RECENT_ANSWERS} AND kept_at > {TAKEN_OVER}",
    )
    if last is None or last <= since:
        return Pace(None, last)
    return Pace((count - 1) / (last - since), last)


def spent_beside(path: Path) -> Spend:
    """Return what all answers cost, read beside whoever is writing them."""
    return _read_spend(_read_beside(path, SPENT))


def taken_over_beside(path: Path) -> int:
    """Return how many answers another build paid for, read beside whoever is writing them."""
    return int(_read_beside(path, HOW_MANY_TAKEN_OVER)[0])


def estimated_beside(path: Path) -> int:
    """Return of how many answers the tokens are estimated; journals of older versions knew of none."""
    with contextlib.suppress(sqlite3.OperationalError), opened_to_read(path) as database:
        return int(database.execute(HOW_MANY_ESTIMATED).fetchone()[0])
    return 0


def _read_beside(path: Path, question: str) -> tuple[Any, ...]:
    try:
        with opened_to_read(path) as database:
            row: tuple[Any, ...] = database.execute(question).fetchone()
            return row
    except sqlite3.Error as error:
        raise _make_journal_error(path, error) from error


def say_lost(answers: int) -> str:
    """Say how many answers were paid for and are gone."""
    return f"{answers} answers that were paid for cannot be read and would be asked again"


def _read_spend(row: tuple[Any, ...]) -> Spend:
    answers, tokens_in, tokens_cached, tokens_out = row
    return Spend(answers=answers, tokens_in=tokens_in, tokens_cached=tokens_cached, tokens_out=tokens_out)


def _is_ours(path: Path) -> bool:
    """Some other file named by mistake is left alone: a journal lies in a folder of its own."""
    return path.parent.name == "journal"


def _make_journal_error(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: the journal cannot be used ({error})")
