"""One durable record per answer: what was paid for is never asked twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Completion, Spend


class Journal:
    """The answers of a build, by the digest of what was asked.

    SQLite with a write-ahead log and full sync: `keep` returns only when the answers are on the disk.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, isolation_level=None)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS completions"
                " (prompt_id TEXT NOT NULL, expert TEXT NOT NULL, model TEXT NOT NULL,"
                "  completion TEXT NOT NULL, tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,"
                "  tokens_out INTEGER NOT NULL, PRIMARY KEY (prompt_id, expert, model)) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            raise _refused(path, error) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def find(self, prompt_ids: Iterable[str], *, expert: str, model: str) -> dict[str, Completion]:
        """The answers already here among those asked for."""
        found: dict[str, Completion] = {}
        try:
            for prompt_id in prompt_ids:
                row = self._database.execute(
                    "SELECT completion FROM completions WHERE prompt_id = ? AND expert = ? AND model = ?",
                    (prompt_id, expert, model),
                ).fetchone()
                if row is not None:
                    found[prompt_id] = Completion.model_validate_json(row[0])
        except sqlite3.Error as error:
            raise _refused(self.path, error) from error
        return found

    def keep(self, completions: Iterable[Completion]) -> None:
        """Make answers durable in one transaction; the first answer to a prompt stands."""
        rows = [
            (c.prompt_id, c.expert, c.model, c.model_dump_json(), c.tokens_in, c.tokens_cached, c.tokens_out)
            for c in completions
        ]
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany("INSERT OR IGNORE INTO completions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise _refused(self.path, error) from error

    def spent(self) -> Spend:
        """What all answers kept here cost."""
        sums = self._database.execute(
            "SELECT count(*), total(tokens_in), total(tokens_cached), total(tokens_out) FROM completions"
        ).fetchone()
        answers, tokens_in, tokens_cached, tokens_out = map(int, sums)
        return Spend(answers=answers, tokens_in=tokens_in, tokens_cached=tokens_cached, tokens_out=tokens_out)


def _refused(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: the journal cannot be used ({error})")
