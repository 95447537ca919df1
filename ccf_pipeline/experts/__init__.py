"""Who writes the counterfactuals: each expert turns prompts into completions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import BuildSettings, ExpertSettings

if TYPE_CHECKING:
    from ccf_pipeline.experts.guard import Endpoint

Take = Callable[[], Prompt | None]
"""Gives the next prompt to ask, or None while there is nothing to ask."""


class Expert(Protocol):
    """Answers prompts in any order.

    `answer` calls `take` whenever it has room for another prompt. None means that there is none just now:
    an answer may bring a new one. It ends when nothing is under way and `take` gives None. The answers of
    a batch are made durable before the expert is asked for more.
    """

    name: str
    model: str
    learns: bool
    """Whether it writes another answer when it is told what was wrong."""

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]: ...


def taking(prompts: Iterable[Prompt]) -> Take:
    """Hands out so many prompts, then None."""
    waiting = iter(prompts)
    return lambda: next(waiting, None)


def storable(text: str) -> str:
    """A text as files can hold it: halves of characters, which JSON can carry, become U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@contextlib.contextmanager
def open_expert(settings: BuildSettings, graph: ConceptGraph) -> Iterator[Expert]:
    """The expert that the settings name, for as long as it is needed."""
    expert = settings.expert
    if expert.kind == "rules":
        _refuse_what_rules_cannot(expert)
        from ccf_pipeline.experts.rules import RulesExpert

        yield RulesExpert(graph)
    elif expert.kind == "scripted":
        from ccf_pipeline.experts.scripted import ScriptedExpert

        yield ScriptedExpert.from_file(expert.recorded, model=expert.model)
    elif expert.kind == "openai":
        yield _open_server_expert(settings)
    else:
        if expert.model is None:
            raise SettingsError(
                "the `vllm` expert needs to know the model",
                hint="Give --model: a folder, or a name on the Hub.",
            )
        from ccf_pipeline.experts.vllm import VllmExpert

        yield VllmExpert(expert.model, settings.engine)


def _refuse_what_rules_cannot(expert: ExpertSettings) -> None:
    """The graph's own phrases need no other form of prompt."""
    if expert.strategy not in ("edits", "minimal"):
        raise SettingsError(
            f"the expert `rules` does not write in the form of `{expert.strategy}`",
            hint="Leave the strategy at `edits`, or choose an expert that is a model.",
        )


def endpoints_of(expert: object) -> tuple[Endpoint, ...]:
    """Where an expert sends what it is asked; nowhere, for those that run here."""
    from ccf_pipeline.experts.chat import ChatExpert

    return expert.endpoints if isinstance(expert, ChatExpert) else ()


def _open_server_expert(settings: BuildSettings) -> Expert:
    from ccf_pipeline.experts.chat import OpenAIExpert, Patience
    from ccf_pipeline.experts.guard import allowed_endpoints, api_key

    endpoint, expert = settings.endpoint, settings.expert
    if expert.model is None:
        raise SettingsError(
            "the `openai` expert needs to know the model's name",
            hint="Give --model, as the server knows it: `curl URL/models` lists what it serves.",
        )
    return OpenAIExpert(
        allowed_endpoints(settings),
        expert.model,
        concurrency=endpoint.concurrency,
        key=api_key(endpoint.key_variable),
        patience=Patience(
            deadline_seconds=endpoint.deadline_seconds, give_up_seconds=endpoint.give_up_seconds
        ),
        requests_per_minute=endpoint.requests_per_minute,
        tokens_per_minute=endpoint.tokens_per_minute,
        most_tokens=expert.max_answer_tokens,
        client=endpoint.client,
    )
