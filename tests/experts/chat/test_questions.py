"""What is asked, and what comes back."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.experts.chat import Question
from ccf_pipeline.experts.chat.answers import without_thinking
from ccf_pipeline.reader.letters import clean_text
from ccf_pipeline.records import Sampling
from tests.bad_server import Act, BadServer
from tests.chat_client import (
    QUICK,
    SCHEMA,
    ask,
    expert_at,
    question,
    shouted,
    texts,
)


def test_every_question_is_answered_under_its_own_id(server: BadServer) -> None:
    completions = ask(expert_at(server), 20)

    assert texts(completions) == shouted(20)
    assert {
        (c.expert, c.model, c.served_by, c.tokens_in, c.tokens_cached, c.tokens_out) for c in completions
    } == {("openai", "a-model", "m", 600, 400, 70)}
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.requests[0]["messages"][0] == {"role": "system", "content": "Shout."}


def test_each_request_has_a_name_of_its_own_and_its_reply_is_known_by_it(server: BadServer) -> None:
    server.decide = lambda number, body: Act(reply_to=number)

    assert texts(ask(expert_at(server), 20)) == shouted(20)
    tickets = [server.ticket(number) for number in range(1, 21)]
    assert len(set(tickets)) == 20
    assert all(re.fullmatch(r"ccf-[0-9a-f]{16}", ticket) for ticket in tickets)


def test_replies_that_a_server_swaps_are_asked_for_again(server: BadServer) -> None:
    """R04: a server that names its replies after requests tells when it mixes them up."""
    chance = random.Random(4)

    def swap(number: int, body: dict[str, Any]) -> Act:
        is_swapped = number > 1 and chance.random() < 0.4
        return Act(reply_to=chance.randrange(1, number) if is_swapped else number)

    server.decide = swap

    assert texts(ask(expert_at(server, patience=replace(QUICK, attempts=20)), 100)) == shouted(100)
    assert len(server.requests) > 130


def test_sampling_goes_along(server: BadServer) -> None:
    sampling = Sampling(temperature=0.4, seed=17, max_tokens=99)

    list(expert_at(server).answer_questions([question(0, sampling=sampling)]))

    asked = server.requests[0]
    assert (asked["temperature"], asked["seed"], asked["max_tokens"]) == (0.4, 17, 99)


def test_no_more_is_asked_or_even_taken_than_may_be_under_way(server: BadServer) -> None:
    server.decide = lambda number, body: Act(delay_seconds=0.02)
    taken: list[int] = []

    def questions() -> Iterator[Question]:
        for number in range(12):
            taken.append(number)
            yield question(number)

    stream = expert_at(server, concurrency=3).answer_questions(questions())
    first = next(stream)
    taken_at_first_answer = len(taken)
    rest = list(stream)

    assert taken_at_first_answer == 3
    assert server.most_at_once <= 3
    assert len(first) + sum(map(len, rest)) == 12


def test_leaving_early_leaves_nothing_running(server: BadServer) -> None:
    server.decide = lambda number, body: Act(delay_seconds=0.05)
    stream = expert_at(server, concurrency=2).answer_questions(map(question, range(100)))

    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert len(server.requests) <= 4


def test_a_key_goes_along_and_nothing_of_the_environment_does(
    server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "of-the-environment")
    expert = expert_at(server, key="sk-of-the-settings")

    ask(expert, 1)

    assert "authorization: bearer sk-of-the-settings" in server.heads[0].lower()
    assert "of-the-environment" not in server.heads[0]
    assert "sk-of-the-settings" not in repr(expert)


def test_what_is_asked_is_what_the_openai_package_would_ask(server: BadServer) -> None:
    openai = pytest.importorskip("openai")
    sampling = Sampling(temperature=0.4, seed=17, max_tokens=99)
    asked = question(0, sampling=sampling)
    list(expert_at(server).answer_questions([asked]))

    with openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
        reply = client.chat.completions.create(
            model="a-model",
            messages=[one.model_dump() for one in asked.messages],
            temperature=0.4,
            seed=17,
            max_tokens=99,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
            },
        )

    assert server.requests[0] == server.requests[1]
    assert [head.split("\r\n")[0] for head in server.heads] == ["POST /v1/chat/completions HTTP/1.1"] * 2
    assert reply.choices[0].message.content == "REPORT 0"


def test_no_report_gets_into_the_log(server: BadServer, caplog: pytest.LogCaptureFixture) -> None:
    server.decide = lambda number, body: Act(status=500) if number == 1 else None

    with caplog.at_level(logging.DEBUG):
        ask(expert_at(server), 2)

    assert "report 0" not in caplog.text.lower()
    assert "PATIENT" not in caplog.text


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("<think>Hm, { wait }</think>\n{}", "{}"),
        ("Hm, the template opened it.</think>{}", "{}"),
        ("<think>I never come to an end", ""),
        ("<THINK>a</THINK>b", "b"),
        ("Few think so.", "Few think so."),
        ("{}", "{}"),
    ],
)
def test_thinking_is_no_part_of_the_answer(said: str, answer: str) -> None:
    assert without_thinking(said) == answer


@given(st.text(alphabet=st.characters(), max_size=60))
def test_whatever_was_said_can_be_written_down_and_read_back(said: str) -> None:
    cleaned = clean_text(said)

    assert cleaned.encode("utf-8").decode("utf-8") == cleaned
    assert clean_text(cleaned) == cleaned
    assert not set(cleaned) & set("\x00\u202e\u200b\ufeff")
