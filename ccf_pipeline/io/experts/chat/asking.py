"""One question to one server, by the openai package."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ccf_pipeline.io.experts.chat.answers import read_reply
from ccf_pipeline.io.experts.chat.faults import Broken, Fault, Gone, Overlong, fault_of_status
from ccf_pipeline.io.experts.chat.pacing import Patience, retry_after
from ccf_pipeline.io.guard import Endpoint
from ccf_pipeline.records import Completion, Message, Sampling

if TYPE_CHECKING:
    from openai import AsyncOpenAI

EXPERT = "openai"
PATH = "/chat/completions"
# Any honest reply is far smaller: letters may be escaped in six bytes each, and thinking comes along.
MOST_BYTES_PER_TOKEN = 64
MOST_OTHER_BYTES = 1 << 16
UNSAID_MOST_TOKENS = 32768


@dataclass(frozen=True)
class Question:
    """What is asked at once, and the form that the answer must have."""

    prompt_id: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None = None
    sampling: Sampling | None = None

    @property
    def about_tokens(self) -> int:
        """An estimate, for servers that allow so many a minute: four letters a token, and half the answer."""
        letters = sum(len(message.content) for message in self.messages)
        return letters // 4 + (self.sampling.max_tokens // 2 if self.sampling else 0)


class Asker:
    """Asks one endpoint. It never retries: when and where to ask again is decided by those who call."""

    def __init__(
        self, endpoint: Endpoint, model: str, *, key: str, patience: Patience, most_tokens: int | None = None
    ) -> None:
        self.endpoint, self.model, self._key, self._patience = endpoint, model, key, patience
        self._most_bytes = MOST_OTHER_BYTES + MOST_BYTES_PER_TOKEN * (most_tokens or UNSAID_MOST_TOKENS)
        self._client: AsyncOpenAI | None = None
        self._under_way: dict[asyncio.Timeout, float] = {}
        self._hung_up: set[asyncio.Timeout] = set()

    async def ask(self, question: Question) -> Completion:
        """The answer, or a Fault that says what became of the attempt."""
        import httpx2
        import openai

        client = self._client = self._client or self._open()
        deadline = asyncio.timeout(self._patience.deadline_seconds)
        try:
            async with deadline:
                self._under_way[deadline] = asyncio.get_running_loop().time()
                # `post` is the package's own way to ask without building its objects, which takes
                # 0.7 ms of processor time a request: more than sending, waiting and reading together.
                reply = await client.post(PATH, cast_to=httpx2.Response, content=self._body(question))
        except TimeoutError:
            raise self._too_late(deadline) from None
        except Overlong:
            return _cut_off(question, self.model)
        except openai.APIStatusError as error:
            refusal = error.response
            wait = retry_after(refusal.headers, datetime.now(UTC))
            raise fault_of_status(
                refusal.status_code, refusal.content, wait, self.model, self.endpoint.name
            ) from None
        except openai.APIError as error:
            raise Gone(f"no connection ({error.__class__.__name__})") from None
        finally:
            self._under_way.pop(deadline, None)
        return read_reply(reply.content, prompt_id=question.prompt_id, expert=EXPERT, model=self.model)

    def oldest(self) -> float | None:
        """When the question that is longest under way was sent, by the loop's clock."""
        return min(self._under_way.values(), default=None)

    def hang_up(self) -> None:
        """Give up on what is under way: the server is stuck."""
        now = asyncio.get_running_loop().time()
        for deadline in self._under_way:
            if not deadline.expired():
                self._hung_up.add(deadline)
                deadline.reschedule(now)

    def put_off(self, seconds: float) -> None:
        """Give that much more time: so long nobody listened for answers."""
        for deadline in self._under_way:
            at = deadline.when()
            if at is not None and not deadline.expired():
                deadline.reschedule(at + seconds)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _too_late(self, deadline: asyncio.Timeout) -> Fault:
        if deadline in self._hung_up:
            self._hung_up.discard(deadline)
            return Gone("it has fallen silent", cost=1)
        seconds, attempts = self._patience.deadline_seconds, self._patience.attempts
        return Broken(f"there was no answer within {seconds:g} s", cost=max(1, attempts // 2))

    def _body(self, question: Question) -> bytes:
        said: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": one.role, "content": one.content} for one in question.messages],
        }
        sampling = question.sampling
        if sampling is None:
            said |= {"temperature": 0, "seed": 0}
        else:
            said |= {
                "temperature": sampling.temperature,
                "seed": sampling.seed,
                "max_tokens": sampling.max_tokens,
            }
        if question.answer_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": question.answer_schema}
            said["response_format"] = {"type": "json_schema", "json_schema": schema}
        return json.dumps(said).encode()

    def _open(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI

        from ccf_pipeline.io.experts.chat.transport import PinnedTransport

        # At debug level the package logs whole requests, reports and all.
        for name in ("openai", "httpx2", "aiohttp"):
            logging.getLogger(name).setLevel(logging.WARNING)
        transport = PinnedTransport(
            self.endpoint, connect_seconds=self._patience.connect_seconds, most_bytes=self._most_bytes
        )
        client = AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self._key,
            max_retries=0,
            timeout=None,
            default_headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            http_client=httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False),
        )
        # The package takes these from the environment; they are no business of this server.
        client.organization = client.project = None
        return client


def _cut_off(question: Question, model: str) -> Completion:
    """A reply longer than any answer can be: like one that was cut off, without what it said."""
    return Completion(
        prompt_id=question.prompt_id, expert=EXPERT, model=model, text="", finish_reason="length"
    )
