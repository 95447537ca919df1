"""The client for chat completions: what it asks, how it paces itself, and whose fault a fault is."""

from __future__ import annotations

import itertools
import json
import logging
import random
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.errors import CcfError, EndpointRefused, ExpertError, Unfinished
from ccf_pipeline.io.experts.chat import ChatExpert, Patience, Question
from ccf_pipeline.io.experts.chat.answers import without_thinking
from ccf_pipeline.io.experts.chat.pacing import Rate, Width, retry_after
from ccf_pipeline.io.guard import Endpoint, Rules, allow_endpoint
from ccf_pipeline.letters import clean_text
from ccf_pipeline.records import Completion, CorpusTerms, Message, Sampling
from tests.bad_server import Act, BadServer, misbehaving, shout, sometimes

RULES = Rules(CorpusTerms(kind="mimic", name="MIMIC-CXR", sensitivity="credentialed", terms=""))
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
QUICK = Patience(
    deadline_seconds=10, backoff_seconds=0.005, most_backoff_seconds=0.02, most_retry_after_seconds=0.05,
    start_seconds=0.3, give_up_seconds=0.6, drain_seconds=2,
)  # fmt: skip


@pytest.fixture
def server() -> Iterator[BadServer]:
    with misbehaving(BadServer(shout)) as running:
        yield running


