"""The book of judgements: what a reader said is on the disk before the page moves on."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from types import TracebackType

from ccf_pipeline.errors import MissingInput, StorageError
from ccf_pipeline.files.arrow import read_nouns, write_nouns
from ccf_pipeline.files.disk import PRIVATE_FILE, make_folder
from ccf_pipeline.records import Judgement, ReviewMode


class JudgementBook:
    """All judgements of a build in the order they were given; a later one replaces, none is overwritten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_at_a_time = threading.Lock()
        try:
            make_folder(path.parent, private=True)
            path.touch(PRIVATE_FILE)  # what SQLite puts beside it is as closed
            path.chmod(PRIVATE_FILE)
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS judgements (number INTEGER PRIMARY KEY, judgement TEXT NOT NULL)"
            )
        except (OSError, StorageError, sqlite3.Error) as error:
            raise _make_refusal(path, error) from error

    def __enter__(self) -> JudgementBook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def keep(self, judgement: Judgement) -> None:
        """Returns only when it is on the disk."""
        try:
            with self._one_at_a_time:
                self._database.execute(
                    "INSERT INTO judgements (judgement) VALUES (?)", (judgement.model_dump_json(),)
                )
        except sqlite3.Error as error:
            raise _make_refusal(self.path, error) from error

    def everything(self) -> list[Judgement]:
        """As they were given, replaced ones included."""
        with self._one_at_a_time:
            rows = self._database.execute("SELECT judgement FROM judgements ORDER BY number").fetchall()
        return [Judgement.model_validate_json(row) for (row,) in rows]

    def holding(self) -> list[Judgement]:
        """The judgements that hold: the last of each reader on each report."""
        last = {(one.reader, one.mode, one.record_id): one for one in self.everything()}
        return sorted(last.values(), key=lambda one: (one.reader, one.mode, one.record_id))

    def of_reader(self, reader: str, mode: ReviewMode) -> dict[str, Judgement]:
        """Return what a reader said so far, by record."""
        return {one.record_id: one for one in self.holding() if one.reader == reader and one.mode == mode}


def write_judgements(path: Path, judgements: list[Judgement]) -> None:
    """The judgements that hold, as Parquet for whoever analyses them."""
    write_nouns(path, judgements, Judgement)


def read_judgements(path: Path) -> list[Judgement]:
    """Read such a table back."""
    if not path.is_file():
        raise MissingInput(f"{path}: nobody has judged this build yet", hint="Run `ccf-build review` first.")
    return list(read_nouns(path, Judgement))


def _make_refusal(path: Path, error: Exception) -> StorageError:
    return StorageError(f"{path}: judgements cannot be kept ({error})")
