"""Prompts, completions and their costs."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records.plans import Plan
from ccf_pipeline.records.reports import Sentence
from ccf_pipeline.records.words import AnswerForm, Noun


class Template(Noun):
    """The wording of one prompt strategy; the digest names its version."""

    strategy: str
    system: str
    user: str
    digest: str


class Message(Noun):
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sampling(Noun):
    """The sampling of a model; the seed makes an answer repeatable where the server heeds it.

    `candidates` wordings are asked for at once.
    """

    temperature: float
    seed: int
    max_tokens: int
    candidates: int = 1


class Prompt(Noun):
    """A plan put into words for an expert, with the numbered sentences it may edit.

    The id is the digest of everything that decides the answer, so that an answer that was paid for is found
    again; `form` is that of the answer, `attempt` counts from 1.
    """

    prompt_id: str
    plan: Plan
    sentences: tuple[Sentence, ...]
    strategy: str
    template_digest: str
    messages: tuple[Message, ...]
    sampling: Sampling
    form: AnswerForm
    attempt: int = 1


class Completion(Noun):
    """The answer of an expert, and its cost; `failure` says why there is no answer to use.

    `others` are further wordings of the same answer, where several were asked for; tokens are those of all.
    `tokens_estimated` is true where the server did not say how many there were, or said what cannot be.
    """

    prompt_id: str
    expert: str
    model: str
    text: str
    others: tuple[str, ...] = ()
    finish_reason: str = "stop"
    failure: str | None = None
    served_by: str | None = None
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    tokens_estimated: bool = False
    attempt: int = 1


class Spend(Noun):
    """The cost of answers, added up; `tokens_cached` is a part of `tokens_in`."""

    answers: int = 0
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def plus(self, completion: Completion) -> Spend:
        return Spend(
            answers=self.answers + 1,
            tokens_in=self.tokens_in + completion.tokens_in,
            tokens_cached=self.tokens_cached + completion.tokens_cached,
            tokens_out=self.tokens_out + completion.tokens_out,
        )
