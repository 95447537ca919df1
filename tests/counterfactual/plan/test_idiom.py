"""What a corpus teaches of how its reports are written, and what the plans draw from it."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from ccf_pipeline.counterfactual.plan import Change, Idiom, Usage, plan_change
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Study
from tests.counterfactual.conftest import study_of


def study(number: int, text: str) -> Study:
    sections = text.replace(" IMPRESSION:", "\n IMPRESSION:")
    return study_of(sections).model_copy(update={"study_id": f"s{number}", "subject_id": f"p{number}"})


def idiom_of(reports: Iterable[str], graph: ConceptGraph, *, seed: int = 7) -> Idiom:
    lexicon, usage = Lexicon.from_graph(graph.file), Usage(graph, seed)
    for number, text in enumerate(reports):
        entry = study(number, text)
        usage.add(entry, read_facts(entry.text, lexicon))
    return usage.settle()


EFFUSIONS = ["FINDINGS: Small pleural effusion on the left. IMPRESSION: Small left effusion."] * 400


def told(idiom: Idiom, graph: ConceptGraph, finding: str, draws: int = 60) -> list[tuple[str, ...]]:
    chance = random.Random(1)
    found = (idiom.tell(graph.concept(finding), chance) for _ in range(draws))
    return [tuple(words.text for words in drawn[1]) for drawn in found if drawn]


def test_a_finding_is_told_as_the_reports_tell_it(graph: ConceptGraph) -> None:
    said = told(idiom_of(EFFUSIONS, graph), graph, "fnd_pleural_effusion")

    findings = {words[0] for words in said}
    assert findings <= {
        f"small {noun} on the {side}."
        for noun in ("pleural effusion", "effusion")
        for side in ("left", "right")
    }
    assert {side for text in findings for side in ("left", "right") if side in text} == {"left", "right"}


def test_a_place_where_a_finding_never_is_is_not_borrowed(graph: ConceptGraph) -> None:
    reports = ["FINDINGS: Atelectasis in the left lower lobe."] * 200
    reports += ["FINDINGS: Large pleural effusion on the right."] * 200

    said = told(idiom_of(reports, graph), graph, "fnd_pleural_effusion")

    assert said
    assert not any("lobe" in words[0] for words in said)


@pytest.mark.parametrize(
    "sentence",
    [
        "Small left pleural effusion seen by Dr. Abernathy.",
        "Small left pleural effusion, 14 mm.",
        "Small left pleural effusion, unchanged from the prior study.",
        "Possible small left pleural effusion.",
        "Small left pleural effusion and mild cardiomegaly.",
    ],
)
def test_what_says_more_than_the_finding_is_not_learnt(graph: ConceptGraph, sentence: str) -> None:
    idiom = idiom_of([f"FINDINGS: {sentence}"] * 100, graph)

    assert told(idiom, graph, "fnd_pleural_effusion") == []


def test_a_sentence_of_two_patients_is_nobodys_example(graph: ConceptGraph) -> None:
    rare = "FINDINGS: No appreciable pleural effusion."

    assert idiom_of([rare] * 2, graph).deny("fnd_pleural_effusion", "absent", random.Random(1)) == ()
    (words,) = idiom_of([rare] * 3, graph).deny("fnd_pleural_effusion", "absent", random.Random(1))
    assert words.text == "no appreciable pleural effusion."


def test_the_order_of_the_studies_changes_nothing(graph: ConceptGraph) -> None:
    lexicon = Lexicon.from_graph(graph.file)
    reports = [study(number, text) for number, text in enumerate(EFFUSIONS[:40])]
    one, other = Usage(graph, 7), Usage(graph, 7)
    for entry in reports:
        one.add(entry, read_facts(entry.text, lexicon))
    for entry in reversed(reports):
        other.add(entry, read_facts(entry.text, lexicon))

    assert one.settle() == other.settle()


def test_a_plan_has_words_that_say_what_it_asks_for(graph: ConceptGraph) -> None:
    lexicon = Lexicon.from_graph(graph.file)
    idiom = idiom_of(EFFUSIONS, graph)
    factual = study(1, "FINDINGS: The lungs are clear. No pneumothorax. IMPRESSION: No acute process.")
    reading = read_facts(factual.text, lexicon)
    change = Change("add", "fnd_pleural_effusion", ())

    plans = [plan_change(factual, reading, graph, change, seed=seed, idiom=idiom) for seed in range(20)]

    worded = [plan for plan in plans if plan.wording]
    assert len(worded) > 10
    for plan in worded:
        asked = plan.must_appear[0]
        mention = read_facts(f"FINDINGS: {plan.wording[0].text}", lexicon).of("fnd_pleural_effusion")[0]
        assert (mention.side, mention.severity) == (asked.side, asked.severity)


def test_a_plan_without_an_idiom_has_no_words(graph: ConceptGraph) -> None:
    factual = study(1, "FINDINGS: The lungs are clear.")
    reading = read_facts(factual.text, Lexicon.from_graph(graph.file))

    plan = plan_change(factual, reading, graph, Change("add", "fnd_pleural_effusion", ()), seed=7)

    assert plan.wording == ()
