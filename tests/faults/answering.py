"""An expert for fault runs: its answer depends on the prompt alone, wherever and however often it is asked.

Some first answers change nothing and are refused, so that repairs are asked for as well.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache

from ccf_pipeline.experts import Take
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Completion, Prompt

NAME, MODEL = "openai", "a-model"
CONCURRENCY = 8
NOTHING_CHANGED = '{"edits": []}'


class Answers:
    """What is said to a prompt."""

    def __init__(self, graph: ConceptGraph) -> None:
        self._rules = RulesExpert(graph)

    def to(self, prompt: Prompt) -> str:
        if prompt.attempt == 1 and int(prompt.prompt_id[:8], 16) % 5 == 0:
            return NOTHING_CHANGED
        return self._rules.complete(prompt).text


@lru_cache(maxsize=1)
def _answers(graph: ConceptGraph) -> Answers:
    return Answers(graph)


def completed(prompt: Prompt, text: str) -> Completion:
    return Completion(
        prompt_id=prompt.prompt_id,
        expert=NAME,
        model=MODEL,
        text=text,
        tokens_in=len(prompt.messages),
        tokens_out=len(text),
    )


class InProcess:
    """Answers without a network, one after the other: the same system calls on every run."""

    name, model, learns, endpoints = NAME, MODEL, True, ()

    def __init__(self, graph: ConceptGraph) -> None:
        self._answers = _answers(graph)

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        while batch := tuple(itertools.islice(iter(take, None), 4)):
            yield tuple(completed(prompt, self._answers.to(prompt)) for prompt in batch if prompt)


class OverHttp:
    """Asks a server that fails now and then, several questions at once, until each is answered."""

    name, model, learns, endpoints = NAME, MODEL, True, ()

    def __init__(self, port: int, run: int) -> None:
        self._port, self._run = port, run

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        under_way: set[Future[Completion]] = set()
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            while True:
                while len(under_way) < CONCURRENCY and (prompt := take()) is not None:
                    under_way.add(pool.submit(self._ask, prompt))
                if not under_way:
                    return
                done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield tuple(future.result() for future in done)

    def _ask(self, prompt: Prompt) -> Completion:
        body = prompt.model_dump_json().encode()
        for _ in range(100):
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
            try:
                connection.request("POST", "/", body, {"X-Run": str(self._run)})
                response = connection.getresponse()
                said = response.read()
                if response.status == 200:
                    return completed(prompt, str(json.loads(said)["text"]))
            except (OSError, http.client.HTTPException, ValueError):
                pass
            finally:
                connection.close()
            time.sleep(0.002)
        raise AssertionError("the server never answered")


def misfortune(chance: random.Random) -> str | None:
    """What goes wrong with a request: one in nine."""
    drawn = chance.random()
    return "429" if drawn < 0.05 else "500" if drawn < 0.08 else "cut" if drawn < 0.11 else None
