"""The `vllm` expert's way with an engine, on a stand-in for the package; bench/vllm_offline.py asks vLLM."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline.errors import ExpertError, MissingExtra, SettingsError
from ccf_pipeline.experts import open_expert, taking
from ccf_pipeline.experts.vllm import VllmExpert, options_of
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.records import AnswerForm, Completion, Message, Plan, Prompt, Sampling
from ccf_pipeline.settings import BuildSettings, EngineSettings, ExpertSettings

# What of vLLM the expert uses; the answers tell what the engine was asked, in which order, and on which GPUs.
STAND_IN = """
import json, os
from dataclasses import dataclass
from types import SimpleNamespace

@dataclass
class SamplingParams:
    temperature: float
    seed: int
    max_tokens: int
    structured_outputs: object
    n: int = 1

class LLM:
    def __init__(self, model, **options):
        if model == "missing":
            raise OSError("missing is no folder\\nand more")
        print("a word of the engine")
        self.calls, self.options = 0, options
        self.llm_engine = SimpleNamespace(engine_core=SimpleNamespace(shutdown=lambda: None))

    def chat(self, conversations, params, use_tqdm, chat_template_kwargs):
        said = [c[-1]["content"] for c in conversations]
        if any(len(words) > 60 for words in said):
            raise ValueError("longer than the maximum model length")
        if any(words == "die" for words in said):
            os._exit(9)
        self.calls += 1
        return [self.output(words, at, p) for at, (words, p) in enumerate(zip(said, params))]

    def output(self, words, at, params):
        told = [words, at, self.calls, params.seed, params.structured_outputs is not None,
                os.environ.get("CUDA_VISIBLE_DEVICES")]
        said = SimpleNamespace(text=json.dumps(told), token_ids=[1, 2],
                               finish_reason="abort" if words == "abort" else "stop")
        return SimpleNamespace(prompt_token_ids=[0] * len(words), num_cached_tokens=3, outputs=[said])
