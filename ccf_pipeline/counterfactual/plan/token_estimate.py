"""Estimate the tokens of a plan before anybody is asked, and what a prefix cache spares."""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from ccf_pipeline.records import CostForecast, PlannedStudy, Prompt, Spend
from ccf_pipeline.settings import ExpertSettings, PriceSettings

BLOCK = 16
"""Tokens that a server's cache keeps or forgets together: vLLM's default on a GPU."""

# Fitted to the tekken vocabulary over 2,000 counterfactuals; bench/tokens.py prints how far it is off.
PIECE = re.compile(r"\w+|[^\w\s]")
LONGEST_WHOLE = 9
LETTERS_PER_TOKEN = 5.6
REST = 1.05

# What language models answered to 45 prompts of each strategy: docs/experts-yield.md and bench/tokens.py.
SCRIPT_TOKENS = {"edits": 33, "minimal": 29, "lines": 24}
REFUSED_SHARE = 0.1
REASON_TOKENS = 60
MARK_TOKENS = 6
"""A sentence's number and quotes in an edit script."""


def pieces_of(text: str) -> list[str]:
    """Words and marks, longer words in as many parts as a byte-pair tokenizer would cut them, about."""
    pieces = []
    for piece in PIECE.findall(text):
        parts = math.ceil(len(piece) / LETTERS_PER_TOKEN) if len(piece) > LONGEST_WHOLE else 1
        pieces += [piece] * parts
    return pieces


def estimate_tokens(text: str) -> int:
    """About what a text costs, within a tenth or so of one tokenizer's count."""
    return round(len(pieces_of(text)) * REST)


class PrefixCache:
    """The blocks that a server has computed before, from the beginning on; nothing is forgotten."""

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._known: set[int] = set()

    def take(self, tokens: Sequence[Hashable]) -> int:
        """Return how many of a prompt's tokens need not be computed; all of it is known from then on."""
        cached, path, shared = 0, 0, True
        for end in range(self._block, len(tokens) + 1, self._block):
            path = hash((path, *tokens[end - self._block : end]))
            shared = shared and path in self._known
            cached += self._block * shared
            self._known.add(path)
        return cached


@dataclass
class CostTally:
    """Adds up what the prompts of a plan cost; those that were looked at stand for all."""

    expert: ExpertSettings
    plans: int = 0
    studies: int = 0
    looked_at: int = 0
    tokens_in: int = 0
    cached: int = 0
    tokens_out: int = 0
    chosen_in: int = 0
    chosen_cached: int = 0
    chosen_out: int = 0
    _cache: PrefixCache = field(default_factory=PrefixCache)

    def count(self, entry: PlannedStudy) -> None:
        """A study whose prompts are not looked at."""
        self.studies += 1
        self.plans += len(entry.plans)

    def look(self, entry: PlannedStudy, prompts: Sequence[Prompt], chosen: Prompt | None) -> None:
        """A study with the prompts of its plans, and the one that rewords its factual side."""
        self.count(entry)
        self.looked_at += len(prompts)
        for prompt in prompts:
            tokens, cached = self._count_tokens(prompt)
            self.tokens_in += tokens
            self.cached += cached
            script = SCRIPT_TOKENS.get(prompt.strategy)
            self.tokens_out += script if script else estimate_tokens(entry.study.text)
        if chosen is not None:
            tokens, cached = self._count_tokens(chosen)
            self.chosen_in += tokens
            self.chosen_cached += cached
            free = {number for plan in entry.plans for number in plan.free_sentences}
            reworded = [s.text for s in entry.study.sentences if s.number in free]
            self.chosen_out += sum(estimate_tokens(text) + MARK_TOKENS for text in reworded)

    def _count_tokens(self, prompt: Prompt) -> tuple[int, int]:
        pieces = pieces_of("\n".join(message.content for message in prompt.messages))
        return round(len(pieces) * REST), round(self._cache.take(pieces) * REST)

    def forecast(self, prices: PriceSettings, tokens_per_second: float | None) -> CostForecast:
        """Return what all of it will come to, at a throughput of computed and written tokens together."""
        scale = self.plans / self.looked_at if self.looked_at else 0.0
        again = sum(REFUSED_SHARE**attempt for attempt in range(1, self.expert.repair + 1))
        # A repair repeats the prompt, which the cache holds, and adds the answer with the reasons.
        tokens_in = scale * (self.tokens_in * (1 + again) + self.chosen_in)
        tokens_in += again * (scale * self.tokens_out + self.plans * REASON_TOKENS)
        cached = scale * (self.cached + again * self.tokens_in + self.chosen_cached)
        tokens_out = scale * (self.tokens_out * (1 + again) + self.chosen_out)
        repairs, rewordings = round(self.plans * again), self.studies if self.expert.chosen else 0
        spend = Spend(
            answers=self.plans + repairs + rewordings,
            tokens_in=round(tokens_in),
            tokens_cached=round(cached),
            tokens_out=round(tokens_out),
        )
        worked = spend.tokens_in - spend.tokens_cached + spend.tokens_out
        priced = any((prices.input, prices.cached, prices.output))
        return CostForecast(
            strategy=self.expert.strategy,
            counterfactuals=self.plans,
            looked_at=self.looked_at,
            repairs=repairs,
            rewordings=rewordings,
            spend=spend,
            hours=worked / tokens_per_second / 3600 if tokens_per_second else None,
            price=prices.cost_of(spend) if priced else None,
            price_without_cache=(
                prices.cost_of(spend.model_copy(update={"tokens_cached": 0})) if priced else None
            ),
        )
