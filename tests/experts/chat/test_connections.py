"""Connections that break, replies that are none, and where an endpoint is spoken to."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from dataclasses import replace
from typing import Any

import pytest

from ccf_pipeline.errors import ExpertError
from ccf_pipeline.experts.chat import ChatExpert
from ccf_pipeline.experts.guard import Endpoint, allow_endpoint
from tests.bad_server import Act, BadServer, shout
from tests.chat_client import (
    CARRIED_BY,
    QUICK,
    RULES,
    ask,
    expert_at,
    question,
    shouted,
    texts,
)
from tests.model_server import ModelServer, serving


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


def test_https_where_plain_http_is_served_is_told_by_the_first_question() -> None:
    with serving(ModelServer(str.upper)) as plain:
        spoken = plain.base_url.replace("http:", "https:")
        expert = ChatExpert((allow_endpoint(spoken, RULES),), "m", **CARRIED_BY)  # with all patience

        with pytest.raises(ExpertError, match=f"{spoken}: what answers there does not speak https") as told:
            ask(expert, 3)

    assert plain.base_url in told.value.hint
    assert plain.requests == []
