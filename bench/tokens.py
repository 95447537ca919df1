"""What each strategy costs in tokens, on the same plans: prefill with and without a prefix cache, and output.

.venv/bin/python bench/tokens.py [COUNTERFACTUALS] [--write]

Counted with the tekken vocabulary that mistral-common ships in its wheel (`pip install mistral-common`).
The cache is vLLM's: blocks of 16 tokens, from the beginning on, shared by all prompts in their sending order,
with room for all. The answers are those of the rules expert, in each strategy's form: the same counterfactual
as an edit script, as lines and as a whole report. `--write` keeps the table as bench/results/tokens.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

try:
    import mistral_common
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
except ImportError:
    sys.exit(print(f"skipped: mistral-common is not installed\n{__doc__}"))

from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.edit.scripts import read_json_steps
from ccf_pipeline.counterfactual.plan.token_estimate import PrefixCache, estimate_tokens
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.plan_corpus import open_planner, plan_corpus
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.records import Completion, EditScript, Plan, PlannedStudy, Prompt, SentenceEdit, Study
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ExpertSettings, Strategy

HERE = Path(__file__).resolve().parent
RECORDED = HERE.parent / "tests" / "recorded"
RESULT = HERE / "results" / "tokens.md"
VOCABULARY = "tekken_240911.json"
STRATEGIES: tuple[Strategy, ...] = ("paper", "rewrite", "edits", "minimal", "lines")
MARKS = {"replace": "=", "drop": "-", "insert": "+"}


@dataclass
class Cost:
    """Tokens of one strategy, over all of its counterfactuals."""

    prefill: int = 0
    computed: int = 0
    output: int = 0
    estimated_in: int = 0
    estimated_out: int = 0


def main(count: int, *, write: bool) -> None:
    encoder = Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / VOCABULARY)
    with tempfile.TemporaryDirectory() as folder:
        asked, materials = _planned(Path(folder), count)
    answers = _answers(asked, materials)
    costs = {strategy: _cost(strategy, asked, answers, materials, encoder) for strategy in STRATEGIES}
    lines = [*_table(costs, len(asked), encoder), "", *_verdict(costs), "", *_estimates(costs)]
    print("\n".join(lines))
    if write:
        RESULT.parent.mkdir(exist_ok=True)
        command = f"`python bench/tokens.py {count} --write`"
        head = [f"# Tokens by strategy\n\nWritten by {command}; the vocabulary is mistral-common's tekken.\n"]
        RESULT.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


def _planned(folder: Path, count: int) -> tuple[list[tuple[Study, Plan]], Materials]:
    write_demo_corpus(folder, studies=count * 6 // 10, seed=7, images=False)
    settings = BuildSettings(corpus=CorpusSettings(kind="demo", path=folder))
    materials = Materials.load(settings)
    planner = open_planner(settings, materials.graph, materials.lexicon, silent)
    found = plan_corpus(settings, planner, silent)
    asked = [(f.study, plan) for f in found if isinstance(f, PlannedStudy) for plan in f.plans]
    if len(asked) < count:
        raise SystemExit(f"only {len(asked)} counterfactuals were planned")
    return asked[:count], materials


def _prompts(strategy: Strategy, asked: list[tuple[Study, Plan]], materials: Materials) -> Iterator[Prompt]:
    template, expert = load_template(strategy), ExpertSettings(strategy=strategy)
    for study, plan in asked:
        yield write_prompt(plan, study, materials.graph, template, expert)


def _answers(asked: list[tuple[Study, Plan]], materials: Materials) -> list[Completion]:
    prompts = _prompts("edits", asked, materials)
    return [c for batch in RulesExpert(materials.graph).answer(taking(prompts)) for c in batch]


def _cost(
    strategy: Strategy,
    asked: list[tuple[Study, Plan]],
    answers: list[Completion],
    materials: Materials,
    encoder: Tekkenizer,
) -> Cost:
    cost, cache = Cost(), PrefixCache()
    prompts = _prompts(strategy, asked, materials)
    for prompt, answer, (study, plan) in zip(prompts, answers, asked, strict=True):
        text = "".join(message.content + "\n" for message in prompt.messages)
        tokens = encoder.encode(text, bos=True, eos=False)
        said = _said(strategy, answer, study, plan)
        cost.prefill += len(tokens)
        cost.computed += len(tokens) - cache.take(tokens)
        cost.output += len(encoder.encode(said, bos=False, eos=True))
        cost.estimated_in += estimate_tokens(text)
        cost.estimated_out += estimate_tokens(said)
    return cost


def _said(strategy: Strategy, answer: Completion, study: Study, plan: Plan) -> str:
    """The answer in the strategy's form."""
    if strategy in ("rewrite", "paper"):
        return read_edit(answer, plan, study).text
    return _in_form(strategy, EditScript.model_validate_json(answer.text).edits)


def _in_form(strategy: Strategy, steps: Sequence[SentenceEdit]) -> str:
    lines = [f"{MARKS[step.action]}{step.number} {step.text}".rstrip() for step in steps]
    return "\n".join(lines) if strategy == "lines" else json.dumps({"edits": lines}, separators=(",", ":"))


def _table(costs: dict[Strategy, Cost], count: int, encoder: Tekkenizer) -> Iterator[str]:
    yield f"Tokens per counterfactual, over {count:,} of them (demo reports, the same plans):"
    yield ""
    yield "| strategy | prompt | computed, no cache | with prefix cache | output | recorded answers |"
    yield "|---|---|---|---|---|---|"
    for strategy, cost in costs.items():
        each = [value / count for value in (cost.prefill, cost.prefill, cost.computed, cost.output)]
        recorded = _recorded(strategy, encoder)
        yield f"| `{strategy}` | " + " | ".join(f"{value:.0f}" for value in each) + f" | {recorded:.0f} |"


def _recorded(strategy: Strategy, encoder: Tekkenizer) -> float:
    """What the answers that language models wrote to other reports of the corpus come to, on average."""
    lines = (RECORDED / f"{strategy}.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [_as_asked_now(strategy, str(json.loads(line)["text"])) for line in lines]
    return sum(len(encoder.encode(text, bos=False, eos=True)) for text in texts) / len(texts)


def _as_asked_now(strategy: Strategy, text: str) -> str:
    """A recorded answer in the form that is asked for: some were written to an earlier one."""
    steps = read_json_steps(text) if strategy in ("edits", "minimal") else ()
    return _in_form(strategy, steps) if steps and not isinstance(steps, str) else text


def _verdict(costs: dict[Strategy, Cost]) -> Iterator[str]:
    paper, edits = costs["paper"], costs["edits"]
    prefill, output = edits.computed / paper.prefill, edits.output / paper.output
    yield (
        f"`edits` with the cache computes 1/{1 / prefill:.1f} of the prefill of `paper` without it"
        f" (wanted: at most 1/6) and 1/{1 / output:.1f} of its output (wanted: at most 1/2)."
    )


def _estimates(costs: dict[Strategy, Cost]) -> Iterator[str]:
    yield "The estimate of `ccf-build plan --cost` beside the count, as a share of it:"
    yield ""
    yield "| strategy | prompt | output |"
    yield "|---|---|---|"
    for strategy, cost in costs.items():
        prompt, output = cost.estimated_in / cost.prefill, cost.estimated_out / cost.output
        yield f"| `{strategy}` | {prompt:.2f} | {output:.2f} |"


if __name__ == "__main__":
    said = [word for word in sys.argv[1:] if not word.startswith("-")]
    main(int(said[0]) if said else 2_000, write="--write" in sys.argv)
