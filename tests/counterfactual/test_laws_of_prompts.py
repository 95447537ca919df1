"""Laws that every prompt keeps, on reports that are dictated by a generator."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.counterfactual.plan.removal import stands_against
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import SUPPORT_DEVICES, Plan, Study
from ccf_pipeline.settings import ExpertSettings, Strategy
from tests.counterfactual.conftest import study_of
from tests.counterfactual.dictation import dictate

Read = Callable[[str], Reading]
Asked = tuple[Study, Reading, Plan, str]
REPORTS = 200
STRATEGIES: tuple[Strategy, ...] = ("edits", "rewrite", "paper", "minimal")


@pytest.fixture(scope="module")
def prompts(graph: ConceptGraph, read: Read) -> tuple[Asked, ...]:
    return tuple(_prompts(graph, read))


def _prompts(graph: ConceptGraph, read: Read) -> Iterator[Asked]:
    for seed in range(REPORTS):
        study = study_of(dictate(seed), study_id=str(seed))
        reading = read(study.text)
        strategy = STRATEGIES[seed % len(STRATEGIES)]
        preset = "minimal" if strategy == "minimal" else "balanced"
        for plan in plan_study(study, reading, graph, per_study=4, seed=seed, preset=preset):
            expert = ExpertSettings(strategy=strategy)
            prompt = write_prompt(plan, study, graph, load_template(strategy), expert)
            yield study, reading, plan, prompt.messages[-1].content


def listed(said: str, title: str) -> list[tuple[str, list[int]]]:
    """The quotes behind a title, each with the numbers of its sentences."""
    line = next((line for line in said.splitlines() if line.startswith(f"{title}: ")), "")
    found = re.findall(r'"([^"]+)"(?: \([^)]*\))? \[([\d, ]+)\]', line)
    return [(quote, [int(number) for number in numbers.split(",")]) for quote, numbers in found]


def test_what_is_listed_is_quoted_from_the_sentences_that_are_named(prompts: tuple[Asked, ...]) -> None:
    for study, _, plan, said in prompts:
        texts = {sentence.number: sentence.text for sentence in study.sentences}
        quotes = [*listed(said, "No longer true"), *listed(said, "Still true")]
        assert bool(plan.must_cease) == bool(listed(said, "No longer true"))
        for quote, numbers in quotes:
            for part in quote.split(" … "):
                assert all(part.lower() in texts[number].lower() for number in numbers), (quote, study.text)


def test_nothing_is_listed_both_as_gone_and_as_still_true(prompts: tuple[Asked, ...]) -> None:
    for study, _, _, said in prompts:
        gone, still = (
            {(quote, number) for quote, numbers in listed(said, title) for number in numbers}
            for title in ("No longer true", "Still true")
        )
        assert gone.isdisjoint(still), (study.text, said)


def test_nothing_is_asked_for_that_a_statement_that_stays_denies(
    prompts: tuple[Asked, ...], graph: ConceptGraph
) -> None:
    for study, reading, plan, _ in prompts:
        ceasing = {(m.concept, m.start, m.end) for m in plan.must_cease}
        staying = [m for m in reading.mentions if (m.concept, m.start, m.end) not in ceasing]
        # An alteration leaves what stood beside the finding before.
        for told in plan.must_appear if plan.direction != "alter" else ():
            against = [m for m in staying if stands_against(m, graph, told.concept, told)]
            assert not against, (plan.direction, told, against[0], study.text)


def test_signs_are_told_only_where_something_with_signs_comes(prompts: tuple[Asked, ...]) -> None:
    for _, _, plan, said in prompts:
        comes = plan.direction in ("add", "swap") and plan.target not in (SUPPORT_DEVICES, "fnd_no_finding")
        assert comes or "Signs:" not in said.split("Task:")[0]


def test_no_sign_moves_an_organ_that_the_report_describes(prompts: tuple[Asked, ...]) -> None:
    for study, _, plan, _ in prompts:
        shifts = [told for told in plan.must_appear if told.concept.startswith("att_shift")]
        assert not (shifts and re.search(r"mediastin|heart|trachea", study.text, re.IGNORECASE)), study.text


def test_a_consolidation_is_not_taken_from_its_pneumonia(graph: ConceptGraph, read: Read) -> None:
    def taken(report: str) -> set[str]:
        study = study_of(report)
        plans = [
            plan
            for seed in range(40)
            for plan in plan_study(study, read(study.text), graph, per_study=12, seed=seed)
        ]
        gone = {f for plan in plans if plan.target != "fnd_no_finding" for f in plan.swap_from}
        return gone | {plan.target for plan in plans if plan.direction == "remove"}

    left = "FINDINGS: Consolidation in the left lower lobe.\nIMPRESSION: Left lower lobe pneumonia.\n"
    named = left.replace("pneumonia", "consolidation, consistent with pneumonia")
    apart = left.replace("Left lower lobe pneumonia", "Right upper lobe pneumonia")

    assert taken(left).isdisjoint({"fnd_consolidation", "fnd_pneumonia"})
    assert "fnd_pneumonia" in taken(named)
    assert "fnd_consolidation" not in taken(named)
    assert "fnd_consolidation" in taken(apart)


def test_an_element_is_not_changed_where_the_report_denies_what_comes_of_it(
    graph: ConceptGraph, read: Read
) -> None:
    def elements(report: str) -> set[tuple[str | None, str]]:
        study = study_of(report)
        plans = plan_study(study, read(study.text), graph, per_study=12, seed=1, preset="minimal")
        return {(plan.element, plan.target) for plan in plans}

    right = "FINDINGS: Mild right lower lobe atelectasis with volume loss.\n"
    clear = right.replace(".\n", ". The left lung is clear.\n")

    assert ("side", "fnd_atelectasis") in elements(right)
    assert ("side", "fnd_atelectasis") not in elements(clear)