"""


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = tmp_path / "vllm"
    for folder in (package, package / "v1", package / "v1" / "engine"):
        folder.mkdir()
        (folder / "__init__.py").write_text("")
    (package / "__init__.py").write_text(STAND_IN)
    outputs = "class StructuredOutputsParams:\n    def __init__(self, json):\n        self.json = json\n"
    (package / "sampling_params.py").write_text(outputs)
    (package / "v1" / "engine" / "exceptions.py").write_text("class EngineDeadError(Exception): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    for name in [name for name in sys.modules if name == "vllm" or name.startswith("vllm.")]:
        del sys.modules[name]


PLAN = Plan(
    plan_id="p",
    study_id="s",
    direction="remove",
    target="fnd_edema",
    swap_from=(),
    must_appear=(),
    must_cease=(),
    must_stay=(),
    kept_sentences=(),
    free_sentences=(),
    relevance=0,
    why="",
    seed=1,
)


def prompt(words: str, seed: int = 5, form: AnswerForm = "edits") -> Prompt:
    return Prompt(
        prompt_id=f"id of {words}",
        plan=PLAN,
        sentences=(),
        strategy="edits",
        template_digest="",
        messages=(Message(role="system", content="Rules."), Message(role="user", content=words)),
        sampling=Sampling(temperature=0.7, seed=seed, max_tokens=10),
        form=form,
    )


def told(completion: Completion) -> list[object]:
    import json

    found = json.loads(completion.text)
    assert isinstance(found, list)
    return found


def test_answers_come_in_chunks_whose_prompts_stand_in_order(engine: None) -> None:
    expert = VllmExpert("tiny", EngineSettings(chunk=3))
    prompts = [prompt(words) for words in ("b 2", "a 1", "b 1", "a 2")]

    first, second = expert.answer(taking(prompts))

    assert [told(c)[:3] for c in first] == [["a 1", 0, 1], ["b 1", 1, 1], ["b 2", 2, 1]]
    assert [told(c)[:3] for c in second] == [["a 2", 0, 2]]
    assert [c.prompt_id for c in second] == ["id of a 2"]
    assert (second[0].expert, second[0].model) == ("vllm", "tiny")
    assert (second[0].tokens_in, second[0].tokens_cached, second[0].tokens_out) == (3, 3, 2)


def test_each_prompt_brings_its_seed_and_its_form(engine: None) -> None:
    expert = VllmExpert("tiny", EngineSettings())

    ((a, b),) = expert.answer(taking([prompt("a", 1), prompt("b", 2, "lines")]))

    assert told(a)[3:5] == [1, True]
    assert told(b)[3:5] == [2, False]


def test_a_prompt_that_comes_after_nothing_was_to_be_had_is_asked(engine: None) -> None:
    waiting: list[Prompt] = [prompt("first")]
    expert = VllmExpert("tiny", EngineSettings())
    answered = []

    for completions in expert.answer(lambda: waiting.pop() if waiting else None):
        answered += [told(c)[0] for c in completions]
        if answered == ["first"]:
            waiting.append(prompt("its repair"))

    assert answered == ["first", "its repair"]


def test_one_prompt_that_is_too_long_costs_no_other_its_answer(engine: None) -> None:
    long = "x" * 61
    expert = VllmExpert("tiny", EngineSettings())

    (answers,) = expert.answer(taking([prompt("a"), prompt(long), prompt("b"), prompt("abort")]))

    failures = {c.prompt_id: c.failure for c in answers}
    assert failures == {
        "id of a": None,
        "id of b": None,
        "id of abort": "the engine ended it (abort)",
        f"id of {long}": "the prompt is longer than the model can read",
    }


def test_each_process_has_its_own_gpus(engine: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6,7")
    expert = VllmExpert("tiny", EngineSettings(processes=2, tensor_parallel=2, chunk=1))

    answers = [c for chunk in expert.answer(taking([prompt("a"), prompt("b")])) for c in chunk]

    assert {told(c)[5] for c in answers} == {"4,5", "6,7"}


def test_what_an_engine_prints_is_not_among_the_commands_own_words(
    engine: None, capfd: pytest.CaptureFixture[str]
) -> None:
    list(VllmExpert("tiny", EngineSettings()).answer(taking([prompt("a")])))

    shown = capfd.readouterr()
    assert (shown.out, "a word of the engine" in shown.err) == ("", True)


def test_an_engine_that_dies_and_a_model_that_is_not_there_are_told(engine: None) -> None:
    with pytest.raises(ExpertError, match="engine died"):
        list(VllmExpert("tiny", EngineSettings()).answer(taking([prompt("die")])))
    with pytest.raises(ExpertError, match=r"cannot load the model `missing`: missing is no folder$"):
        list(VllmExpert("missing", EngineSettings()).answer(taking([prompt("a")])))


def test_more_options_reach_the_engine_and_those_without_a_value_do_not(engine: None) -> None:
    engine_settings = EngineSettings(options=("dtype=bfloat16", "enforce_eager=true", "seed=3"))

    options = options_of(engine_settings)

    assert (options["dtype"], options["enforce_eager"], options["seed"]) == ("bfloat16", True, 3)
    with pytest.raises(SettingsError, match="`eager` is not NAME=VALUE"):
        VllmExpert("tiny", EngineSettings(options=("eager",)))


def test_without_the_package_or_a_model_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with (
        pytest.raises(MissingExtra, match="vllm") as missing,
        open_expert(
            BuildSettings(expert=ExpertSettings(kind="vllm", model="m")),
            load_graph(),
        ),
    ):
        pass
    assert "[vllm]" in missing.value.hint
    with (
        pytest.raises(SettingsError, match="know the model"),
        open_expert(BuildSettings(expert=ExpertSettings(kind="vllm")), load_graph()),
    ):
        pass
