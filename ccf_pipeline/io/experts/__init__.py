"""Who writes the counterfactuals: each expert turns prompts into completions."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Protocol

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import ExpertSettings


class Expert(Protocol):
    """Answers prompts in batches, in any order; a batch is made durable before the next one is asked for."""

    name: str
    model: str

    def answer(self, prompts: Iterable[Prompt]) -> Iterator[tuple[Completion, ...]]: ...


@contextlib.contextmanager
def open_expert(settings: ExpertSettings, graph: ConceptGraph) -> Iterator[Expert]:
    """The expert that the settings name, for as long as it is needed."""
    from ccf_pipeline.io.experts.rules import RulesExpert

    yield RulesExpert(graph)
