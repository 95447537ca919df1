"""A model server that misbehaves on purpose: slow, cut off, busy, gone, garbled, elsewhere."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Act:
    """What is done in place of an answer, or with it.

    `cut_after` bytes of the reply the connection is cut; `drip_seconds` lie between its bytes. `reply_to` is
    the number of the request that the reply is named after, as vLLM names it, whoever gets it.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    message: dict[str, Any] | None = None
    finish: str = "stop"
    model: str | None = None
    reply_to: int | None = None
    delay_seconds: float = 0.0
    cut_after: int | None = None
    drip_seconds: float | None = None
    hang: bool = False
    raw: bytes | None = None


Decide = Callable[[int, dict[str, Any]], Act | None]
"""From the number of a request, from 1, and its body to what is done; None answers as it should."""


USAGE = {
    "prompt_tokens": 600,
    "completion_tokens": 70,
    "total_tokens": 670,
    "prompt_tokens_details": {"cached_tokens": 400},
}


def behave(number: int, body: dict[str, Any]) -> Act | None:
    """Answer everything."""
    return None


@dataclass
class BadServer:
    """What it was asked, and how it answers."""

    answer: Callable[[dict[str, Any]], str]
    decide: Decide = behave
    model: str = "m"
    usage: Any = field(default_factory=lambda: dict(USAGE))
    context: ssl.SSLContext | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    most_at_once: int = 0
    answered: int = 0
    port: int = 0
    _now: int = 0
    _loop: asyncio.AbstractEventLoop | None = None
    _thread: threading.Thread | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def base_url(self) -> str:
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        """Listen, on the port it had before if there was one."""
        ready = threading.Event()

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(self._listen(ready))
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        ready.wait(10)

    def stop(self) -> None:
        """Hang up on everybody and listen no more, at once."""
        assert self._loop is not None
        assert self._thread is not None
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)

    async def _listen(self, ready: threading.Event) -> None:
        self._end = asyncio.Event()
        listening = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        self.port = listening.getsockname()[1]
        server = await asyncio.start_server(self._serve, sock=listening, ssl=self.context)
        ready.set()
        await self._end.wait()
        server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while await self._one(reader, writer):
                pass
        self._writers.discard(writer)
        writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length")
        )
        content = await reader.readexactly(length)
        self.received += head + content
        self.heads.append(head.decode("latin-1"))
        body = json.loads(content)
        self.requests.append(body)
        self._now += 1
        self.most_at_once = max(self.most_at_once, self._now)
        try:
            return await self._reply(writer, self.decide(len(self.requests), body) or Act(), body)
        finally:
            self._now -= 1

    async def _reply(self, writer: asyncio.StreamWriter, act: Act, asked: dict[str, Any]) -> bool:
        await asyncio.sleep(act.delay_seconds)
        if act.raw is not None:
            writer.write(act.raw)
            await writer.drain()
            return False
        if act.body is not None:
            body = act.body
        elif act.status != 200:
            body = b'{"error": {"message": "PATIENT TEXT"}}'
        else:
            body = self.completion(asked, act)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **act.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        reply = f"HTTP/1.1 {act.status} Whatever\r\n{head}\r\n".encode() + body
        if act.hang:
            writer.write(reply[: reply.index(b"\r\n\r\n") + 4])
            await asyncio.sleep(3600)
        if act.drip_seconds is not None:
            for place in range(len(reply)):
                writer.write(reply[place : place + 1])
                await writer.drain()
                await asyncio.sleep(act.drip_seconds)
        writer.write(reply if act.cut_after is None else reply[: act.cut_after])
        await writer.drain()
        self.answered += act.cut_after is None and act.status == 200
        return act.cut_after is None

    def ticket(self, number: int) -> str:
        """What a request was called by whoever sent it."""
        lines = self.heads[number - 1].split("\r\n")
        return next(line.partition(": ")[2] for line in lines if line.lower().startswith("x-request-id"))

    def completion(self, asked: dict[str, Any], act: Act) -> bytes:
        named = act.reply_to
        answered = asked if named is None else self.requests[named - 1]
        message = act.message or {"role": "assistant", "content": self.answer(answered)}
        told = {
            "id": "1" if named is None else f"chatcmpl-{self.ticket(named)}",
            "object": "chat.completion",
            "created": 0,
            "model": act.model or self.model,
            "choices": [{"index": 0, "finish_reason": act.finish, "message": message}],
            "usage": self.usage,
        }
        return json.dumps(told).encode()


@contextmanager
def misbehaving(server: BadServer) -> Iterator[BadServer]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def shout(asked: dict[str, Any]) -> str:
    """An answer that tells which question it belongs to."""
    return str(asked["messages"][-1]["content"]).upper()


def sometimes(share: float, act: Callable[[], Act], seed: int = 0) -> Decide:
    """Misbehave in so many of the cases, the same ones every time."""
    chance = random.Random(seed)
    return lambda number, body: act() if chance.random() < share else None
