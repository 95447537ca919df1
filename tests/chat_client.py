"""A client for chat completions with short deadlines, and what its questions and answers are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ccf_pipeline.experts.chat import ChatExpert, Patience, Question
from ccf_pipeline.experts.guard import Rules, allow_endpoint
from ccf_pipeline.records import Completion, CorpusTerms, Message
from tests.bad_server import BadServer

RULES = Rules(CorpusTerms(kind="mimic", name="MIMIC-CXR", sensitivity="credentialed", terms=""))
SCHEMA = {"type": "object", "properties": {}, "additionalProperties": False}
QUICK = Patience(
    deadline_seconds=10, backoff_seconds=0.005, most_backoff_seconds=0.02, most_retry_after_seconds=0.05,
    start_seconds=0.3, give_up_seconds=0.6, drain_seconds=2,
)  # fmt: skip


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
