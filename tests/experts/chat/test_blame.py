"""Whose fault a fault is: the run's, the question's, or the server's."""

from __future__ import annotations

from typing import Any

import pytest

from ccf_pipeline.errors import CcfError, EndpointRefused, ExpertError, Unfinished
from ccf_pipeline.records import Completion
from tests.bad_server import Act, BadServer
from tests.chat_client import (
    ask,
    collect,
    expert_at,
    question,
)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, "{}", ExpertError, "401"),
        (403, "{}", ExpertError, "403"),
        (404, '{"error": {"message": "PATIENT: no such model"}}', ExpertError, "404"),
        (405, "<html>", ExpertError, "405"),
        (402, "{}", Unfinished, "quota"),
        (429, '{"error": {"code": "insufficient_quota", "message": "PATIENT"}}', Unfinished, "quota"),
        (301, "{}", EndpointRefused, "sends on"),
        (307, "{}", EndpointRefused, "sends on"),
    ],
)
def test_what_no_question_will_get_past_stops_the_run_at_once(
    server: BadServer, status: int, body: str, kind: type[CcfError], words: str
) -> None:
    away = {"Location": "http://192.0.2.1/v1"}
    server.decide = lambda number, _: (
        Act(status=status, headers=away, body=body.encode()) if number > 4 else None
    )
    got: list[Completion] = []

    with pytest.raises(kind, match=words) as stopped:
        collect(expert_at(server, concurrency=2).answer_questions(map(question, range(300))), got)

    assert len(got) == 4
    assert len(server.requests) <= 6
    assert "PATIENT" not in stopped.value.what + stopped.value.hint
    assert stopped.value.__cause__ is None


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (Act(status=400, body=b'{"error": {"code": "context_length_exceeded"}}'), "longer than the model's"),
        (
            Act(status=400, body=b'{"message": "maximum context length is 4096 tokens"}'),
            "longer than the model's",
        ),
        (Act(status=413), "longer than the model's"),
        (Act(status=400, body=b'{"error": {"code": "content_filter"}}'), "content filter"),
        (Act(finish="content_filter"), "content filter"),
        (Act(status=400), "does not take it"),
        (Act(status=422), "does not take it"),
    ],
)
def test_what_is_one_questions_fault_costs_that_question_only(
    server: BadServer, act: Act, failure: str
) -> None:
    server.decide = lambda number, body: act if body["messages"][-1]["content"] == "report 2" else None

    completions = {c.prompt_id: c for c in ask(expert_at(server), 5)}

    assert failure in str(completions["id-2"].failure)
    assert [c.failure for c in completions.values()].count(None) == 4
    assert len(server.requests) == 5


def test_a_server_that_takes_nothing_is_the_wrong_one_and_nothing_is_kept(server: BadServer) -> None:
    server.decide = lambda number, body: Act(status=400)
    got: list[Completion] = []

    with pytest.raises(ExpertError, match="answered none of 20 questions") as stopped:
        collect(expert_at(server).answer_questions(map(question, range(500))), got)

    assert got == []
    assert len(server.requests) <= 40
    assert "JSON schemas" in stopped.value.hint


def test_even_one_question_tells_that_the_server_is_the_wrong_one(server: BadServer) -> None:
    server.decide = lambda number, body: Act(body=b"<html>Welcome</html>")

    with pytest.raises(ExpertError, match="not JSON"):
        ask(expert_at(server), 1)


def test_what_was_under_way_when_the_run_had_to_end_still_comes(server: BadServer) -> None:
    def decide(number: int, body: dict[str, Any]) -> Act:
        return Act(status=401) if number == 4 else Act(delay_seconds=0.1)

    server.decide = decide
    got: list[Completion] = []

    with pytest.raises(ExpertError, match="401"):
        collect(expert_at(server, concurrency=4).answer_questions(map(question, range(50))), got)

    assert len(got) == 3
