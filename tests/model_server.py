"""A server on this machine that answers chat completions by rules, and misbehaves when told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[str], str]
"""From the user's message to the text of an answer."""


@dataclass
class ModelServer:
    """What it was asked, and what it does instead of answering, in the order of the requests."""

    answer: Answer
    misbehave: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    most_at_once: int = 0
    delay_seconds: float = 0.0
    base_url: str = ""
    models: list[str] = field(default_factory=list)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def texts(self) -> list[str]:
        return [request["messages"][-1]["content"] for request in self.requests]

    def reply(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        with self._lock:
            self.requests.append(body)
            fault = self.misbehave.pop(0) if self.misbehave else ""
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            time.sleep(self.delay_seconds)
            return self._reply(body, fault)
        finally:
            with self._lock:
                self._now -= 1

    def _reply(self, body: dict[str, Any], fault: str) -> tuple[int, dict[str, str], bytes]:
        if fault.isdigit():
            soon = {"Retry-After": "0.01"} if fault == "429" else {"retry-after-ms": "10"}
            return (
                int(fault),
                {**soon, "Location": f"{self.base_url}/elsewhere"},
                b'{"error": {"message": "PATIENT TEXT"}}',
            )
        text, finish = self.answer(body["messages"][-1]["content"]), "stop"
        if fault == "cut off":
            text, finish = text[: len(text) // 2], "length"
        if fault == "prose":
            text = "Certainly! Here are the features."
        return 200, {}, json.dumps(completion(body["model"], text, finish)).encode()


def completion(model: str, text: str, finish: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "message": message}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # it holds small answers back for 40 ms

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, content = server.reply(body)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            content = json.dumps({"data": [{"id": name} for name in server.models]}).encode()
            self.send_response(200 if server.models else 404)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Web(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client may hang up before it has heard all."""

    web = Web(("127.0.0.1", 0), Handler)
    server.base_url = f"http://127.0.0.1:{web.server_address[1]}/v1"
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        web.shutdown()
        web.server_close()
        thread.join()


def reports_in(message: str) -> dict[int, str]:
    """The numbered reports of an extraction prompt."""
    found = re.findall(r'<report n="(\d+)">\n(.*?)\n</report>', message, re.DOTALL)
    return {int(number): text for number, text in found}
