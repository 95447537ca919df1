"""The `vllm` expert on a real engine: a tiny model of random weights, in a Python that has vLLM.

.vllm/bin/python bench/vllm_offline.py [PROMPTS]

vllm_server.py says how .vllm is made without a GPU; `.vllm/bin/pip install -e .` adds this package to it.
What such a model says means nothing; that every complete answer is JSON which our reader takes, that seeds
repeat and that prefixes are found in the cache, shows that expert, schema and engine fit each other.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from vllm_server import MAKE_MODEL, prompts_of

from ccf_pipeline.counterfactual.edit.scripts import read_json_steps
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.experts import open_expert, taking
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import BuildSettings, CorpusSettings, EngineSettings, ExpertSettings

# Random weights on a CPU; its cache keeps blocks of 32 tokens at the least.
OPTIONS = ("load_format=dummy", "enforce_eager=true", "dtype=float32", "block_size=32", "seed=1")


def main(count: int) -> None:
    if importlib.util.find_spec("vllm") is None:
        print(f"skipped: this Python has no vLLM\n{__doc__}")
        return
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_demo_corpus(folder / "corpus", studies=count, images=False)
        settings = BuildSettings(
            corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
            expert=ExpertSettings(kind="vllm", model=str(folder / "model"), max_answer_tokens=2048),
            engine=EngineSettings(chunk=max(1, count // 3), options=OPTIONS),
        )
        materials = Materials.load(settings)
        prompts = prompts_of(materials, count)
        words = "\n".join(message.content for prompt in prompts for message in prompt.messages)
        (folder / "words.txt").write_text(words)
        subprocess.run([sys.executable, "-c", MAKE_MODEL, folder / "model", folder / "words.txt"], check=True)
        again = [p.model_copy(update={"prompt_id": f"again {p.prompt_id}"}) for p in prompts[: count // 3]]
        answers, chunks = ask(settings, materials, [*prompts, *again])
    tell(answers, chunks)
    same = sum(
        answers[p.prompt_id].text == answers[f"again {p.prompt_id}"].text for p in prompts[: count // 3]
    )
    print(f"asked again            {len(again)}, {same} of them answered in the same words")
    if len(answers) < len(prompts) + len(again):
        sys.exit("an answer is missing")


def ask(
    settings: BuildSettings, materials: Materials, prompts: list[Prompt]
) -> tuple[dict[str, Completion], int]:
    begun, answers, chunks = time.monotonic(), {}, 0
    with open_expert(settings, materials.graph) as expert:
        for completions in expert.answer(taking(prompts)):
            chunks += 1
            print(f"chunk {chunks}: {len(completions)} answers after {time.monotonic() - begun:.0f} s")
            answers.update({completion.prompt_id: completion for completion in completions})
    return answers, chunks


def tell(answers: dict[str, Completion], chunks: int) -> None:
    ended = Counter(answer.failure or answer.finish_reason for answer in answers.values())
    complete = [a for a in answers.values() if a.failure is None and a.finish_reason == "stop"]
    read = sum(isinstance(read_json_steps(answer.text), tuple) for answer in complete)
    tokens_in = sum(answer.tokens_in for answer in answers.values())
    cached = sum(answer.tokens_cached for answer in answers.values())
    tokens_out = sum(answer.tokens_out for answer in answers.values())
    print(f"prompts                {len(answers)} in {chunks} chunks, ended by {dict(ended)}")
    print(f"complete answers       {len(complete)}, our reader took {read}")
    print(f"tokens in {tokens_in}, of them cached {cached}, out {tokens_out}")
    if not complete or read < len(complete):
        sys.exit("a complete answer was not read")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
