"""Servers that are busy, go, come back, fall silent or change."""

from __future__ import annotations

import signal
import socket
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from ccf_pipeline.errors import ExpertError, Unfinished
from ccf_pipeline.experts.chat import ChatExpert
from ccf_pipeline.experts.guard import allow_endpoint
from ccf_pipeline.records import Completion
from tests.bad_server import Act, BadServer, misbehaving, shout, sometimes
from tests.chat_client import (
    QUICK,
    RULES,
    ask,
    collect,
    expert_at,
    question,
    shouted,
    texts,
)


def test_every_tenth_answer_429_and_all_are_delivered(server: BadServer) -> None:
    server.decide = lambda number, body: Act(status=429) if number % 10 == 0 else None

    assert texts(ask(expert_at(server, concurrency=16), 200)) == shouted(200)


@pytest.mark.parametrize(
    "value",
    ["0", "1", "86400", "-5", "soon", "", "Wed, 21 Oct 2099 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"],
)
def test_whatever_retry_after_says_all_are_delivered(server: BadServer, value: str) -> None:
    headers = {"Retry-After": value} if value else {}
    server.decide = lambda number, body: Act(status=429, headers=headers) if number in {1, 5} else None

    assert texts(ask(expert_at(server, concurrency=4), 12)) == shouted(12)


@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 503, 504, 520, 529])
def test_a_burst_of_failures_passes(server: BadServer, status: int) -> None:
    server.decide = sometimes(0.3, lambda: Act(status=status), seed=status)

    assert texts(ask(expert_at(server, patience=replace(QUICK, attempts=20)), 30)) == shouted(30)


def test_a_question_that_always_fails_is_given_up_and_the_others_go_on(server: BadServer) -> None:
    def decide(number: int, body: dict[str, Any]) -> Act | None:
        return Act(status=500) if body["messages"][-1]["content"] == "report 3" else None

    server.decide = decide
    completions = {c.prompt_id: c for c in ask(expert_at(server), 10)}

    assert completions["id-3"].failure == "status 500, tried again in vain"
    assert sum(c.failure is None for c in completions.values()) == 9
    assert sum(body["messages"][-1]["content"] == "report 3" for body in server.requests) == QUICK.attempts


def test_a_server_that_goes_and_comes_back_costs_nothing_but_time(
    server: BadServer, caplog: pytest.LogCaptureFixture
) -> None:
    expert = expert_at(server, concurrency=4, patience=replace(QUICK, give_up_seconds=30, start_seconds=30))
    server.decide = lambda number, body: Act(delay_seconds=0.005)
    stream = expert.answer_questions(map(question, range(60)))
    got = list(next(stream))
    server.stop()
    back = threading.Timer(0.4, server.start)
    back.start()

    got += [one for some in stream for one in some]
    back.join()

    assert texts(got) == shouted(60)
    assert "is down: nothing listens there" in caplog.text
    assert "answers again" in caplog.text


def test_when_one_server_dies_the_other_takes_over(server: BadServer) -> None:
    with misbehaving(BadServer(shout)) as other:
        stream = expert_at(server, other, concurrency=8).answer_questions(map(question, range(80)))
        got = list(next(stream))
        server.stop()
        got += [one for some in stream for one in some]

        assert texts(got) == shouted(80)
        assert len(other.requests) > 40
        server.start()


def test_work_is_shared_by_weight() -> None:
    slow = Act(delay_seconds=0.02)
    with (
        misbehaving(BadServer(shout, lambda *_: slow)) as one,
        misbehaving(BadServer(shout, lambda *_: slow)) as three,
    ):
        endpoints = (allow_endpoint(one.base_url, RULES), allow_endpoint(f"{three.base_url}=3", RULES))
        list(ChatExpert(endpoints, "m", concurrency=16).answer_questions(map(question, range(160))))

        assert 2 <= len(three.requests) / len(one.requests) <= 4


def test_a_server_that_never_was_there_is_told_soon() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    expert = ChatExpert((allow_endpoint(f"http://127.0.0.1:{port}/v1", RULES),), "m", patience=QUICK)

    with pytest.raises(ExpertError, match="nothing listens there") as refused:
        ask(expert, 5)

    assert "server runs" in refused.value.hint


def test_a_server_that_stays_away_stops_the_run_after_what_was_answered(server: BadServer) -> None:
    server.decide = lambda number, body: Act(status=503) if number > 5 else None
    got: list[Completion] = []

    with pytest.raises(Unfinished, match="no answer for") as stopped:
        collect(expert_at(server, concurrency=2).answer_questions(map(question, range(50))), got)

    assert len(got) == 5
    assert "run the same command again" in stopped.value.hint


def test_a_stuck_server_is_noticed_by_its_silence(server: BadServer) -> None:
    server.decide = lambda number, body: Act(hang=True) if 5 <= number < 9 else None
    patience = replace(QUICK, stall_seconds=0.2, deadline_seconds=60, give_up_seconds=30)

    assert texts(ask(expert_at(server, concurrency=4, patience=patience), 20)) == shouted(20)


def test_another_model_behind_the_same_address_is_noticed(
    server: BadServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.decide = lambda number, body: Act(model="another") if number > 3 else None

    completions = ask(expert_at(server, concurrency=1), 6)

    assert [c.served_by for c in completions] == ["m"] * 3 + ["another"] * 3
    assert caplog.text.count("another model answers: another (before: m)") == 1


@pytest.mark.slow
@pytest.mark.parametrize("pause", [1.5, 2.5])
def test_an_answer_that_came_while_the_process_stood_still_is_not_bought_twice(
    pause: float, server: BadServer
) -> None:
    """Past its deadline, and past what tells a stuck server, when the process wakes."""
    server.decide = lambda number, body: Act(delay_seconds=0.3 if number > 1 else 0.0)
    patience = replace(QUICK, deadline_seconds=1.0, stall_seconds=0.2)
    before = signal.signal(signal.SIGALRM, lambda *_: time.sleep(pause))
    try:
        first = ask(expert_at(server, patience=patience), 1)
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        rest = ask(expert_at(server, concurrency=4, patience=patience), 4)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert (len(first), texts(rest)) == (1, shouted(4))
    assert len(server.requests) == 5
