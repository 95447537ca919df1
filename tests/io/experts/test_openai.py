"""The client for chat completions: what it asks, how it bears a bad server, and whom it never talks to."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ccf_pipeline.errors import EndpointRefused, ExpertError
from ccf_pipeline.io.experts.openai import ChatExpert, Endpoint, Question
from ccf_pipeline.records import Completion, Message
from tests.model_server import ModelServer, serving

SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer(answer=str.upper)) as running:
        yield running


def question(number: int) -> Question:
    messages = Message(role="system", content="Shout."), Message(role="user", content=f"report {number}")
    return Question(f"id-{number}", messages, SCHEMA)


def ask(server: ModelServer, count: int, **settings: float | int) -> list[Completion]:
    expert = ChatExpert(Endpoint.parse(server.base_url), "a-model", **settings)  # type: ignore[arg-type]
    return [one for some in expert.answer(map(question, range(count))) for one in some]


def test_every_question_is_answered_under_its_own_id(server: ModelServer) -> None:
    completions = ask(server, 20)

    assert {c.prompt_id: c.text for c in completions} == {f"id-{n}": f"REPORT {n}" for n in range(20)}
    assert {(c.expert, c.model, c.finish_reason, c.tokens_in) for c in completions} == {
        ("openai", "a-model", "stop", 100)
    }
    assert server.requests[0]["response_format"]["json_schema"]["schema"] == SCHEMA
    assert server.requests[0]["messages"][0] == {"role": "system", "content": "Shout."}


def test_no_more_is_asked_or_even_taken_than_may_be_under_way(server: ModelServer) -> None:
    server.delay_seconds = 0.02
    taken: list[int] = []

    def questions() -> Iterator[Question]:
        for number in range(12):
            taken.append(number)
            yield question(number)

    stream = ChatExpert(Endpoint.parse(server.base_url), "a-model", concurrency=3).answer(questions())
    first = next(stream)
    taken_at_first_answer = len(taken)
    rest = list(stream)

    assert taken_at_first_answer == 3
    assert server.most_at_once <= 3
    assert len(first) + sum(map(len, rest)) == 12


@pytest.mark.parametrize("fault", ["429", "500", "503"])
def test_a_busy_or_failing_server_is_asked_again(server: ModelServer, fault: str) -> None:
    server.misbehave = [fault, fault]

    completions = ask(server, 1)

    assert [c.text for c in completions] == ["REPORT 0"]
    assert len(server.requests) == 3


def test_an_answer_that_was_cut_off_says_so(server: ModelServer) -> None:
    server.misbehave = ["cut off"]

    assert [c.finish_reason for c in ask(server, 1)] == ["length"]


@pytest.mark.parametrize(
    ("status", "words"), [("400", "smaller --batch"), ("401", "key"), ("404", "--base-url")]
)
def test_a_refusal_is_told_with_a_hint_and_without_the_servers_words(
    server: ModelServer, status: str, words: str
) -> None:
    server.misbehave = [status]

    with pytest.raises(ExpertError, match=status) as refused:
        ask(server, 1)

    assert words in refused.value.hint
    assert "PATIENT" not in refused.value.what
    assert refused.value.__cause__ is None


def test_what_was_answered_before_a_failure_comes_first(server: ModelServer) -> None:
    server.misbehave = ["", "400"]
    expert = ChatExpert(Endpoint.parse(server.base_url), "a-model", concurrency=1)

    stream = expert.answer(map(question, range(5)))

    assert [c.prompt_id for c in next(stream)] == ["id-0"]
    with pytest.raises(ExpertError):
        next(stream)


def test_patience_has_an_end(server: ModelServer) -> None:
    server.delay_seconds = 5

    begun = time.monotonic()
    with pytest.raises(ExpertError, match=r"within 0\.2 s"):
        ask(server, 1, deadline_seconds=0.2)

    assert time.monotonic() - begun < 3


def test_a_server_that_is_not_there_is_an_error_with_a_hint() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    expert = ChatExpert(Endpoint.parse(f"http://127.0.0.1:{port}/v1"), "a-model", retries=0)

    with pytest.raises(ExpertError, match="no usable answer") as refused:
        list(expert.answer([question(0)]))

    assert "server runs" in refused.value.hint


def test_leaving_early_leaves_nothing_running(server: ModelServer) -> None:
    server.delay_seconds = 0.05
    stream = ChatExpert(Endpoint.parse(server.base_url), "a-model", concurrency=2).answer(
        map(question, range(100))
    )

    next(stream)
    stream.close()  # type: ignore[attr-defined]

    assert len(server.requests) <= 4


def test_no_report_gets_into_the_log(server: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        server.misbehave = ["500"]
        ask(server, 2)

    assert "report 0" not in caplog.text.lower()


def test_proxies_of_the_environment_are_not_used(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    assert len(ask(server, 1, deadline_seconds=5)) == 1


def test_a_redirect_is_not_followed(server: ModelServer) -> None:
    server.misbehave = ["307"]

    with pytest.raises(ExpertError, match="307"):
        ask(server, 1)

    assert len(server.requests) == 1


# --- who may be asked -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoken", "meant"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.9.9.9:8000/v1/", "http://127.9.9.9:8000/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("https://127.0.0.1/v1", "https://127.0.0.1:443/v1"),
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
    ],
)
def test_a_server_on_this_machine_may_be_asked(spoken: str, meant: str) -> None:
    assert Endpoint.parse(spoken).base_url == meant


@pytest.mark.parametrize(
    "spoken",
    [
        "https://api.openai.com/v1",
        "http://192.168.1.7:8000/v1",
        "http://10.0.0.1/v1",
        "http://0.0.0.0:8000/v1",
        "http://169.254.169.254/latest",
        "http://8.8.8.8/v1",
        "http://[2001:db8::1]/v1",
        "http://127.0.0.1.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://user:pass@127.0.0.1/v1",
        "http://127.0.0.1\\@example.com/v1",
        "http://2130706433/v1",
        "http://127.1/v1",
        "http://127.0.0.1:99999/v1",
        "ftp://127.0.0.1/v1",
        "127.0.0.1:8000",
        "unix://example.com/a.sock",
        "unix:",
        "",
    ],
)
def test_any_other_is_refused_before_a_byte_is_sent(spoken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*arguments: object, **named: object) -> object:
        raise AssertionError("something was sent or looked up")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)

    with pytest.raises(EndpointRefused) as refused:
        Endpoint.parse(spoken)

    assert "Serve the model on this machine" in refused.value.hint


def test_a_localhost_that_points_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [(2, 1, 6, "", ("192.0.2.1", 0))])

    with pytest.raises(EndpointRefused):
        Endpoint.parse("http://localhost:8000/v1")


def test_a_unix_socket_may_be_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("s") / "model.sock"
    heard: list[bytes] = []

    def serve_once(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            heard.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve_once, args=(listening,), daemon=True)
        thread.start()
        with pytest.raises(ExpertError, match="404"):
            list(ChatExpert(Endpoint.parse(f"unix:{path}"), "a-model", retries=0).answer([question(0)]))
        thread.join(5)

    assert heard[0].startswith(b"POST /v1/chat/completions")
