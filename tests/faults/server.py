"""A flaky server that answers prompts, and notes which run asked for what.

python -m tests.faults.server: says its port, then serves until its input is closed. GET / tells who asked.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.records import Prompt
from tests.faults.answering import Answers, misfortune


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = Answers(load_graph(None))
        self.chance = random.Random(1)
        self.asked: dict[str, list[str]] = {}
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked was killed meanwhile."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    disable_nagle_algorithm = True  # it holds small answers back for 40 ms

    def do_GET(self) -> None:
        with self.server.lock:
            self._send(200, json.dumps(self.server.asked).encode())
            self.server.asked = {}

    def do_POST(self) -> None:
        prompt = Prompt.model_validate_json(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.asked.setdefault(self.headers["X-Run"], []).append(prompt.prompt_id)
            fault, delay = misfortune(self.server.chance), self.server.chance.uniform(0.001, 0.02)
        time.sleep(delay)
        body = json.dumps({"text": self.server.answers.to(prompt)}).encode()
        if fault is None:
            self._send(200, body)
        elif fault == "cut":
            self._send(200, body, cut=len(body) // 2)
        else:
            self._send(int(fault), b"{}")

    def _send(self, status: int, body: bytes, cut: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:cut])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    server = Server()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
