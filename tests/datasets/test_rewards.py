"""A reward tells a report of the film from any other, and is not pleased by what is none."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

import ccf_pipeline.rewards
from ccf_pipeline.counterfactual.plan.films import FilmReader
from ccf_pipeline.counterfactual.shown import describe_findings
from ccf_pipeline.datasets.wrapper import load_wrapper, pair_answers
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.rewards import compute_score, details_reward, report_reward, score_report
from ccf_pipeline.settings import DatasetSettings
from tests.datasets.reward_attempts import ATTEMPTS, COUNTERFACTUAL, HONEST, OTHER_PATIENT, SOLUTION
from tests.paired_build import shards_of


@pytest.fixture(scope="module")
def shown_by() -> Callable[[str], list[dict[str, object]]]:
    graph = load_graph()
    lexicon = Lexicon.from_graph(graph.file)
    films = FilmReader(graph, lexicon)

    def show(text: str) -> list[dict[str, object]]:
        reading = read_facts(text, lexicon)
        return [one.model_dump() for one in describe_findings(reading, reading.states, films)]

    return show


def test_each_side_of_a_pair_is_worth_more_on_its_own_film(
    build: BuildFolder, shown_by: Callable[[str], list[dict[str, object]]]
) -> None:
    wrapper = load_wrapper(DatasetSettings())
    records = list(build.accepted_records(shards_of(build)))

    for record in records:
        sides = pair_answers(record, wrapper)
        own, other = shown_by(record.factual_text), shown_by(record.counterfactual_text)
        assert score_report(sides.chosen, own).total > score_report(sides.rejected, own).total
        assert score_report(sides.rejected, other).total > score_report(sides.chosen, other).total
    assert records


def test_an_honest_report_has_the_whole_reward_and_others_little_of_it() -> None:
    assert score_report(HONEST, SOLUTION).total == 1.0
    assert score_report(COUNTERFACTUAL, SOLUTION).total < 0.4
    assert score_report(OTHER_PATIENT, SOLUTION).total == 0.0


@pytest.mark.parametrize("attempt", [one for one in ATTEMPTS if one != "the key words alone"])
def test_no_attempt_at_pleasing_it_comes_near_an_honest_report(attempt: str) -> None:
    assert score_report(ATTEMPTS[attempt], SOLUTION).total <= 0.7


def test_key_words_are_worth_as_much_as_a_bad_report_at_most() -> None:
    assert score_report(ATTEMPTS["the key words alone"], SOLUTION).total <= 0.7


def test_two_findings_that_exclude_each_other_cost_half() -> None:
    clash = "FINDINGS: The lungs are clear. Small left pleural effusion. No left pleural effusion."

    assert score_report(clash, SOLUTION).consistency == 0.5
    assert score_report(HONEST, SOLUTION).consistency == 1.0


def test_an_impression_on_the_other_side_agrees_with_nothing() -> None:
    turned = "FINDINGS: Small left pleural effusion.\nIMPRESSION: Small right pleural effusion."

    assert score_report(turned, SOLUTION).agreement == 0.5


def test_silence_is_no_normal_film() -> None:
    normal = [{"finding": "No Finding", "state": "present"}]

    assert score_report("The patient was seen today in the clinic.", normal).total == 0.0
    assert score_report("FINDINGS: The lungs are clear. No effusion.", normal).total == 1.0


def test_trainers_call_it_as_they_call_their_own() -> None:
    messages = [{"role": "assistant", "content": HONEST}]

    assert report_reward([messages, OTHER_PATIENT], [SOLUTION, json.dumps(SOLUTION)], prompts=["", ""]) == [
        1,
        0,
    ]
    assert details_reward([HONEST, HONEST], [SOLUTION, SOLUTION[:1]]) == [1.0, None]
    told = compute_score("ccf", HONEST, SOLUTION, extra_info={"index": 0})
    assert told["score"] == told["findings"] == told["agreement"] == 1.0


@pytest.mark.slow
def test_it_needs_little_of_a_trainer_s_environment() -> None:
    asked = "import sys, ccf_pipeline.rewards as r; r.score_report('No effusion.', []); print(*sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )

    loaded = {name.partition(".")[0] for name in told.stdout.split()}
    assert loaded.isdisjoint({"pyarrow", "pandas", "prefect", "openai", "huggingface_hub", "sklearn", "PIL"})


def test_the_package_offers_it_without_loading_it_first() -> None:
    assert ccf_pipeline.rewards.REWARDS["ccf_report"] is report_reward
    assert report_reward.__module__ == "ccf_pipeline.rewards"
