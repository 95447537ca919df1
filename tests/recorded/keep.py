"""Keeps recorded answers as fixtures, and writes the repair prompts that refused ones call for.

python tests/recorded/keep.py FOLDER STRATEGY [WAVE]

FOLDER holds prompts.jsonl (of `ccf-build prompts`), planned.jsonl (study and plan by prompt id) and
answers.jsonl (prompt id, text, model, origin). STRATEGY.jsonl beside this file, or in its folder WAVE, is
written from them, and FOLDER/repairs.jsonl with a prompt of the next attempt for each refused answer. Where
FOLDER holds repair-answers.jsonl, these become STRATEGY-repairs.jsonl, and repairs.jsonl is read instead.
Nothing is planned or asked anew: what was asked stands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.prompt import CHOSEN, write_prompt, write_repair
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.experts.scripted import digest_of
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Completion, Edit, Message, Plan, Prompt, Sampling, Study, Verdict
from ccf_pipeline.settings import ExpertSettings

HERE = Path(__file__).parent
FALL_BACK, REPAIR = "rewrite", "repair"


def main(folder: Path, strategy: str, kept_in: Path = HERE) -> None:
    prompts = {row["prompt_id"]: row for row in _rows(folder / "prompts.jsonl")}
    planned = {row["prompt_id"]: row for row in _rows(folder / "planned.jsonl")}
    answers = {row["prompt_id"]: row for row in _rows(folder / "answers.jsonl")}
    kept = [
        {**_answer(answers[key], prompts[key]), "study": planned[key]["study"], "plan": planned[key]["plan"]}
        for key in sorted(answers)
    ]
    _write(kept_in / f"{strategy}.jsonl", kept)
    if strategy == CHOSEN:
        return  # What is refused of it is left out, not asked again.
    answered, asked_again = folder / "repair-answers.jsonl", folder / "repairs.jsonl"
    if not answered.is_file():
        graph = load_graph()
        lexicon = Lexicon.from_graph(graph.file)
        _write(
            asked_again,
            (row for key in sorted(answers) for row in _repair(kept, prompts[key], key, graph, lexicon)),
        )
        return
    asked = {row["prompt_id"]: row for row in _rows(asked_again)}
    mended = sorted(_rows(answered), key=lambda row: str(row["prompt_id"]))
    repaired = (
        {**_answer(row, asked[row["prompt_id"]]), "repairs": asked[row["prompt_id"]]["repairs"]}
        for row in mended
    )
    _write(kept_in / f"{strategy}-repairs.jsonl", repaired)


def _answer(answer: dict[str, Any], prompt: dict[str, Any]) -> dict[str, Any]:
    messages = tuple(Message.model_validate(message) for message in prompt["messages"])
    return {
        "prompt_id": prompt["prompt_id"],
        "messages_digest": digest_of(messages),
        "form": prompt["form"],
        "attempt": prompt["attempt"],
        "model": answer["model"],
        "origin": answer["origin"],
        "text": answer["text"],
    }


def _repair(
    kept: list[dict[str, Any]], asked: dict[str, Any], key: str, graph: ConceptGraph, lexicon: Lexicon
) -> Iterator[dict[str, Any]]:
    """The next prompt of a refused answer, as the desk of a build would write it."""
    row = next(row for row in kept if row["prompt_id"] == key)
    study, plan = Study.model_validate(row["study"]), Plan.model_validate(row["plan"])
    completion = Completion(prompt_id=key, expert="recorded", model=row["model"], text=row["text"])
    edit, verdict = judge(completion, plan, study, row["form"], graph, lexicon)
    if verdict.accepted:
        return
    expert = ExpertSettings()
    if edit.problem is not None and row["form"] != "report":
        repair = write_prompt(plan, study, graph, load_template(FALL_BACK), expert, attempt=2)
    else:
        prompt = Prompt(
            prompt_id=key,
            plan=plan,
            sentences=study.sentences,
            strategy=asked["strategy"],
            template_digest=load_template(asked["strategy"]).digest,
            messages=tuple(Message.model_validate(message) for message in asked["messages"]),
            sampling=Sampling.model_validate(asked["sampling"]),
            form=asked["form"],
        )
        repair = write_repair(prompt, completion, edit, verdict, load_template(REPAIR), expert)
    told = repair.model_dump(
        mode="json", include={"prompt_id", "strategy", "form", "attempt", "sampling", "messages"}
    )
    yield {"repairs": key, **told}


def judge(
    completion: Completion, plan: Plan, study: Study, form: Any, graph: ConceptGraph, lexicon: Lexicon
) -> tuple[Edit, Verdict]:
    edit = read_edit(completion, plan, study, form)
    factual, counterfactual = read_facts(study.text, lexicon), read_facts(edit.text, lexicon)
    return edit, check_edit(edit, plan, study, factual, counterfactual, graph)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], HERE.joinpath(*sys.argv[3:4]))
