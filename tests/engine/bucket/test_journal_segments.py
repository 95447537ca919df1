"""Answers that travel through a store as small objects: none lost, none sent twice, each cost told."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from ccf_pipeline.engine.bucket import journal_segments as segments
from ccf_pipeline.engine.bucket.journal_segments import FOLDER, Segments, spent_in, taken_over_in
from ccf_pipeline.engine.bucket.object_store import Store, open_store
from ccf_pipeline.engine.journal import Journal, KnownExpert
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Completion, Spend


@pytest.fixture
def store() -> Store:
    return open_store(f"memory://bucket/{uuid.uuid4().hex}")


def answered(number: int, *, tokens: int = 3) -> Completion:
    return Completion(
        prompt_id=f"p{number}", expert="e", model="m", text=f"“{number}”\n", tokens_in=tokens, tokens_out=1
    )


def keep(path: Path, *numbers: int) -> None:
    with Journal(path) as journal:
        journal.introduce(KnownExpert("e", "m", learns=True))
        journal.keep(map(answered, numbers))


def held(path: Path) -> set[str]:
    with Journal(path) as journal:
        return {str(row[0]) for rows in journal.rows_after(0) for _, row in rows}


def test_what_one_machine_sent_another_has(store: Store, tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "journal", tmp_path / "there" / "journal"
    keep(here, 1, 2)
    Segments(store, "a", here).send()

    Segments(store, "b", there).bring()

    with Journal(there) as journal:
        found = journal.find(["p1", "p2", "p3"], expert="e", model="m")
        assert found == {"p1": answered(1), "p2": answered(2)}
        assert journal.experts() == [KnownExpert("e", "m", learns=True)]
        assert journal.spent() == Spend(answers=2, tokens_in=6, tokens_out=2)


def test_only_what_is_new_is_sent(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sending = Segments(store, "a", path)

    sending.send()
    keep(path, 1)
    sending.send()
    sending.send()
    keep(path, 2, 3)
    sending.send()

    assert [spent_in([name]).answers for name in store.names(FOLDER)] in ([1, 2], [2, 1])
    assert spent_in(store.names(FOLDER)) == Spend(answers=3, tokens_in=9, tokens_out=3)


def test_answers_that_another_build_paid_for_are_told_apart(store: Store, tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "journal", tmp_path / "there" / "journal"
    keep(here, 1, 2)
    with Journal(here) as journal:
        journal.take_over([answered(3, tokens=50)])
    Segments(store, "a", here).send()

    Segments(store, "b", there).bring()

    names = list(store.names(FOLDER))
    assert (spent_in(names), taken_over_in(names)) == (Spend(answers=2, tokens_in=6, tokens_out=2), 1)
    with Journal(there) as journal:
        assert (journal.spent().answers, journal.taken_over()) == (2, 1)


def test_where_answers_came_from_is_there_before_they_are(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sending = Segments(store, "a", path)
    lay_there: list[int] = []

    def note() -> None:
        lay_there.append(len(store.names(FOLDER)))

    sending.send(first=note)
    keep(path, 1)
    sending.send(first=note)
    sending.send(first=note)

    assert lay_there == [0]
    assert len(store.names(FOLDER)) == 1


def test_what_came_from_others_is_not_sent_back(store: Store, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    keep(here, 1, 2)
    Segments(store, "a", here).send()
    helping = Segments(store, "b", there)
    helping.bring()

    keep(there, 2, 3)
    helping.send()

    assert spent_in(store.names(f"{FOLDER}b/")).answers == 1


def test_after_a_crash_the_rest_is_sent_and_nothing_twice(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    keep(path, 1, 2)
    Segments(store, "a", path).send()
    keep(path, 3)

    again = Segments(store, "a", path)
    again.bring()
    again.send()

    assert spent_in(store.names(FOLDER)).answers == 3


def test_a_journal_that_was_mended_meanwhile_still_gets_there(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "journal" / "completions.sqlite"
    sending = Segments(store, "a", path)
    keep(path, 1, 2, 3)
    sending.send()
    for file in path.parent.iterdir():
        file.unlink()

    keep(path, 3, 4)  # the numbers of its rows begin anew, as they do when damaged rows are left out
    sending.send()

    assert spent_in(store.names(FOLDER)).answers == 4


def test_many_small_objects_become_one(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "TOGETHER", 4)
    path = tmp_path / "journal"
    sending = Segments(store, "a", path)

    for number in range(10):
        keep(path, number)
        sending.send()

    assert len(store.names(FOLDER)) == 2 + 2  # two of four answers, two of one
    assert spent_in(store.names(FOLDER)).answers == 10
    Segments(store, "b", tmp_path / "there").bring()
    assert held(tmp_path / "there") == {f"p{number}" for number in range(10)}


@pytest.mark.parametrize("damage", [b"", b"not gzip", b"\x1f\x8b\x08"])
def test_a_damaged_object_is_named_and_its_text_is_not(damage: bytes, store: Store, tmp_path: Path) -> None:
    keep(tmp_path / "here", 1)
    Segments(store, "a", tmp_path / "here").send()
    [name] = store.names(FOLDER)
    store.put(name, damage)

    with pytest.raises(StorageError, match="this part of the journal is damaged") as told:
        Segments(store, "b", tmp_path / "there").bring()

    assert name in told.value.what
    assert held(tmp_path / "there") == set()


def test_the_same_answers_are_the_same_object(store: Store, tmp_path: Path) -> None:
    keep(tmp_path / "here", 1)
    Segments(store, "a", tmp_path / "here").send()
    before = list(store.names(FOLDER))

    Segments(store, "a", tmp_path / "here").send()  # a crash between the put and its note

    assert list(store.names(FOLDER)) == before
