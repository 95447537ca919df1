"""Whole builds with answers that are wrong: each row is judged, repaired or refused, and never lost."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.records import Record
from tests.bad_server import Act, BadServer
from tests.faults.conftest import Bench, built, kept, rows, without_repair

Spoil = Callable[[str], dict[str, Any]]


def said(text: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def insert(text: str) -> dict[str, Any]:
    return said(json.dumps({"edits": [{"action": "insert", "number": 1, "text": text}]}))


DROP = '{{"edits": [{{"action": "drop", "number": {}}}]}}'
WRONG: dict[str, tuple[Spoil, str]] = {
    "R01 truncated": (lambda good: said(good[: len(good) // 2]), "length"),
    "R01 truncated and called whole": (lambda good: said(good[: len(good) // 2]), "stop"),
    "R01 empty": (lambda good: said(""), "stop"),
    "R01 null": (lambda good: said(None), "stop"),
    "R01 only thinking": (lambda good: said("<think>Hm."), "length"),
    "R01 reasoning apart": (lambda good: {"content": None, "reasoning_content": "Hm."}, "length"),
    "R02 prose": (lambda good: said("Certainly! Here is the report."), "stop"),
    "R02 ten megabytes": (lambda good: said("x" * 10_000_000), "stop"),
    "R02 blanks without end": (lambda good: said("{" + " " * 20_000), "length"),
    "R02 over and over": (lambda good: said("The lungs are clear. " * 900), "stop"),
    "R05 unchanged": (lambda good: said('{"edits": []}'), "stop"),
    "R06 a name": (lambda good: insert("Discussed with Dr. Rosamund Pike at 14:32."), "stop"),
    "R06 a number": (lambda good: insert("MRN 4711081512, born 03/04/1956."), "stop"),
    "R08 half a pair": (lambda good: insert("A nodule\ud83d is seen."), "stop"),
    "R08 NUL": (lambda good: insert("A nodule\x00 is seen."), "stop"),
    "R09 deep": (lambda good: said("[" * 100_000), "stop"),
    "R09 huge number": (lambda good: said(DROP.format("9" * 9000)), "stop"),
    "R09 not a number": (lambda good: said(DROP.format("NaN")), "stop"),
    "R09 a key twice": (lambda good: said('{"edits": [], ' + DROP.format(99)[1:]), "stop"),
    "R09 an unknown key": (lambda good: said('{"edits": [], "note": "done"}'), "stop"),
}  # fmt: skip


def spoiled(server: BadServer, bench: Bench, wrong: str) -> Callable[[int, dict[str, Any]], Act | None]:
    spoil, finish = WRONG[wrong]

    def decide(number: int, body: dict[str, Any]) -> Act | None:
        if len(body["messages"]) > 2:
            return None  # A repair.
        return Act(message=spoil(bench.answer(body)), finish=finish) if number % 3 == 0 else None

    return decide


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_a_refused_row_with_its_reason(
    wrong: str, bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    bench = without_repair(bench)
    server.decide = spoiled(server, bench, wrong)

    summary = bench.build(tmp_path / "build", server)

    records = rows(tmp_path / "build")
    assert len(records) == summary.plan.plans == len(bench.answers)
    refused = [record for record in records if not record.accepted]
    assert len(refused) >= len(bench.answers) // 3
    assert all(record.problems for record in refused)
    assert all(record.counterfactual_text.replace("\n", " ").isprintable() for record in records)


@pytest.mark.parametrize("wrong", ["R01 truncated", "R01 null", "R02 prose", "R05 unchanged", "R09 deep"])
def test_a_repair_mends_it_and_is_paid_for_once(
    wrong: str, bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """What cannot be read is asked for as a whole report; what reads but is wrong goes back with reasons."""
    wholes = {"R01 truncated", "R01 null", "R02 prose", "R09 deep"}
    server.decide = spoiled(server, bench, wrong)

    bench.build(tmp_path / "build", server)

    records, answers = rows(tmp_path / "build"), kept(tmp_path / "build")
    assert len(records) == len(bench.answers)
    assert len(answers) == len({answer.prompt_id for answer in answers}) == server.answered
    assert sum(record.tokens_out for record in records) == sum(answer.tokens_out for answer in answers)
    if wrong not in wholes:
        repaired = [record for record in records if record.accepted and record.attempt > 1]
        assert len(repaired) >= len(bench.answers) // 4


def test_swapped_answers_are_told_by_their_names(
    bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """R04, where the server names its replies after requests, as vLLM does: all is as if nothing had been."""
    server.decide = lambda number, body: Act(reply_to=max(1, number - (number % 4 == 0)))

    bench.build(tmp_path / "build", server)

    assert built(tmp_path / "build") == built(undisturbed)


def test_swapped_answers_that_bear_no_name_have_to_be_right_for_the_report_they_come_to(
    bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """R04, where it does not: an answer belongs to the request it came by, and is judged by its report."""
    bench = without_repair(bench)
    asked = list(bench.answers)
    other = dict(zip(asked, [*asked[7:], *asked[:7]], strict=True))
    server.answer = lambda body: bench.answers[other[body["messages"][1]["content"]]]

    summary = bench.build(tmp_path / "build", server)

    records = rows(tmp_path / "build")
    assert len({record.record_id for record in records}) == len(records) == summary.plan.plans
    assert sum(record.accepted for record in records) <= len(records) // 4
    for record in records:
        assert record.accepted is False or fits(record)


def fits(record: Record) -> bool:
    """The target is there or gone, as the row says."""
    states = {label.finding: label.state for label in record.counterfactual_labels}
    return (states.get(record.target) == "present") == (record.direction != "remove")


def test_a_late_reply_after_the_deadline_is_not_a_second_row(
    bench: Bench, server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """R03: who was given up on may answer, and nobody listens."""
    from dataclasses import replace

    from tests.faults.conftest import QUICK

    seen: set[str] = set()

    def decide(number: int, body: dict[str, Any]) -> Act | None:
        said = json.dumps(body["messages"])
        first = said not in seen
        seen.add(said)
        return Act(delay_seconds=2.0) if first and number % 8 == 0 else None

    server.decide = decide
    bench.build(tmp_path / "build", server, patience=replace(QUICK, deadline_seconds=1.0))

    assert built(tmp_path / "build") == built(undisturbed)
    assert len(kept(tmp_path / "build")) == len(kept(undisturbed))


MARKS = ["\u202e", "\u200b", "\u2066", "\ufeff", "\u00ad", "\u0007", "\u2028"]


def test_no_accepted_text_holds_a_letter_that_cannot_be_seen(
    bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """R08: bidi overrides, zero widths, byte order marks, controls."""
    chance = random.Random(3)

    def marked(body: dict[str, Any]) -> str:
        script = json.loads(bench.answer(body))
        for step in script["edits"]:
            if step.get("text"):
                words = step["text"].split(" ")
                words.insert(chance.randrange(len(words) + 1), chance.choice(MARKS[:6]))
                step["text"] = " ".join(words)
        return json.dumps(script)

    server.answer = marked
    bench.build(tmp_path / "build", server)

    for record in rows(tmp_path / "build"):
        assert not set(record.counterfactual_text) & set(MARKS)
        record.counterfactual_text.encode("utf-8")


def test_letters_that_only_look_like_others_are_refused(
    bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """R08: a Cyrillic letter in an English word."""
    bench = without_repair(bench)
    chance = random.Random(3)
    server.answer = lambda body: bench.answer(body).replace("o", chance.choice("o\u043e\u043e"))

    bench.build(tmp_path / "build", server)

    for record in rows(tmp_path / "build"):
        if record.accepted:
            assert "\u043e" not in record.counterfactual_text


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(30))
def test_any_garbage_is_judged_and_counted(
    seed: int, bench: Bench, server: BadServer, tmp_path: Path
) -> None:
    """R02, R08, R09: 500 answers of noise, none a row without a verdict, none a crash."""
    bench = without_repair(bench)
    chance = random.Random(seed)
    letters = '{}[]":,\\/\x00\x1f\t\n\ud800\udfff\u202e\ufeffabcé中𝔘0123456789-+eE.' + '{"edits":'

    def noise(body: dict[str, Any]) -> str:
        good = bench.answer(body)
        place = chance.randrange(len(good) + 1)
        more = "".join(chance.choice(letters) for _ in range(chance.randrange(1, 60)))
        return chance.choice([more, good[:place] + more, good[:place] + more + good[place:], more + good])

    server.answer = noise
    summary = bench.build(tmp_path / "build", server)

    assert summary.accepted + summary.rejected == summary.plan.plans == len(rows(tmp_path / "build"))
