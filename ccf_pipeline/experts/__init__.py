"""Open the experts that write counterfactuals: each turns prompts into completions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.plugins import load_plugins
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import BuildSettings

if TYPE_CHECKING:
    from ccf_pipeline.experts.guard import Endpoint

Take = Callable[[], Prompt | None]
"""Gives the next prompt to ask, or None while there is nothing to ask."""


class Expert(Protocol):
    """Answers prompts in any order.

    `answer` calls `take` whenever it has room for another prompt. None means that there is none just now:
    an answer may bring a new one. It ends when nothing is under way and `take` gives None. The answers of
    a batch are made durable before the expert is asked for more. A batch may be empty: an expert that waits
    for others gives one now and then, so that whoever called it can stop.
    """

    name: str
    model: str
    learns: bool
    """True if it writes another answer when it is told what was wrong."""

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every address that is asked, for the audit log; none for an expert that runs here."""

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


@dataclass(frozen=True)
class ExpertRow:
    """An expert that can be chosen by name.

    `open` is handed the endpoints that the guard has passed: an expert that reaches a network asks those and
    no others. They are empty for an expert that is not networked.
    """

    name: str
    purpose: str
    networked: bool
    open: Callable[[BuildSettings, ConceptGraph, tuple[Endpoint, ...]], Expert]
    model_hint: str = ""
    """How to name the model, of an expert that cannot do without one."""


def known_experts() -> dict[str, ExpertRow]:
    """Return every expert by name: those of the package, then those of installed plug-ins."""
    shipped = (
        ExpertRow("rules", "writes from the graph itself: no network, no GPU, no key", False, _open_rules),
        ExpertRow(
            "openai",
            "asks a server that speaks OpenAI's chat completions",
            True,
            _open_server_expert,
            "Give --model, as the server knows it: `curl URL/models` lists what it serves.",
        ),
        ExpertRow(
            "vllm",
            "runs the model on this machine",
            False,
            _open_vllm,
            "Give --model: a folder, or a name on the Hub.",
        ),
        ExpertRow("scripted", "plays recorded answers back", False, _open_scripted),
    )
    return {row.name: row for row in shipped} | load_plugins("ccf_pipeline.experts", ExpertRow)


@contextlib.contextmanager
def open_expert(settings: BuildSettings, graph: ConceptGraph) -> Iterator[Expert]:
    """Open the expert that the settings name, for as long as it is needed.

    The guard is passed here and nowhere else, so that no networked expert can go around it.
    """
    from ccf_pipeline.experts.guard import allowed_endpoints

    row = known_experts()[settings.expert.kind]
    if row.model_hint and settings.expert.model is None:
        raise SettingsError(f"the `{row.name}` expert needs to know the model's name", hint=row.model_hint)
    endpoints = allowed_endpoints(settings) if row.networked else ()
    expert = row.open(settings, graph, endpoints)
    if tuple(expert.endpoints) != endpoints:
        raise SettingsError(
            f"the expert `{row.name}` names other endpoints than those it was allowed",
            hint="Its author has to register it as networked and ask the endpoints that it is handed.",
        )
    yield expert


def _open_rules(settings: BuildSettings, graph: ConceptGraph, _: tuple[Endpoint, ...]) -> Expert:
    from ccf_pipeline.experts.rules import RulesExpert

    # The graph's own phrases need no other form of prompt.
    if settings.expert.strategy not in ("edits", "minimal"):
        raise SettingsError(
            f"the expert `rules` does not write in the form of `{settings.expert.strategy}`",
            hint="Leave the strategy at `edits`, or choose an expert that is a model.",
        )
    return RulesExpert(graph)


def _open_scripted(settings: BuildSettings, graph: ConceptGraph, _: tuple[Endpoint, ...]) -> Expert:
    from ccf_pipeline.experts.scripted import ScriptedExpert

    return ScriptedExpert.from_file(settings.expert.recorded, model=settings.expert.model)


def _open_vllm(settings: BuildSettings, graph: ConceptGraph, _: tuple[Endpoint, ...]) -> Expert:
    from ccf_pipeline.experts.vllm import VllmExpert

    return VllmExpert(settings.expert.model or "", settings.engine)


def _open_server_expert(
    settings: BuildSettings, graph: ConceptGraph, endpoints: tuple[Endpoint, ...]
) -> Expert:
    from ccf_pipeline.experts.chat import OpenAIExpert, Patience
    from ccf_pipeline.experts.guard import api_key

    endpoint, expert = settings.endpoint, settings.expert
    return OpenAIExpert(
        endpoints,
        expert.model or "",
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
