"""What the pipeline costs beside the model: a mock server that answers after 20 ms, 64 requests in flight.

.venv/bin/python bench/overhead.py [CALLS] [--profile]

The mock server is a process of its own and answers every prompt with the edits that the rules expert wrote
for it beforehand, so that each answer is read, applied and judged as a model's would be. Timed is the whole
build from the plan to the sealed shards, with the durable journal; rows a second lie between the first
request and the last answer. A bare aiohttp loop that only sends and reads is timed against the same server.
"""

from __future__ import annotations

import asyncio
import cProfile
import hashlib
import json
import multiprocessing
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import aiohttp

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.plan_corpus import open_planner, plan_corpus
from ccf_pipeline.experts import Take
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.records import Completion, Skipped
from ccf_pipeline.settings import BuildSettings, CorpusSettings, EndpointSettings, ExpertSettings

LATENCY_SECONDS = 0.020
IN_FLIGHT = 64
MODEL = "mock"


def main(calls: int, *, profiled: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        write_demo_corpus(corpus, studies=calls // 2 + calls // 20, as_zip=True, images=False)
        limit = calls // 2
        answers = rehearse(corpus, limit, Path(folder) / "answers.json")
        receiving, sending = multiprocessing.Pipe(duplex=False)
        server = multiprocessing.get_context("spawn").Process(
            target=serve, args=(answers, sending), daemon=True
        )
        server.start()
        sending.close()  # so that a server that dies is noticed
        url = f"http://127.0.0.1:{receiving.recv()}/v1"
        asyncio.run(bare_loop(url, answers, calls))
        whole_pipeline(corpus, limit, Path(folder) / "build", url, profiled=profiled)
        server.terminate()
        server.join()


def settings_for(corpus: Path, limit: int, out: Path, url: str) -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus, limit=limit),
        expert=ExpertSettings(kind="openai", model=MODEL),
        endpoint=EndpointSettings(urls=(url,), concurrency=IN_FLIGHT),
    )


def rehearse(corpus: Path, limit: int, file: Path) -> Path:
    """Have the rules expert answer every prompt of the build, and keep the answers by what was asked.

    In a process of its own, so that the memory of the timed build is its own.
    """
    process = multiprocessing.get_context("spawn").Process(target=_rehearse, args=(corpus, limit, file))
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit("the rehearsal failed; what it said stands above")
    return file


def _rehearse(corpus: Path, limit: int, file: Path) -> None:
    materials = Materials.load(settings_for(corpus, limit, Path("unused"), "http://127.0.0.1:1/v1"))
    rules = RulesExpert(materials.graph)
    answers: dict[str, tuple[str, str]] = {}
    settings = materials.settings
    planner = open_planner(settings, materials.graph, materials.lexicon, silent)
    for found in plan_corpus(settings, planner, silent):
        if isinstance(found, Skipped):
            continue
        for plan in found.plans:
            prompt = write_prompt(plan, found.study, materials.graph, materials.template, settings.expert)
            [[completion]] = rules.answer(iter([prompt, None]).__next__)
            said = prompt.messages[-1].content
            answers[digest(said)] = (completion.text, said)
    file.write_text(json.dumps(answers))


