"""The audit log: each line sealed by the one before, names and counts only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccf_pipeline.engine.audit_log import (
    AUDIT,
    append_audit,
    attestation_lines,
    audited_run,
    describe_missing_lines,
    verify_audit,
)
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal_ledger import raise_ledger
from ccf_pipeline.errors import StorageError, Unfinished
from ccf_pipeline.records import Spend


@pytest.fixture
def log(tmp_path: Path) -> Path:
    for number in range(4):
        append_audit(tmp_path, "begin", {"rows": number})
    return tmp_path / AUDIT


def test_lines_are_numbered_and_closed_to_others(log: Path) -> None:
    entries = verify_audit(log.parent)

    assert [(entry["entry"], entry["rows"]) for entry in entries] == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert log.stat().st_mode & 0o777 == 0o600
    assert {"time", "user", "host", "command"} <= entries[0].keys()


@pytest.mark.shows(
    "a line of the audit log is changed, taken out or put in",
    "the line is named, exit 74; no run goes on",
)
@pytest.mark.parametrize("what", ["change", "take out", "put in", "swap", "garble"])
def test_a_line_that_was_tampered_with_is_named(log: Path, what: str) -> None:
    lines = log.read_text().splitlines()
    match what:
        case "change":
            lines[1] = lines[1].replace('"rows": 1', '"rows": 9')
        case "take out":
            del lines[1]
        case "put in":
            lines.insert(1, lines[0])
        case "swap":
            lines[1], lines[2] = lines[2], lines[1]
        case "garble":
            lines[1] = "[]"
    log.write_text("\n".join(lines) + "\n")

    with pytest.raises(StorageError, match="line 2 is not as it was written"):
        verify_audit(log.parent)
    with pytest.raises(StorageError):
        append_audit(log.parent, "end", {})


def test_half_a_line_that_a_power_cut_left_is_dropped(log: Path) -> None:
    log.write_text(log.read_text() + '{"entry": 5, "ti')

    append_audit(log.parent, "begin", {"rows": 7})

    assert [entry["entry"] for entry in verify_audit(log.parent)] == [1, 2, 3, 4, 5]


def test_a_run_is_written_down_with_what_it_cost_however_it_ends(tmp_path: Path) -> None:
    spends = iter([Spend(answers=2, tokens_in=10), Spend(answers=5, tokens_in=70, tokens_out=9)])

    with pytest.raises(Unfinished), audited_run(tmp_path, {"rows": 9}, lambda: next(spends)):
        raise Unfinished("a limit")

    begin, end = verify_audit(tmp_path)
    assert (begin["event"], end["event"], end["outcome"]) == ("begin", "end", "Unfinished")
    assert end["paid"] == {"answers": 3, "tokens_in": 60, "tokens_cached": 0, "tokens_out": 9}


def test_who_vouched_is_found_for_the_card(tmp_path: Path) -> None:
    append_audit(tmp_path, "begin", {"attested": ["b"]})
    append_audit(tmp_path, "begin", {"attested": ["a", "b"]})

    assert attestation_lines(tmp_path) == ("a", "b")
    assert json.loads((tmp_path / AUDIT).read_text().splitlines()[0])["attested"] == ["b"]


@pytest.fixture
def known(log: Path) -> Path:
    """A log whose length the ledger beside the journal knows."""
    (log.parent / "journal").mkdir()
    append_audit(log.parent, "end", {})
    return log


@pytest.mark.shows(
    "the audit log is emptied, shortened or replaced",
    "told by the ledger beside the journal, exit 74",
)
@pytest.mark.parametrize(
    ("left", "told"), [(0, "5 of 5 lines are gone"), (3, "2 of 5 lines are gone"), (5, "it is another log")]
)
def test_a_log_that_was_emptied_shortened_or_replaced_is_told_and_not_gone_on_with(
    left: int, told: str, known: Path
) -> None:
    lines = known.read_text().splitlines(keepends=True)
    known.write_text("".join(lines[:left]))
    if left == len(lines):
        raise_ledger(BuildFolder(known.parent).journal_path, audit_seal="0" * 64)

    assert told in str(describe_missing_lines(known.parent, verify_audit(known.parent)))
    with pytest.raises(StorageError, match=told):
        append_audit(known.parent, "begin", {})


@pytest.mark.shows(
    "the audit log is moved away",
    "told; the next run begins one that says how long the other was",
)
def test_a_log_that_was_moved_away_is_followed_by_one_that_says_so(known: Path) -> None:
    last = verify_audit(known.parent)[-1]
    known.rename(known.with_name("aside.jsonl"))

    append_audit(known.parent, "begin", {})

    [entry] = verify_audit(known.parent)
    assert entry["follows"] == {"lines": 5, "hash": last["hash"]}
    assert describe_missing_lines(known.parent, [entry]) is None
