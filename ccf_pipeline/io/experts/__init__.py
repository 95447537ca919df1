"""Who writes the counterfactuals: each expert turns prompts into completions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.errors import SettingsError
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import BuildSettings, ExpertSettings

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
        from ccf_pipeline.io.experts.rules import RulesExpert

        yield RulesExpert(graph)
    elif expert.kind == "scripted":
        from ccf_pipeline.io.experts.scripted import ScriptedExpert

        yield ScriptedExpert.from_file(expert.recorded, model=expert.model)
    else:
        raise SettingsError(f"the expert `{expert.kind}` cannot be asked yet", hint="Use rules or scripted.")


def _refuse_what_rules_cannot(expert: ExpertSettings) -> None:
    """The graph's own phrases need no other form of prompt."""
    if expert.strategy not in ("edits", "minimal"):
        raise SettingsError(
            f"the expert `rules` does not write in the form of `{expert.strategy}`",
            hint="Leave the strategy at `edits`, or choose an expert that is a model.",
        )