@pytest.fixture(autouse=True, params=["openai", "aiohttp"])
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever carries the requests, all of this holds."""
    monkeypatch.setitem(CARRIED_BY, "client", request.param)


CARRIED_BY: dict[str, Any] = {}


def question(number: int, **more: Any) -> Question:
    messages = Message(role="system", content="Shout."), Message(role="user", content=f"report {number}")
    return Question(f"id-{number}", messages, SCHEMA, **more)


def expert_at(*servers: BadServer, patience: Patience = QUICK, **settings: Any) -> ChatExpert:
    endpoints = tuple(allow_endpoint(server.base_url, RULES) for server in servers)
    return ChatExpert(endpoints, "a-model", patience=patience, **CARRIED_BY, **settings)


def ask(expert: ChatExpert, count: int) -> list[Completion]:
    return [one for some in expert.answer_questions(map(question, range(count))) for one in some]


def collect(stream: Iterator[tuple[Completion, ...]], got: list[Completion]) -> None:
    for some in stream:
        got += some


def texts(completions: list[Completion]) -> dict[str, str]:
    assert len({c.prompt_id for c in completions}) == len(completions)
    return {c.prompt_id: c.text for c in completions}


def shouted(count: int) -> dict[str, str]:
    return {f"id-{n}": f"REPORT {n}" for n in range(count)}


# --- what is asked, and what comes back ---------------------------------------------------------


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


# --- pacing ------------------------------------------------------------------------------------


NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=7), usegmt=True)}, 7.0),
        ({"retry-after": format_datetime(NOW - timedelta(days=7), usegmt=True)}, 0.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "Fri, 99 Foo 2026 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_ever_an_error(said: str) -> None:
    wait = retry_after({"retry-after": said}, NOW)

    assert wait is None or wait >= 0


def test_width_grows_until_the_first_overload_and_then_carefully() -> None:
    width = Width(64)
    for _ in range(100):
        width.widen()
    widest = width.now

    width.narrow(sent_at=10.0, now=11.0)
    width.narrow(sent_at=10.5, now=11.1)  # It had been sent before the cut: the same overload.
    cut = width.now
    for _ in range(32):
        width.widen()

    assert (widest, cut) == (64, 32)
    assert cut < width.now < cut + 1.01


def test_a_rate_is_never_exceeded() -> None:
    rate, now, sent = Rate(600), 0.0, []
    for _ in range(100):
        now += rate.wait(now)
        rate.use(1, now)
        sent.append(now)

    assert max(later - sent[place] for place, later in enumerate(sent[20:])) >= 0
    assert all(sent[n + 20] - sent[n] >= 0.99 for n in range(80))


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_backoff_stays_within_its_bounds(failures: int, seed: int) -> None:
    assert 0 <= Patience().backoff(failures, random.Random(seed)) <= 30


# --- servers in trouble ------------------------------------------------------------------------


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


# --- whose fault -------------------------------------------------------------------------------


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


# --- connections that break --------------------------------------------------------------------


def test_an_answer_cut_anywhere_is_asked_for_again(server: BadServer) -> None:
    whole = len(server.completion({"messages": [{"content": "report 0"}]}, Act()))
    places = itertools.chain([0, 1, 16, 40], range(100, whole + 60, 37))
    for cut in places:
        server.requests.clear()
        server.decide = lambda number, body, cut=cut: Act(cut_after=cut) if number == 1 else None  # type: ignore[misc]

        assert texts(ask(expert_at(server), 1)) == shouted(1), cut
        assert len(server.requests) == 2, cut


@pytest.mark.parametrize(
    "act", [Act(drip_seconds=0.05), Act(hang=True), Act(delay_seconds=30)], ids=["drip", "hang", "silence"]
)
def test_a_total_deadline_frees_the_place_of_one_that_never_ends(server: BadServer, act: Act) -> None:
    server.decide = lambda number, body: act if body["messages"][-1]["content"] == "report 1" else None

    completions = ask(expert_at(server, patience=replace(QUICK, deadline_seconds=0.4), concurrency=2), 8)

    failures = {c.prompt_id: c.failure for c in completions if c.failure}
    assert failures == {"id-1": "there was no answer within 0.4 s, tried again in vain"}
    assert len(completions) == 8


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00\xff" * 200, b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n{}",
     b"HTTP/9.9 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n"],
    ids=["nothing", "noise", "half a head", "minus four", "another protocol", "endless head"],
)  # fmt: skip
def test_what_is_no_reply_is_asked_for_again(server: BadServer, raw: bytes) -> None:
    server.decide = lambda number, body: Act(raw=raw) if number in {1, 3} else None

    assert texts(ask(expert_at(server, concurrency=1), 4)) == shouted(4)


@pytest.mark.parametrize(
    "body",
    [b"<html>busy</html>", b"", b"null", b"[]", b"{}", b'{"choices": []}',
     b'{"choices": [{"message": null}]}',
     b'{"choices": "' + b"x" * 1000, b"[" * 100_000, b'{"choices": ' + b"9" * 10_000 + b"}", b"\xff\xfe{}"],
    ids=["html", "empty", "null", "list", "object", "no choice", "no message", "half", "deep",
         "huge number", "bytes"],
)  # fmt: skip
def test_a_reply_that_is_no_completion_is_asked_for_again(server: BadServer, body: bytes) -> None:
    server.decide = lambda number, _: Act(body=body) if number in {1, 3} else None

    assert texts(ask(expert_at(server, concurrency=1), 4)) == shouted(4)


@pytest.mark.parametrize(
    ("message", "finish", "text", "told"),
    [
        ({"content": None}, "stop", "", "stop"),
        ({"content": ""}, "length", "", "length"),
        ({"content": None, "reasoning_content": "Hm."}, "length", "", "length"),
        ({"content": "<think>Hm."}, "length", "", "length"),
        ({"content": '{"edits": ['}, "length", '{"edits": [', "length"),
        ({"content": [{"type": "text"}]}, "stop", "", "stop"),
        ({"content": "a\ud800b\x00c\u202ed\ufeff"}, "stop", "abcd", "stop"),
        ({"content": "e\u0301"}, "stop", "é", "stop"),
        ({"content": "{" + " " * 9000}, "stop", "{" + " " * 3999, "length"),
        ({"content": "and so on " * 900}, "stop", ("and so on " * 400)[:4000], "length"),
        ({"content": "x"}, "repetition", "x", "length"),
        ({"content": "x"}, "weird", "x", "stop"),
    ],
)  # fmt: skip
def test_odd_answers_are_kept_as_what_they_are(
    server: BadServer, message: dict[str, Any], finish: str, text: str, told: str
) -> None:
    server.decide = lambda number, body: Act(message=message, finish=finish)

    [completion] = ask(expert_at(server), 1)

    assert (completion.text, completion.finish_reason, completion.failure) == (text, told, None)


def test_ten_megabytes_are_not_read_to_their_end(server: BadServer) -> None:
    server.decide = lambda number, body: Act(message={"content": "x" * 10_000_000}) if number == 1 else None

    completions = ask(expert_at(server, concurrency=1, most_tokens=1000), 2)

    assert [(c.text, c.finish_reason) for c in completions] == [("", "length"), ("REPORT 1", "stop")]


def test_a_unix_socket_may_be_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "model.sock"
    body = BadServer(shout).completion({"messages": [{"content": "x"}]}, Act())
    heard: list[bytes] = []

    def serve_once(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve_once, args=(listening,), daemon=True)
        thread.start()
        endpoint = allow_endpoint(f"unix:{path}", RULES)
        [[completion]] = list(ChatExpert((endpoint,), "m").answer_questions([question(0)]))
        thread.join(5)

    assert completion.text == "X"
    assert heard[0].startswith(b"POST /v1/chat/completions")


def test_an_endpoint_is_spoken_to_where_it_was_settled(server: BadServer) -> None:
    settled = Endpoint("http://a-name-that-nobody-has.invalid:1/v1", "a-name", 1, ("127.0.0.1",))
    settled = replace(settled, base_url=f"http://a-name-that-nobody-has.invalid:{server.port}/v1")

    [[completion]] = list(ChatExpert((settled,), "m").answer_questions([question(0)]))

    assert completion.text == "REPORT 0"
    assert json.loads(bytes(server.received).split(b"\r\n\r\n")[1])["model"] == "m"
