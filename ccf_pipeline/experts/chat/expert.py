"""The experts behind a server: one for the prompts of a build, one for the questions of an extraction."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ccf_pipeline.experts import Take
from ccf_pipeline.experts.answer_forms import answer_schema
from ccf_pipeline.experts.chat.pacing import Patience
from ccf_pipeline.experts.chat.pool import Pool
from ccf_pipeline.experts.chat.question import EXPERT, Asker, Question
from ccf_pipeline.experts.chat.servers import servers_of
from ccf_pipeline.experts.guard import Endpoint
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import ChatClient


@dataclass
class ChatExpert:
    """Answers questions at one or several endpoints, in the order in which the answers come."""

    endpoints: tuple[Endpoint, ...]
    model: str
    concurrency: int = 8
    key: str = field(default="none", repr=False)
    patience: Patience = field(default_factory=Patience)
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    most_tokens: int | None = None
    client: ChatClient = "aiohttp"
    name: str = EXPERT
    learns: bool = True

    def answer_questions(self, questions: Iterable[Question]) -> Iterator[tuple[Completion, ...]]:
        """Completions as they come; no question is taken before there is room to ask it."""
        waiting = iter(questions)
        return self._make_pool().answers(lambda: next(waiting, None))

    def _make_pool(self) -> Pool:
        askers = [
            Asker(
                endpoint,
                self.model,
                key=self.key,
                patience=self.patience,
                most_tokens=self.most_tokens,
                client=self.client,
            )
            for endpoint in self.endpoints
        ]
        servers = servers_of(
            askers,
            self.patience,
            random.Random(),
            most=self.concurrency,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
        )
        return Pool(servers, self.model, most=self.concurrency)


class OpenAIExpert(ChatExpert):
    """Answers the prompts of a build."""

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        """A completion for each prompt, as they come; one that cannot be had says why."""

        def question() -> Question | None:
            prompt = take()
            return _make_question(prompt) if prompt is not None else None

        return self._make_pool().answers(question)


def _make_question(prompt: Prompt) -> Question:
    return Question(prompt.prompt_id, prompt.messages, answer_schema(prompt.form), prompt.sampling)
