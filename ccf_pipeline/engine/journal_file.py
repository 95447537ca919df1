"""Read and write the file of a journal: its tables, its rows with checksums, and how damage is found."""

from __future__ import annotations

import os
import sqlite3
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

from ccf_pipeline.engine.journal_salvage import READING_FAULTS, lenient_text, readable_rows
from ccf_pipeline.records import Completion

TAKEN_OVER = 0.0
"""When an answer was kept, of one that another build paid for: found as any other, and not spent."""
LONG_AGO = 1.0
"""When an answer was kept, of one that damage has left without a time."""
WAIT_SECONDS = 60.0
"""Several processes may share a journal; one that writes keeps the others waiting, never this long."""

TABLES = """
CREATE TABLE IF NOT EXISTS completions (
    id INTEGER PRIMARY KEY, prompt_id TEXT NOT NULL, expert TEXT NOT NULL, model TEXT NOT NULL,
    completion TEXT NOT NULL, crc INTEGER NOT NULL, kept_at REAL NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS asked ON completions (prompt_id, expert, model);
CREATE TABLE IF NOT EXISTS spent (
    one INTEGER PRIMARY KEY CHECK (one = 1), answers INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL);
INSERT OR IGNORE INTO spent VALUES (1, 0, 0, 0, 0);
CREATE TABLE IF NOT EXISTS experts (
    name TEXT NOT NULL, model TEXT NOT NULL, learns INTEGER NOT NULL, PRIMARY KEY (name, model));
CREATE INDEX IF NOT EXISTS taken_over ON completions (id) WHERE kept_at = 0;
CREATE INDEX IF NOT EXISTS estimated ON completions (id)
    WHERE instr(completion, '"tokens_estimated":true') > 0;
"""
TOKENS = ("tokens_in", "tokens_cached", "tokens_out")
COLUMNS = ("prompt_id", "expert", "model", "completion", "crc", "kept_at", *TOKENS)
KEPT_AT = COLUMNS.index("kept_at")
KEEP = f"INSERT OR IGNORE INTO completions ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
FIND = "SELECT id, completion, crc FROM completions WHERE prompt_id = ? AND expert = ? AND model = ?"
FORGET = "DELETE FROM completions WHERE prompt_id = ?"
FORGET_FAILURES = (
    "DELETE FROM completions WHERE json_valid(completion)"
    " AND (json_extract(completion, '$.failure') IS NOT NULL OR json_extract(completion, '$.text') = '')"
)
LAST = "SELECT prompt_id FROM completions WHERE kept_at != 0 ORDER BY id DESC LIMIT 1"
ADD_UP = (
    "UPDATE spent SET answers = answers + ?, tokens_in = tokens_in + ?,"
    " tokens_cached = tokens_cached + ?, tokens_out = tokens_out + ?"
)

SPENT = "SELECT answers, tokens_in, tokens_cached, tokens_out FROM spent"
ROWS_AND_PAID = "SELECT count(*), count(nullif(kept_at, 0)) FROM completions"
RAISE_SPENT = (
    "UPDATE spent SET answers = max(answers, ?), tokens_in = max(tokens_in, ?),"
    " tokens_cached = max(tokens_cached, ?), tokens_out = max(tokens_out, ?)"
)
HOW_MANY_ESTIMATED = (
    "SELECT count(*) FROM completions INDEXED BY estimated"
    " WHERE instr(completion, '\"tokens_estimated\":true') > 0"
)
HOW_MANY_TAKEN_OVER = "SELECT count(*) FROM completions WHERE kept_at = 0"


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made if it is not there: what is committed is on the disk."""
    # A flow's tasks may close on another thread than they began on; each journal is used by one at a time.
    database = sqlite3.connect(path, isolation_level=None, timeout=WAIT_SECONDS, check_same_thread=False)
    database.text_factory = lenient_text
    try:
        _use_write_ahead_log(database)
        database.execute("PRAGMA synchronous = FULL")
        if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            database.executescript(f"BEGIN IMMEDIATE; {TABLES} COMMIT;")
        _refuse_other_tables(database)
    except BaseException:
        database.close()
        raise
    return database


class _OtherTables(sqlite3.DatabaseError):
    """The file does not hold the tables of a journal."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _refuse_other_tables(database: sqlite3.Connection) -> None:
    try:
        database.execute(f"SELECT id, {', '.join(COLUMNS)} FROM completions LIMIT 0")
        database.execute("SELECT one, answers, tokens_in, tokens_cached, tokens_out FROM spent LIMIT 0")
        database.execute("SELECT name, model, learns FROM experts LIMIT 0")
    except sqlite3.OperationalError as error:
        raise _OtherTables("these are not the tables of a journal") from error


def _use_write_ahead_log(database: sqlite3.Connection) -> None:
    """Two processes that make the same file at the same moment: the second waits, SQLite itself does not."""
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.05)


class _WrongAnswer(sqlite3.DatabaseError):
    """The answer found belongs to another question: the file is damaged."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def row_of(completion: Completion, now: float) -> tuple[object, ...]:
    """An answer as it lies in the file, in the order of `COLUMNS`."""
    said = completion.model_dump_json()
    tokens = (completion.tokens_in, completion.tokens_cached, completion.tokens_out)
    return (completion.prompt_id, completion.expert, completion.model, said, checksum(said), now, *tokens)


def checksum(said: str) -> int:
    return zlib.crc32(said.encode("utf-8", "surrogatepass"))


def good_rows(damaged: sqlite3.Connection) -> Iterator[tuple[object, ...]]:
    """The answers whose checksum holds; what stands beside them is taken from the answers themselves."""
    for said, crc, kept_at in readable_rows(damaged, "completions", "completion, crc, kept_at"):
        if isinstance(said, str) and checksum(said) == crc:
            yield row_of(
                Completion.model_validate_json(said), kept_at if isinstance(kept_at, float) else LONG_AGO
            )


def damage_of(database: sqlite3.Connection) -> str | None:
    """Return what is wrong with a journal, structure and every answer; None where all is well."""
    try:
        (said,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            return "its structure is damaged"
        rows = database.execute("SELECT completion, crc FROM completions")
        wrong = sum(checksum(completion) != crc for completion, crc in rows)
    except READING_FAULTS:
        return "its structure is damaged"
    return f"{wrong} answers are damaged" if wrong else None


def answer_in(row: tuple[int, str, int], asked: tuple[str, str, str]) -> Completion | None:
    """The answer that a row found by FIND holds; None where its checksum does not hold.

    Args:
        asked: the prompt's id, the expert and the model that were looked for.
    """
    _, said, crc = row
    if checksum(said) != crc:
        return None
    completion = Completion.model_validate_json(said)
    if (completion.prompt_id, completion.expert, completion.model) != asked:
        raise _WrongAnswer("the index leads to another answer")
    return completion


DAMAGE = frozenset(
    {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR}
)
"""What SQLite calls a file whose bytes are not what they were. SQLITE_ERROR: its tables read otherwise."""


def is_damage(error: Exception, path: Path) -> bool:
    """True if SQLite stumbled over the bytes of the file, and not over a full disk or a missing right."""
    if isinstance(error, UnicodeDecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    # A flipped byte may mark the file as one that only a newer SQLite may write.
    return code in DAMAGE or (code == sqlite3.SQLITE_READONLY and os.access(path, os.W_OK))
