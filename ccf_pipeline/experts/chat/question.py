"""One question to one server, in the words of OpenAI's chat completions.

aiohttp carries it, or the openai package over the same connection, which takes more processor time for each
(`endpoint.client`; docs/experts.md has the figures); all tests of the client hold with both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ccf_pipeline.experts.chat.answers import TokenRoom, measure_room, new_ticket, read_reply
from ccf_pipeline.experts.chat.faults import Broken, Fatal, Fault, Gone, Overlong, fault_of_status
from ccf_pipeline.experts.chat.not_found import explain_missing
from ccf_pipeline.experts.chat.pacing import Deadline, Patience, retry_after
from ccf_pipeline.experts.guard import Endpoint
from ccf_pipeline.records import Completion, Message, Sampling
from ccf_pipeline.settings import ChatClient

if TYPE_CHECKING:
    from ccf_pipeline.experts.chat.connection import Connection
    from ccf_pipeline.experts.chat.package import PackageConnection

EXPERT = "openai"
PATH = "/chat/completions"
# Any honest reply is far smaller: letters may be escaped in six bytes each, and thinking comes along.
MOST_BYTES_PER_TOKEN = 64
MOST_OTHER_BYTES = 1 << 16
UNSAID_MOST_TOKENS = 32768


@dataclass(frozen=True)
class Question:
    """A question, and the form that its answer must have."""

    prompt_id: str
    messages: tuple[Message, ...]
    answer_schema: dict[str, Any] | None = None
    sampling: Sampling | None = None

    @property
    def about_tokens(self) -> int:
        """An estimate, for servers that allow so many a minute: four letters a token, and half the answer."""
        letters = sum(len(message.content) for message in self.messages)
        return letters // 4 + (self.sampling.max_tokens // 2 if self.sampling else 0)

    @property
    def room(self) -> TokenRoom:
        """Return how many tokens question and answer can have."""
        return measure_room(self.messages, self.sampling)


class Asker:
    """Asks one endpoint. It never retries: when and where to ask again is decided by those who call."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        key: str,
        patience: Patience,
        most_tokens: int | None = None,
        client: ChatClient = "aiohttp",
    ) -> None:
        self.endpoint, self.model, self._key, self._patience = endpoint, model, key, patience
        self._most_bytes = MOST_OTHER_BYTES + MOST_BYTES_PER_TOKEN * (most_tokens or UNSAID_MOST_TOKENS)
        self._connects = _choose_connection(client)
        self._connection: Connection | PackageConnection | None = None
        self._was_answered = False
        self._under_way: set[Deadline] = set()
        self._hung_up: set[Deadline] = set()

    async def ask(self, question: Question) -> Completion:
        """The answer, or a Fault that says what became of the attempt."""
        connection = self._connection = self._connection or self._connect()
        ticket = new_ticket()
        deadline = Deadline(self._patience.deadline_seconds)
        try:
            async with deadline:
                self._under_way.add(deadline)
                reply = await connection.post(self._make_body(question), ticket, most_bytes=self._most_bytes)
        except TimeoutError:
            raise self._make_late_fault(deadline) from None
        except Overlong:
            return _cut_off(question, self.model)
        finally:
            self._under_way.discard(deadline)
        if reply.status == 404 and not self._was_answered:
            # Once it has answered, its words are never shown: they may be about a report.
            raise Fatal(await explain_missing(self.endpoint, self.model, key=self._key))
        if reply.status != 200:
            wait = retry_after(reply.headers, datetime.now(UTC))
            raise fault_of_status(reply.status, reply.body, wait, self.model, self.endpoint.name)
        self._was_answered = True
        return read_reply(
            reply.body,
            prompt_id=question.prompt_id,
            expert=EXPERT,
            model=self.model,
            room=question.room,
            ticket=ticket,
        )

    def oldest(self) -> float | None:
        """Return when the question that is longest under way was sent, by the loop's clock."""
        return min((deadline.since for deadline in self._under_way), default=None)

    def hang_up(self) -> None:
        """Give up on what is under way: the server is stuck."""
        for deadline in self._under_way:
            self._hung_up.add(deadline)
            deadline.end()

    def put_off(self, seconds: float) -> None:
        """Give that much more time: so long nobody listened for answers."""
        for deadline in self._under_way:
            deadline.put_off(seconds)

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    def _make_late_fault(self, deadline: Deadline) -> Fault:
        if deadline in self._hung_up:
            self._hung_up.discard(deadline)
            return Gone("it has fallen silent", cost=1)
        seconds, attempts = self._patience.deadline_seconds, self._patience.attempts
        return Broken(f"there was no answer within {seconds:g} s", cost=max(1, attempts // 2))

    def _make_body(self, question: Question) -> bytes:
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
            if sampling.candidates > 1:
                said["n"] = sampling.candidates
        if question.answer_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": question.answer_schema}
            said["response_format"] = {"type": "json_schema", "json_schema": schema}
        return json.dumps(said, separators=(",", ":")).encode()

    def _connect(self) -> Connection | PackageConnection:
        seconds = self._patience.connect_seconds
        return self._connects(self.endpoint, PATH, key=self._key, connect_seconds=seconds)


def _choose_connection(client: ChatClient) -> type[Connection] | type[PackageConnection]:
    """Return the class that carries the questions, loaded before the first is sent: it takes its time."""
    if client == "openai":
        from ccf_pipeline.experts.chat.package import PackageConnection

        return PackageConnection
    from ccf_pipeline.experts.chat.connection import Connection

    return Connection


def _cut_off(question: Question, model: str) -> Completion:
    """A reply longer than any answer can be: like one that was cut off, without what it said."""
    room = question.room
    return Completion(
        prompt_id=question.prompt_id,
        expert=EXPERT,
        model=model,
        text="",
        finish_reason="length",
        tokens_in=room.about_in,
        tokens_out=room.most_out,
        tokens_estimated=True,
    )
