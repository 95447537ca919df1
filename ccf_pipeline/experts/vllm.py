"""The `vllm` expert: vLLM's offline engine, in a process of its own per GPU; no server and no network.

Prompts are answered in chunks that are journalled as they finish. Within a chunk they are sorted by what
they say, so that those which share a beginning follow each other and are computed once. Each process has a
second chunk waiting, so that no GPU stands idle while answers are judged.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import itertools
import json
import multiprocessing
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import Any

from ccf_pipeline.errors import ExpertError, MissingExtra, SettingsError
from ccf_pipeline.experts import Take
from ccf_pipeline.experts.answer_forms import answer_schema
from ccf_pipeline.files.installed import install_command
from ccf_pipeline.reader.letters import clean_text
from ccf_pipeline.records import Completion, Prompt
from ccf_pipeline.settings import EngineSettings

NAME = "vllm"
CHUNKS_WAITING = 2
TOO_LONG = "the prompt is longer than the model can read"
DIED = "vLLM's engine died"
GO_ON = (
    "Its last words are above. Answers that came are kept: the same command goes on, perhaps with less memory"
    " (`max_model_len`, or gpu_memory_utilization among the `options` of [engine])."
)
ENDING_SECONDS = 60
_LOADED: list[Any] = []
GPUS = "CUDA_VISIBLE_DEVICES"


class VllmExpert:
    """Answers prompts with a model on this machine."""

    name = NAME
    learns = True
    endpoints = ()

    def __init__(self, model: str, engine: EngineSettings) -> None:
        if importlib.util.find_spec("vllm") is None:
            raise MissingExtra(
                "the expert `vllm` needs the package vllm",
                hint=f"Install it, on Linux, with: {install_command('vllm')}",
            )
        self.model = model
        self._engine = engine
        options_of(engine)

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        """Completions chunk by chunk, of whichever process is done first."""
        pools = [_start_process(number, self._engine) for number in range(self._engine.processes)]
        under_way: dict[Future[list[Completion]], ProcessPoolExecutor] = {}
        try:
            while self._fill(pools, under_way, take):
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in [future for future in under_way if future in done]:
                    del under_way[future]
                    yield tuple(future.result())
        except BrokenProcessPool as error:
            raise ExpertError(DIED, hint=GO_ON) from error
        finally:
            for pool in pools:
                _end(pool)

    def _fill(
        self,
        pools: Sequence[ProcessPoolExecutor],
        under_way: dict[Future[list[Completion]], ProcessPoolExecutor],
        take: Take,
    ) -> bool:
        """Give every process work, the idle ones first; whether anything is under way."""
        for depth in range(1, CHUNKS_WAITING + 1):
            for pool in pools:
                if list(under_way.values()).count(pool) >= depth:
                    continue
                # None means nothing just now: each chunk begins to take anew, for repairs come later.
                chunk = [p for p in itertools.islice(iter(take, None), self._engine.chunk) if p is not None]
                if not chunk:
                    return bool(under_way)
                chunk.sort(key=_list_messages)
                under_way[pool.submit(answer_chunk, self.model, self._engine, chunk)] = pool
        return bool(under_way)


def options_of(engine: EngineSettings) -> dict[str, Any]:
    """Return what vLLM's `LLM` is told beside the model."""
    told: dict[str, Any] = {
        "enable_prefix_caching": True,
        "generation_config": "vllm",  # the sampling of a prompt, not of the model's repository
        "max_model_len": engine.max_model_len,
        "tensor_parallel_size": engine.tensor_parallel,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }
    for option in engine.options:
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise SettingsError(
                f"setting `engine.options`: `{option}` is not NAME=VALUE", hint="For example dtype=bfloat16."
            )
        try:
            told[name] = json.loads(value)
        except ValueError:
            told[name] = value
    return told


def _list_messages(prompt: Prompt) -> tuple[str, ...]:
    return tuple(message.content for message in prompt.messages)


# --- in the process of an engine ------------------------------------------------------------------


def _start_process(number: int, engine: EngineSettings) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare_process,
        initargs=(number, engine),
    )


