"""Which sentences of a corpus may be lent, and what the plans draw from them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable

import pytest

from ccf_pipeline.counterfactual.plan import Bank, Change, Gatherer, plan_change
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Study, Wording
from tests.counterfactual.conftest import study_of


def study(number: int, text: str) -> Study:
    sections = text.replace(" IMPRESSION:", "\n IMPRESSION:")
    return study_of(sections).model_copy(update={"study_id": f"s{number}", "subject_id": f"p{number}"})


def bank_of(reports: Iterable[str], graph: ConceptGraph, *, seed: int = 7, count: int = 1) -> Bank:
    lexicon, gatherer = Lexicon.from_graph(graph.file), Gatherer(graph, seed)
    for number, text in enumerate(reports):
        entry = study(number, text)
        gatherer.add(entry, read_facts(entry.text, lexicon))
    return gatherer.settle(count)


EFFUSIONS = ["FINDINGS: Small pleural effusion on the left. IMPRESSION: Small left effusion."] * 400


def drawn(bank: Bank, graph: ConceptGraph, finding: str, draws: int = 60) -> list[tuple[Wording, ...]]:
    chance, concept = random.Random(1), graph.concept(finding)
    found = (bank.tell(concept, chance) for _ in range(draws))
    return [bank.word(concept, told, chance) for told in found if told]


def test_a_finding_is_told_in_sentences_of_the_reports(graph: ConceptGraph) -> None:
    said = drawn(bank_of(EFFUSIONS, graph), graph, "fnd_pleural_effusion")

    assert {words[0].text for words in said} == {
        "small pleural effusion on the left.",
        "small pleural effusion on the right.",
    }
    assert {(words[0].text.split()[-1], words[1].text) for words in said} == {
        ("left.", "small left effusion."),
        ("right.", "small right effusion."),
    }


def test_a_sentence_tells_whose_report_it_is_copied_from(graph: ConceptGraph) -> None:
    said = drawn(bank_of(EFFUSIONS, graph), graph, "fnd_pleural_effusion")

    for findings, impression in said:
        assert (findings.study_id, findings.first_word, findings.patients) == ("s0", 1, 400)
        assert (impression.study_id, impression.first_word) == ("s0", 8)
        assert findings.is_mirrored == ("right" in findings.text)


def test_sentences_come_at_the_shares_of_the_patients(graph: ConceptGraph) -> None:
    reports = ["FINDINGS: Small left pleural effusion."] * 300
    reports += ["FINDINGS: There is a moderate left pleural effusion."] * 100

    said = drawn(bank_of(reports, graph), graph, "fnd_pleural_effusion", draws=2000)

    counts = Counter("moderate" in words[0].text for words in said)
    assert counts[True] / counts.total() == pytest.approx(0.25, abs=0.03)


def test_several_sentences_that_are_drawn_at_once_make_the_same_statement(graph: ConceptGraph) -> None:
    reports = ["FINDINGS: Small left pleural effusion."] * 50
    reports += ["FINDINGS: There is a small pleural effusion on the left."] * 50
    reports += ["FINDINGS: Large right pleural effusion."] * 50

    said = drawn(bank_of(reports, graph, count=2), graph, "fnd_pleural_effusion")

    assert max(len(words) for words in said) == 2
    for words in said:
        assert len({"left" in one.text for one in words}) == len({"small" in one.text for one in words}) == 1
        assert len({one.text for one in words}) == len(words)


@pytest.mark.parametrize(
    "sentence",
    [
        "Small left pleural effusion seen by Dr. Abernathy.",
        "Small left pleural effusion as Abernathy saw.",
        "Small left pleural effusion, 14 mm.",
        "Small left pleural effusion since May.",
        "Small left pleural effusion, unchanged from the prior study.",
        "Possible small left pleural effusion.",
        "Small left pleural effusion and mild cardiomegaly.",
        "This is a small left pleural effusion.",
        "There is also a small left pleural effusion.",
        "Small left pleural effusion, for which follow-up is recommended.",
        "Small left pleural effusion ___.",
    ],
)
def test_what_says_more_than_the_finding_is_not_lent(graph: ConceptGraph, sentence: str) -> None:
    bank = bank_of([f"FINDINGS: {sentence}"] * 100, graph)

    assert drawn(bank, graph, "fnd_pleural_effusion") == []


@pytest.mark.parametrize(("patients", "is_lent"), [(2, False), (3, True)])
def test_a_sentence_with_a_rare_word_needs_three_patients(
    graph: ConceptGraph, patients: int, is_lent: bool
) -> None:
    bank = bank_of(["FINDINGS: No lingering pleural effusion."] * patients, graph)

    assert bool(bank.deny("fnd_pleural_effusion", "absent", random.Random(1))) == is_lent


def test_a_sentence_of_common_words_needs_one_patient(graph: ConceptGraph) -> None:
    bank = bank_of(["FINDINGS: No evidence of pleural effusion."], graph)

    (words,) = bank.deny("fnd_pleural_effusion", "absent", random.Random(1))
    assert (words.text, words.patients) == ("no evidence of pleural effusion.", 1)


def test_the_order_of_the_studies_changes_nothing(graph: ConceptGraph) -> None:
    lexicon = Lexicon.from_graph(graph.file)
    reports = [study(number, text) for number, text in enumerate(EFFUSIONS[:40])]
    one, other = Gatherer(graph, 7), Gatherer(graph, 7)
    for entry in reports:
        one.add(entry, read_facts(entry.text, lexicon))
    for entry in reversed(reports):
        other.add(entry, read_facts(entry.text, lexicon))

    assert one.settle() == other.settle()


def test_nothing_is_drawn_that_the_report_speaks_against(graph: ConceptGraph) -> None:
    bank = bank_of(["FINDINGS: Left lower lobe consolidation with air bronchograms."] * 100, graph)
    consolidation = graph.concept("fnd_consolidation")
    (line,) = bank.lines["fnd_consolidation", "present", False]

    assert line.beside
    assert bank.tell(consolidation, random.Random(1)) is not None
    assert bank.tell(consolidation, random.Random(1), barred=line.beside) is None


def test_a_plan_has_words_that_say_what_it_asks_for(graph: ConceptGraph) -> None:
    lexicon = Lexicon.from_graph(graph.file)
    bank = bank_of(EFFUSIONS, graph)
    factual = study(1, "FINDINGS: The lungs are clear. No pneumothorax. IMPRESSION: No acute process.")
    reading = read_facts(factual.text, lexicon)
    change = Change("add", "fnd_pleural_effusion", ())

    plans = [plan_change(factual, reading, graph, change, seed=seed, bank=bank) for seed in range(20)]

    worded = [plan for plan in plans if plan.wording]
    assert len(worded) > 10
    for plan in worded:
        asked = plan.must_appear[0]
        mention = read_facts(f"FINDINGS: {plan.wording[0].text}", lexicon).of("fnd_pleural_effusion")[0]
        assert (mention.side, mention.severity) == (asked.side, asked.severity)


def test_a_plan_without_a_bank_has_no_words(graph: ConceptGraph) -> None:
    factual = study(1, "FINDINGS: The lungs are clear.")
    reading = read_facts(factual.text, Lexicon.from_graph(graph.file))

    plan = plan_change(factual, reading, graph, Change("add", "fnd_pleural_effusion", ()), seed=7)

    assert plan.wording == ()
