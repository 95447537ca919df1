"""A journal in an object store: the answers of an interval are one small object, never changed.

Objects lie at `journal/WORKER/DIGEST.ANSWERS-IN-CACHED-OUT-TAKEN.jsonl.gz`; the name alone says what the
answers cost, and how many more were taken over from other builds, at no cost. The first line names the
experts, every other is a row of the journal.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ccf_pipeline.engine.bucket.object_store import Store, each
from ccf_pipeline.engine.journal import Journal, KnownExpert
from ccf_pipeline.engine.journal_file import KEPT_AT, TAKEN_OVER
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Spend

FOLDER = "journal/"
ASIDE = "damaged/"
NAME = re.compile(r"journal/\w+/(?P<digest>\w{16})\.(?P<spend>\d+-\d+-\d+-\d+)-(?P<taken>\d+)\.jsonl\.gz")
TOGETHER = 64
"""So many small objects of one worker are put together into one."""

Row = tuple[object, ...]


class Segments:
    """Keeps the journal on this machine in step with the store: what one holds and the other lacks."""

    def __init__(self, store: Store, worker: str, journal: Path) -> None:
        self._store, self._worker, self._journal = store, worker, journal
        self._read: set[str] = set()
        self._there: set[int] = set()
        """The answers that lie in the store, each by a hash of what was asked of whom."""
        self._sent_to = (0, "")
        self._small: list[str] = []

    def bring(self) -> None:
        """Take in the answers that others, or this machine in an earlier life, put into the store."""
        new = [name for name in self._store.names(FOLDER) if name not in self._read]
        for portion in (new[at : at + TOGETHER] for at in range(0, len(new), TOGETHER)):
            contents = each(self._store.read, portion)
            with Journal(self._journal) as journal:
                for name, content in zip(portion, contents, strict=True):
                    # One that is gone meanwhile was put together with others: the next look finds it there.
                    if content is not None:
                        self._take_in(journal, name, content)

    def send(self, first: Callable[[], None] = lambda: None) -> None:
        """Put what was answered since the last time, as one object; it is there when this returns.

        Args:
            first: sends what has to be there before these answers are: where they came from.
        """
        if not self._journal.is_file():
            return
        with Journal(self._journal) as journal:
            experts = journal.experts()
            for portion in journal.rows_after(self._begin(journal)):
                rows = [row for _, row in portion if _get_row_number(row) not in self._there]
                if rows:
                    first()
                    self._small.append(self._put(rows, experts))
                    self._there.update(map(_get_row_number, rows))
                self._sent_to = portion[-1][0], str(portion[-1][1][0])
        while len(self._small) >= TOGETHER:
            many, self._small = self._small[:TOGETHER], self._small[TOGETHER:]
            self._put_together(many)

    def _begin(self, journal: Journal) -> int:
        """Return where to go on; a journal that was mended meanwhile has other numbers, and is read again."""
        last, prompt_id = self._sent_to
        there = next((rows for rows in journal.rows_after(last - 1, at_once=1)), []) if last else []
        return last if there and there[0][0] == last and there[0][1][0] == prompt_id else 0

    def _take_in(self, journal: Journal, name: str, content: bytes) -> None:
        experts, rows = unpacked(self._store, name, content)
        for expert in experts:
            journal.introduce(expert)
        # Noted first, so that what was taken in is not sent back by whoever sends meanwhile.
        self._there.update(map(_get_row_number, rows))
        journal.put_rows(rows)
        self._read.add(name)

    def _put(self, rows: Sequence[Row], experts: Iterable[KnownExpert]) -> str:
        lines = [json.dumps([list(expert) for expert in experts]), *map(json.dumps, rows)]
        content = gzip.compress("\n".join(lines).encode("ascii"), mtime=0)
        digest = hashlib.sha256(content).hexdigest()[:16]
        name = f"{FOLDER}{self._worker}/{digest}.{_encode_spend(rows)}.jsonl.gz"
        self._store.put(name, content)
        self._read.add(name)
        return name

    def _put_together(self, many: list[str]) -> None:
        """One object in the place of many: whoever begins reads few. The many go when the one is there."""
        experts: dict[KnownExpert, None] = {}
        rows: list[Row] = []
        for name, content in zip(many, each(self._store.read, many), strict=True):
            if content is not None:
                said, held = unpacked(self._store, name, content)
                experts.update(dict.fromkeys(said))
                rows += held
        self._put(rows, experts)
        each(self._store.remove, many)


def unpacked(store: Store, name: str, content: bytes) -> tuple[list[KnownExpert], list[Row]]:
    """Return what a segment holds; one whose bytes are not those it is named by is refused."""
    found = NAME.fullmatch(name)
    if found is None or hashlib.sha256(content).hexdigest()[:16] != found["digest"]:
        raise StorageError(
            f"{store.url}/{name}: this part of the journal is damaged",
            hint="Bring the object back from a copy, if there is one. `ccf-build run --again` sets it aside"
            " and asks again for what only it held, which costs what it cost before.",
        )
    first, *rest = gzip.decompress(content).decode("ascii").split("\n")
    return [KnownExpert(*said) for said in json.loads(first)], [tuple(json.loads(line)) for line in rest]


def list_damaged(store: Store) -> list[str]:
    """Return the segments whose bytes are not those that they are named by; all of them are read."""
    names = list(store.names(FOLDER))

    def is_damaged(name: str) -> bool:
        content = store.read(name)
        try:
            if content is not None:
                unpacked(store, name, content)
        except StorageError:
            return True
        return False

    return [name for name, wrong in zip(names, each(is_damaged, names), strict=True) if wrong]


def set_aside(store: Store, name: str) -> None:
    """Move a damaged segment to where nobody reads it, and where what it cost still counts."""
    store.put(f"{ASIDE}{name}", store.read(name) or b"")
    store.remove(name)


def list_paid(store: Store) -> list[str]:
    """Return the names of all segments, those set aside included: they tell what was spent."""
    aside = (name.removeprefix(ASIDE) for name in store.names(ASIDE))
    return [*store.names(FOLDER), *aside]


def spent_in(names: Iterable[str]) -> Spend:
    """Return what the answers in these segments cost; an answer that two workers asked for cost twice."""
    totals = [0, 0, 0, 0]
    for name in names:
        found = NAME.fullmatch(name)
        if found is not None:
            totals = [a + int(b) for a, b in zip(totals, found["spend"].split("-"), strict=True)]
    answers, tokens_in, tokens_cached, tokens_out = totals
    return Spend(answers=answers, tokens_in=tokens_in, tokens_cached=tokens_cached, tokens_out=tokens_out)


def taken_over_in(names: Iterable[str]) -> int:
    """Return how many answers in these segments other builds paid for."""
    return sum(int(found["taken"]) for found in map(NAME.fullmatch, names) if found is not None)


def _get_row_number(row: Row) -> int:
    return hash(row[:3])


def _encode_spend(rows: Sequence[Row]) -> str:
    """Return what the answers of a segment cost, for its name, and how many cost nothing."""
    paid = [row for row in rows if row[KEPT_AT] != TAKEN_OVER]
    tokens = (sum(int(str(row[column])) for row in paid) for column in (-3, -2, -1))
    return "-".join(map(str, (len(paid), *tokens, len(rows) - len(paid))))