def digest(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


# --- the mock server ------------------------------------------------------------------------------


class Mock(asyncio.Protocol):
    """Just enough HTTP: a request is answered after its latency, whole."""

    answers: dict[str, tuple[str, str]]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._waiting = transport, b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        end = self._waiting.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._waiting[:end].lower()
        at = head.index(b"content-length:") + 15
        whole = end + 4 + int(head[at:].split(b"\r\n")[0])
        if len(self._waiting) >= whole:
            body, self._waiting = self._waiting[end + 4 : whole], self._waiting[whole:]
            asyncio.get_running_loop().call_later(LATENCY_SECONDS, self._answer, json.loads(body))

    def _answer(self, asked: dict[str, list[dict[str, str]]]) -> None:
        text, _ = self.answers.get(digest(asked["messages"][-1]["content"]), ('{"edits": []}', ""))
        reply = {
            "id": "1", "object": "chat.completion", "created": 0, "model": MODEL,
            "choices": [{"index": 0, "finish_reason": "stop",
                         "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 600, "completion_tokens": 73, "total_tokens": 673,
                      "prompt_tokens_details": {"cached_tokens": 400}},
        }  # fmt: skip
        body = json.dumps(reply).encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if not self._transport.is_closing():
            self._transport.write(head + body)  # type: ignore[attr-defined]


def serve(answers: Path, sending: Connection) -> None:
    Mock.answers = json.loads(answers.read_text())

    async def listen() -> None:
        server = await asyncio.get_running_loop().create_server(Mock, "127.0.0.1", 0)
        sending.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


# --- what is timed ---------------------------------------------------------------------------------


async def bare_loop(url: str, answers: Path, calls: int) -> None:
    """Send and read, nothing else: what any pipeline has to pay."""
    said = [said for _, said in json.loads(answers.read_text()).values()]
    prompts = iter((said * (calls // len(said) + 1))[:calls])
    system = "x" * 1200

    async def worker(session: aiohttp.ClientSession) -> None:
        for prompt in prompts:
            messages = [{"role": "system", "content": system}, {"role": "user", "content": prompt}]
            async with session.post(f"{url}/chat/completions", json={"messages": messages}) as reply:
                (await reply.json())["choices"][0]["message"]["content"]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        begun, cpu_begun = time.perf_counter(), time.process_time()
        await asyncio.gather(*(worker(session) for _ in range(IN_FLIGHT)))
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    print(
        f"bare aiohttp loop    {calls / seconds:7.0f} rows/s {1000 * cpu / calls:6.2f} CPU s per 1,000 rows"
    )


@dataclass
class Stopwatch:
    """When the first prompt was taken and the last answer given."""

    first: float = 0.0
    last: float = 0.0
    cpu_first: float = 0.0
    cpu_last: float = 0.0
    letters: int = 0
    answers: int = field(default=0)


def whole_pipeline(corpus: Path, limit: int, out: Path, url: str, *, profiled: bool) -> None:
    from ccf_pipeline.experts.chat import OpenAIExpert

    watch = Stopwatch()
    answer = OpenAIExpert.answer

    def timed(self: OpenAIExpert, take: Take) -> Iterator[tuple[Completion, ...]]:
        def first() -> object:
            if not watch.first:
                watch.first, watch.cpu_first = time.perf_counter(), time.process_time()
            prompt = take()
            watch.letters += sum(len(one.content) for one in prompt.messages) if prompt else 0
            return prompt

        for completions in answer(self, first):  # type: ignore[arg-type]
            yield completions
            watch.answers += len(completions)
            watch.last, watch.cpu_last = time.perf_counter(), time.process_time()

    OpenAIExpert.answer = timed  # type: ignore[method-assign]
    profile = cProfile.Profile()
    begun, cpu_begun = time.perf_counter(), time.process_time()
    if profiled:
        profile.enable()
    summary = walk.build(settings_for(corpus, limit, out, url))
    profile.disable()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu_begun
    rows = summary.plan.plans
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    asked, asked_cpu = watch.last - watch.first, watch.cpu_last - watch.cpu_first
    print(f"rows                 {rows:7d}, {summary.accepted / rows:.1%} accepted, {watch.answers} answers,"
          f" {watch.letters / 4 / watch.answers:.0f} tokens a prompt (letters / 4)")  # fmt: skip
    print(
        f"first ask to last    {rows / asked:7.0f} rows/s {1000 * asked_cpu / rows:6.2f} CPU s per 1,000 rows"
    )
    print(f"plan to data set     {rows / seconds:7.0f} rows/s {1000 * cpu / rows:6.2f} CPU s per 1,000 rows")
    print(f"peak resident        {peak:7.0f} MB")
    if profiled:
        pstats.Stats(profile).sort_stats("cumulative").print_stats(70)
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    numbers = [argument for argument in sys.argv[1:] if argument.isdigit()]
    main(int(numbers[0]) if numbers else 2000, profiled="--profile" in sys.argv)
