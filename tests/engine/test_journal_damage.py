"""A journal that was damaged gives up nothing that can still be read, and never gives a wrong answer."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccf_pipeline.engine.journal import Journal, KnownExpert, pace
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Completion

ANSWERS = 400


def completion(number: int) -> Completion:
    chance = random.Random(number)
    text = "".join(chance.choices("abcdefghij ", k=chance.choice((20, 300, 9000))))
    return Completion(prompt_id=f"{number:064x}", expert="openai", model="m", text=text, tokens_out=3)


EVERY = {answer.prompt_id: answer for answer in map(completion, range(ANSWERS))}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal with many pages, all in the main file."""
    path = tmp_path_factory.mktemp("whole") / "journal" / "completions.sqlite"
    with Journal(path) as journal:
        journal.introduce(KnownExpert("openai", "m", learns=True))
        journal.keep(EVERY.values())
    return path


def damaged_copy(whole: Path, folder: Path, flips: dict[int, int], cut: int | None = None) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    path = folder / "journal" / whole.name
    path.parent.mkdir(parents=True)
    content = bytearray(whole.read_bytes())
    for place, change in flips.items():
        content[place % len(content)] ^= change
    path.write_bytes(content[:cut] if cut is not None else content)
    return path


def found_in(path: Path) -> dict[str, Completion]:
    with Journal(path) as journal:
        journal.mend()
        return journal.find(EVERY, expert="openai", model="m")


FLIPS = st.dictionaries(st.integers(0, 10**7), st.integers(1, 255), min_size=1, max_size=4)


@given(flips=FLIPS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_costs_few_answers_and_changes_none(
    whole: Path, tmp_path: Path, flips: dict[int, int]
) -> None:
    survives_flips(whole, tmp_path, flips)


@pytest.mark.shows(
    "a bit of the journal flips",
    "at most the answers of a page are lost, and counted; none is changed",
)
@pytest.mark.faults
@given(flips=FLIPS)
@settings(max_examples=1000, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_thousand_flips_cost_few_answers_and_change_none(
    whole: Path, tmp_path: Path, flips: dict[int, int]
) -> None:
    survives_flips(whole, tmp_path, flips)


def survives_flips(whole: Path, tmp_path: Path, flips: dict[int, int]) -> None:
    path = damaged_copy(whole, tmp_path / "build", flips)

    found = found_in(path)
    with Journal(path) as journal:
        journal.keep([answer for key, answer in EVERY.items() if key not in found])
        again = journal.find(EVERY, expert="openai", model="m")

    assert all(EVERY[key] == answer for key, answer in found.items())
    assert again == EVERY


@given(place=st.integers(0, 4095), change=st.integers(1, 255))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_flipped_byte_in_the_first_page_costs_nothing(
    whole: Path, tmp_path: Path, place: int, change: int
) -> None:
    """It says where everything is; every journal begins the same, so it can be written anew."""
    assert found_in(damaged_copy(whole, tmp_path / "build", {place: change})) == EVERY


def test_a_damaged_page_costs_its_own_answers_and_a_copy_is_kept(whole: Path, tmp_path: Path) -> None:
    size = whole.stat().st_size
    middle = size // 2 // 4096 * 4096
    path = damaged_copy(whole, tmp_path, {middle + i: 0xFF for i in range(4096)})

    with Journal(path) as journal:
        assert journal.damage() is not None
        journal.mend()
        left = journal.spent().answers
        assert journal.damage() is None
        assert journal.experts() == [KnownExpert("openai", "m", learns=True)]

    assert ANSWERS * 0.8 < left < ANSWERS
    (copy,) = path.parent.glob("*.corrupt")
    assert copy.stat().st_size == size
    assert found_in(path).items() <= EVERY.items()


def test_a_file_cut_short_keeps_what_stands_before_the_cut(whole: Path, tmp_path: Path) -> None:
    path = damaged_copy(whole, tmp_path, {}, cut=whole.stat().st_size * 3 // 4)

    found = found_in(path)

    assert found.items() <= EVERY.items()
    assert len(found) > ANSWERS / 4


@pytest.mark.parametrize("tail", [b"", b"\x00" * 5000, os.urandom(5000)], ids=["torn", "zeros", "garbage"])
def test_a_torn_or_strange_end_of_the_log_takes_nothing_before_it(tmp_path: Path, tail: bytes) -> None:
    """What a machine that lost its power may leave: the log ends in the middle of an answer."""
    path = tmp_path / "journal" / "completions.sqlite"
    journal = Journal(path)
    for number in range(10):
        journal.keep([completion(number)])
    log = path.with_name(path.name + "-wal")
    kept = log.stat().st_size
    journal.keep([completion(10)])
    torn = tmp_path / "torn" / "journal" / path.name
    torn.parent.mkdir(parents=True)
    shutil.copy(path, torn)
    torn.with_name(log.name).write_bytes(log.read_bytes()[: kept + 100] + tail)
    journal.close()

    assert list(found_in(torn)) == [completion(number).prompt_id for number in range(10)]


def test_an_answer_kept_twice_is_one_answer(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal" / "a.sqlite") as journal:
        journal.keep([completion(1), completion(1)])

        assert journal.spent().answers == 1


def test_a_kill_while_mending_loses_nothing(whole: Path, tmp_path: Path) -> None:
    path = damaged_copy(whole, tmp_path, {4096 * 9 + i: 0xFF for i in range(4096)})
    before = found_in(path)
    (copy,) = path.parent.glob("*.corrupt")

    path.unlink()  # as if it had been killed between the copy and the fresh file
    path.with_name(f"{path.name}.mending").write_text(copy.name)

    assert found_in(path) == before


def test_a_journal_that_others_use_is_not_mended_beneath_them(whole: Path, tmp_path: Path) -> None:
    path = damaged_copy(whole, tmp_path, {4096 * 9 + i: 0xFF for i in range(4096)})

    with Journal(path), Journal(path) as journal, pytest.raises(StorageError, match="others are using it"):
        journal.mend()


def test_what_another_build_paid_for_is_not_spent_however_often_it_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "a.sqlite"
    with Journal(path) as journal:
        journal.take_over(map(completion, range(20)))
        journal.keep(map(completion, range(10, 30)))
        counted = journal.spent().answers, journal.taken_over()
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)

    with Journal(path) as mended:
        assert (mended.spent().answers, mended.taken_over()) == counted == (10, 20)
        assert len(mended.find(EVERY, expert="openai", model="m")) == 30
    assert pace(path).last is not None


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "completions.sqlite"
    before = os.umask(0)
    try:
        with Journal(path) as journal:
            journal.keep([completion(1)])
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_damaged_write_ahead_log_does_not_hide_the_database(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "completions.sqlite"
    with Journal(path) as journal:
        journal.keep([completion(1)])
    path.with_name(path.name + "-wal").write_bytes(b"\xff" * 8192)

    assert found_in(path) == {completion(1).prompt_id: completion(1)}
    assert sqlite3.connect(path).execute("PRAGMA quick_check").fetchone() == ("ok",)
