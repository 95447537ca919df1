"""The embedded expert: writes counterfactuals from the graph's own phrases, without a model or a network.

cutting.py, lists.py   take statements out of sentences and lists
writing.py, naming.py  put statements into words that leave the rest of the report alone
altering.py            exchange one word, where a side or a degree is all that differs
rewording.py           say what the counterfactual changes as it is, in the words it is written in
script.py, placing.py  decide what becomes of each sentence, and where new ones go
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator

from ccf_pipeline.experts import Take
from ccf_pipeline.experts.rules.script import Scribe
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Completion, Prompt

BATCH_SIZE = 256
REWORD = "chosen"
"""The strategy of prompts that ask for the factual side in other words."""


class RulesExpert:
    """Answers every prompt by rule; the same prompt and graph always give the same answer."""

    name = "rules"
    model = "rules/1"
    learns = False
    endpoints = ()

    def __init__(self, graph: ConceptGraph) -> None:
        self._scribe = Scribe(graph)

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        """A completion for each prompt, in their order, as they come."""
        # None means that there is nothing just now: each batch begins to take anew.
        while batch := tuple(itertools.islice(iter(take, None), BATCH_SIZE)):
            yield tuple(self.complete(prompt) for prompt in batch if prompt is not None)

    def complete(self, prompt: Prompt) -> Completion:
        """Write as many different scripts as are asked for, if chance brings so many."""
        write = self._scribe.reword if prompt.strategy == REWORD else self._scribe.write
        scripts = (write(prompt, _make_random(prompt, n)) for n in range(prompt.sampling.candidates))
        first, *others = dict.fromkeys(script.model_dump_json(exclude_defaults=True) for script in scripts)
        return Completion(
            prompt_id=prompt.prompt_id, expert=self.name, model=self.model, text=first, others=tuple(others)
        )


def _make_random(prompt: Prompt, wording: int) -> random.Random:
    """Randomness that depends on the plan and the number of the wording alone."""
    text = f"{prompt.plan.seed}\x1f{prompt.plan.plan_id}" + (f"\x1f{wording}" if wording else "")
    return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))
