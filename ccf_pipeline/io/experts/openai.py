"""A client for servers that speak OpenAI's chat completions: vLLM, llama.cpp, Ollama and the like.

Reports are under a data-use agreement unless proven otherwise, so it talks to this machine only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from ccf_pipeline.errors import EndpointRefused, ExpertError
from ccf_pipeline.records import Completion, Message

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionMessageParam

EXPERT = "openai"
DEADLINE_SECONDS = 900.0
RETRIES = 8
SCHEMES = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Endpoint:
    """Where a model is served: a base URL, and the socket file if it is not TCP."""

    base_url: str
    socket_path: str | None = None

    @classmethod
    def parse(cls, spoken: str) -> Endpoint:
        """The endpoint meant, if it is on this machine; its address is settled here, once."""
        parts = urlsplit(spoken)
        if parts.scheme == "unix":
            if not parts.path or parts.netloc:
                raise EndpointRefused(f"--base-url {spoken}: not a socket file on this machine")
            return cls("http://localhost/v1", socket_path=parts.path)
        try:
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EndpointRefused(f"--base-url {spoken}: not a URL") from error
        if parts.scheme not in SCHEMES or not host or parts.username is not None:
            raise EndpointRefused(f"--base-url {spoken}: not a URL of a server on this machine")
        address = _loopback_address(host)
        if address is None:
            raise EndpointRefused(f"--base-url {spoken}: {host} is not this machine")
        return cls(f"{parts.scheme}://{address}:{port or SCHEMES[parts.scheme]}{parts.path.rstrip('/')}")


def _loopback_address(host: str) -> str | None:
    """The address of a loopback host, as a URL has it. Only `localhost` is looked up: a name may move."""
    if host == "localhost":
        with contextlib.suppress(OSError):
            found = [ipaddress.ip_address(entry[4][0]) for entry in socket.getaddrinfo(host, None)]
            if found and all(address.is_loopback for address in found):
                return host
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if not address.is_loopback:
        return None
    return f"[{address}]" if address.version == 6 else str(address)


@dataclass(frozen=True)
class Question:
    """What is asked at once, and the form the answer must have."""

    prompt_id: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any]


@dataclass(frozen=True)
class ChatExpert:
    """Answers questions, so many at a time, in the order in which answers come."""

    endpoint: Endpoint
    model: str
    concurrency: int = 8
    deadline_seconds: float = DEADLINE_SECONDS
    retries: int = RETRIES
    name: str = EXPERT

    def answer(self, questions: Iterable[Question]) -> Iterator[tuple[Completion, ...]]:
        """Completions as they come; no question is taken before there is room to ask it.

        An answer that was cut off comes back too, with its finish reason. What cannot be answered at all
        raises, after the answers that came before it.
        """
        with asyncio.Runner() as runner:
            stream = self._answer(iter(questions))
            try:
                while (completions := runner.run(_next(stream))) is not None:
                    yield completions
            finally:
                runner.run(_close(stream))

    async def _answer(self, questions: Iterator[Question]) -> AsyncIterator[tuple[Completion, ...]]:
        waiting: set[asyncio.Task[Completion]] = set()
        async with self._client() as client:
            try:
                while True:
                    while len(waiting) < self.concurrency and (question := next(questions, None)) is not None:
                        waiting.add(asyncio.create_task(self._ask(client, question)))
                    if not waiting:
                        return
                    done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                    failures = [error for task in done if (error := task.exception()) is not None]
                    answered = tuple(task.result() for task in done if task.exception() is None)
                    if answered:
                        yield answered
                    if failures:
                        raise failures[0]
            finally:
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    async def _ask(self, client: AsyncOpenAI, question: Question) -> Completion:
        """One answer; the library itself tries again on 408, 409, 429, 5xx and cut connections."""
        import openai

        messages = cast("list[ChatCompletionMessageParam]", [m.model_dump() for m in question.messages])
        try:
            async with asyncio.timeout(self.deadline_seconds):
                reply = await client.chat.completions.create(
                    model=self.model,
                    messages=messages,
                    temperature=0,
                    seed=0,
                    response_format={
                        "type": "json_schema",
                        "json_schema": {"name": "answer", "strict": True, "schema": question.answer_schema},
                    },
                )
        except TimeoutError as error:
            raise ExpertError(f"no answer from {self.model} within {self.deadline_seconds:g} s") from error
        except openai.APIStatusError as error:
            # The server's own words may repeat the prompt, and so a report.
            raise _refusal(error.status_code, self.model) from None
        except openai.APIError as error:
            raise ExpertError(
                f"{self.endpoint.base_url}: no usable answer ({error.__class__.__name__})",
                hint="Check that the server runs; answers that were paid for are kept.",
            ) from None
        if not reply.choices:
            raise ExpertError(f"{self.model} sent an answer without a choice")
        usage, choice = reply.usage, reply.choices[0]
        details = usage.prompt_tokens_details if usage else None
        return Completion(
            prompt_id=question.prompt_id,
            expert=self.name,
            model=self.model,
            text=choice.message.content or "",
            finish_reason=choice.finish_reason,
            tokens_in=usage.prompt_tokens if usage else 0,
            tokens_cached=(details.cached_tokens or 0) if details else 0,
            tokens_out=usage.completion_tokens if usage else 0,
        )

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOpenAI]:
        import httpx2
        from openai import AsyncOpenAI, DefaultAioHttpClient

        # At debug level the library logs whole requests, reports and all.
        logging.getLogger("openai").setLevel(logging.WARNING)
        path = self.endpoint.socket_path
        # No redirects and no proxies: what was vouched for is this address, not where it points.
        transport = httpx2.AsyncHTTPTransport(uds=path) if path else None
        web = DefaultAioHttpClient(follow_redirects=False, trust_env=False, transport=transport)
        async with AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key="none",
            max_retries=self.retries,
            timeout=self.deadline_seconds,
            http_client=web,
        ) as client:
            yield client


async def _next(stream: AsyncIterator[tuple[Completion, ...]]) -> tuple[Completion, ...] | None:
    return await anext(stream, None)


async def _close(stream: AsyncIterator[tuple[Completion, ...]]) -> None:
    await stream.aclose()  # type: ignore[attr-defined]


def _refusal(status: int, model: str) -> ExpertError:
    hints = {
        400: "The server does not take it: try a smaller --batch, or a server that knows JSON schemas.",
        401: "The server wants a key; start it without one, it serves this machine only.",
        404: f"Check --base-url (it ends in /v1) and that the server serves `{model}`.",
    }
    if status in hints:
        return ExpertError(f"{model}: the server answered {status}", hint=hints[status])
    return ExpertError(f"{model}: the server answered {status}")