def _end(pool: ProcessPoolExecutor) -> None:
    """Have the process end its engine and leave: left to itself it would wait for the engine without end."""
    with contextlib.suppress(BrokenProcessPool, TimeoutError):
        pool.submit(_leave).result(timeout=ENDING_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)


def _leave() -> None:
    for llm in _LOADED:
        llm.llm_engine.engine_core.shutdown()
    os._exit(0)


def _prepare_process(number: int, engine: EngineSettings) -> None:
    """Of several processes each sees its own GPUs; a single one sees what it was given."""
    os.dup2(2, 1)  # vLLM logs to standard output, which belongs to the command's own words
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a line is seen when it is said, not at the end
    if engine.processes == 1:
        return
    begin, count = number * engine.tensor_parallel, engine.tensor_parallel
    visible = os.environ.get(GPUS) or ",".join(map(str, range(engine.processes * count)))
    os.environ[GPUS] = ",".join(visible.split(",")[begin : begin + count])


@lru_cache(maxsize=1)
def _load(model: str, engine: EngineSettings) -> Any:
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    from vllm import LLM

    try:
        _LOADED.append(LLM(model=model, **options_of(engine)))
        return _LOADED[-1]
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        raise ExpertError(
            f"vLLM cannot load the model `{model}`: {_get_first_line(error)}",
            hint="Check --model (a folder or a name on the Hub) and [engine] in build.toml.",
        ) from None


def answer_chunk(model: str, engine: EngineSettings, prompts: Sequence[Prompt]) -> list[Completion]:
    """The completions of a chunk, in its order."""
    llm = _load(model, engine)
    from vllm.v1.engine.exceptions import EngineDeadError

    try:
        return _ask_engine(llm, model, prompts)
    except EngineDeadError:
        raise ExpertError(DIED, hint=GO_ON) from None


def _ask_engine(llm: Any, model: str, prompts: Sequence[Prompt]) -> list[Completion]:
    """A prompt that the model cannot read fails a whole call before anything is computed: halves find it."""
    try:
        outputs = llm.chat(
            [[message.model_dump() for message in prompt.messages] for prompt in prompts],
            [_make_sampling(prompt) for prompt in prompts],
            use_tqdm=False,
            chat_template_kwargs={"enable_thinking": False},
        )
    except ValueError as error:
        if len(prompts) == 1:
            return [_make_failure(prompts[0], model, error)]
        half = len(prompts) // 2
        return [*_ask_engine(llm, model, prompts[:half]), *_ask_engine(llm, model, prompts[half:])]
    return [_make_completion(p, model, output) for p, output in zip(prompts, outputs, strict=True)]


def _make_sampling(prompt: Prompt) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = answer_schema(prompt.form)
    return SamplingParams(
        temperature=prompt.sampling.temperature,
        seed=prompt.sampling.seed,
        max_tokens=prompt.sampling.max_tokens,
        structured_outputs=StructuredOutputsParams(json=schema) if schema else None,
        n=prompt.sampling.candidates,
    )


def _make_completion(prompt: Prompt, model: str, output: Any) -> Completion:
    said = output.outputs[0]
    tokens_in = len(output.prompt_token_ids or ())
    failure = (
        None if said.finish_reason in ("stop", "length") else f"the engine ended it ({said.finish_reason})"
    )
    return Completion(
        prompt_id=prompt.prompt_id,
        expert=NAME,
        model=model,
        text=clean_text(said.text),
        others=tuple(clean_text(other.text) for other in output.outputs[1:] if other.finish_reason == "stop"),
        finish_reason="length" if said.finish_reason == "length" else "stop",
        failure=failure,
        tokens_in=tokens_in,
        tokens_cached=min(output.num_cached_tokens or 0, tokens_in),
        tokens_out=sum(len(other.token_ids) for other in output.outputs),
        attempt=prompt.attempt,
    )


def _make_failure(prompt: Prompt, model: str, error: ValueError) -> Completion:
    why = TOO_LONG if "max" in str(error) and "len" in str(error) else f"refused ({type(error).__name__})"
    return Completion(
        prompt_id=prompt.prompt_id, expert=NAME, model=model, text="", failure=why, attempt=prompt.attempt
    )


def _get_first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0][:300] or type(error).__name__
