"""What the rules expert makes of invented reports: accepted at once, how varied, and at what cost.

.venv/bin/python bench/rules.py [STUDIES]

Plans and prompts are made first; what is timed is answering alone, and answering with reading and judging, in
processor time, each text once, after a few others to warm up. `chosen` is on, as it is by default: each
study's factual side is put into the expert's words too, and is counted apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ccf_pipeline.counterfactual.check import check_edit, check_rewording
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.prompt import CHOSEN, write_chosen, write_prompt
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.files.garbage_collector import seldom_collected
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, Completion, Plan, Problem, Prompt, Study, Verdict
from ccf_pipeline.settings import BuildSettings, CorpusSettings

Asked = tuple[Prompt, Plan, Study, Reading]
Made = TypeVar("Made")


def main(studies: int) -> None:
    materials, pairs, factual_sides = asked_for(studies, seed=7)
    expert = RulesExpert(materials.graph)
    _, others, other_sides = asked_for(50, seed=8)
    judged(others, answers_to(others, expert), materials)
    answers_to(other_sides, expert)

    answers, answering = timed(lambda: answers_to(pairs, expert))
    verdicts, judging = timed(lambda: judged(pairs, answers, materials))
    reworded, rewording = timed(lambda: answers_to(factual_sides, expert))
    tell(pairs, verdicts, answering, judging)
    tell_reworded(factual_sides, reworded, materials, rewording)


def timed(work: Callable[[], Made]) -> tuple[Made, float]:
    """What came of it, and the processor seconds that it took."""
    with seldom_collected():  # as a build does
        begun = time.process_time()
        made = work()
        return made, time.process_time() - begun


def asked_for(studies: int, *, seed: int) -> tuple[Materials, list[Asked], list[Asked]]:
    """Every prompt of a build with what is needed to judge its answer: pairs, and factual sides to reword."""
    pairs: list[Asked] = []
    factual_sides: list[Asked] = []
    with tempfile.TemporaryDirectory() as name:
        corpus = Path(name) / "corpus"
        write_demo_corpus(corpus, studies=studies, seed=seed, as_zip=True, images=False)
        settings = BuildSettings(out=Path(name) / "build", corpus=CorpusSettings(kind="demo", path=corpus))
        materials, expert = Materials.load(settings), settings.expert
        folder = BuildFolder(Path(name) / "plans")
        folder.path.mkdir()
        for shard in range(plan_build(folder, materials).shards):
            for entry in folder.planned_studies(shard):
                study, factual = entry.study, materials.read(entry.study.text)
                chosen = write_chosen(entry.plans, study, materials.templates[CHOSEN], expert)
                factual_sides.append((chosen, entry.plans[0], study, factual))
                for plan in entry.plans:
                    prompt = write_prompt(plan, study, materials.graph, materials.template, expert)
                    pairs.append((prompt, plan, study, factual))
    return materials, pairs, factual_sides


def answers_to(asked: list[Asked], expert: RulesExpert) -> list[Completion]:
    prompts = [prompt for prompt, *_ in asked]
    return [answer for answers in expert.answer(taking(prompts)) for answer in answers]


def judged(asked: list[Asked], answers: list[Completion], materials: Materials) -> list[tuple[str, Verdict]]:
    """The text of each answer, read and judged."""
    found = []
    for (prompt, plan, study, factual), answer in zip(asked, answers, strict=True):
        edit = read_edit(answer, plan, study, prompt.form)
        counterfactual = materials.read(edit.text)
        verdict = check_edit(edit, plan, study, factual, counterfactual, materials.graph)
        found.append((edit.text, verdict))
    return found


def tell(pairs: list[Asked], verdicts: list[tuple[str, Verdict]], answering: float, judging: float) -> None:
    accepted = [text for text, verdict in verdicts if verdict.accepted]
    refused = Counter(
        code
        for _, verdict in verdicts
        for code in {problem.code for problem in verdict.problems if problem.level == "block"}
    )
    targets = {plan.target for _, plan, *_ in pairs}
    directions = dict(Counter(plan.direction for _, plan, *_ in pairs))
    studies = {study.study_id for *_, study, _ in pairs}
    share = len(accepted) / len(pairs)
    print(f"counterfactuals            {len(pairs)} of {len(studies)} studies")
    print(f"accepted at once           {len(accepted)} ({share:.2%}), refused {dict(refused)}")
    print(f"distinct texts             {len(set(accepted))} of {len(accepted)}")
    print(f"targets                    {len(targets)} of {len(FINDING_LABELS)}; {directions}")
    print(f"per CPU second             {len(pairs) / answering:.0f} written")
    print(f"                           {len(pairs) / (answering + judging):.0f} written, read and judged")


def tell_reworded(
    asked: list[Asked], answers: list[Completion], materials: Materials, rewording: float
) -> None:
    faults: list[tuple[Problem, ...]] = []
    changed = 0
    for (prompt, plan, study, factual), answer in zip(asked, answers, strict=True):
        edit = read_edit(answer, plan, study, prompt.form)
        faults.append(check_rewording(edit, plan, study, factual, materials.read(edit.text), materials.graph))
        changed += edit.text != study.text
    held = sum(not found for found in faults)
    print(f"factual sides reworded     {held} of {len(asked)} held ({held / len(asked):.2%})")
    print(f"                           {changed} in new words")
    print(f"                           {len(asked) / rewording:.0f} per CPU second")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
