"""What was answered stays answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.errors import StorageError
from ccf_pipeline.records import Completion


def completion(prompt_id: str, text: str = "{}") -> Completion:
    return Completion(prompt_id=prompt_id, expert="rules", model="rules/1", text=text, tokens_out=3)


def test_an_answer_is_found_after_the_journal_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "completions.sqlite"
    with Journal(path) as journal:
        journal.keep([completion("a"), completion("b")])

    with Journal(path) as again:
        found = again.find(["a", "c"], expert="rules", model="rules/1")

    assert found == {"a": completion("a")}


def test_the_first_answer_to_a_prompt_stands(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.keep([completion("a", "first")])
        journal.keep([completion("a", "second"), completion("b", "other")])

        found = journal.find(["a", "b"], expert="rules", model="rules/1")

    assert found["a"].text == "first"
    assert journal_count(tmp_path) == 2


def test_another_model_is_asked_anew(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal.sqlite") as journal:
        journal.keep([completion("a")])

        assert journal.find(["a"], expert="rules", model="rules/2") == {}


def test_a_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("not a database, just some words that are long enough to look like a header\n" * 20)

    with pytest.raises(StorageError, match=r"journal\.sqlite"):
        Journal(path)


def journal_count(folder: Path) -> int:
    with Journal(folder / "journal.sqlite") as journal:
        return journal.spent().answers
