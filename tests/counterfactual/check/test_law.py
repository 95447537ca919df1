"""The law: of a sentence that stays and the same sentence replaced as the change demands, one is accepted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Direction, Pair, Verdict
from tests.counterfactual.check.law import TOLD, Choice, choices

Judge = Callable[[Pair], Verdict]
EVERY = 40
"""Of the forms after a concept's third: `bench/verdicts.py` takes all."""
SPARED = ("right", "rll", "rml", "rul", "lll", "lul", "healing", "or pleural effusion", "with tip")
"""Words of forms that deny a part only, or another finding too, which has to be denied still; and half a
sentence of a device ("tip terminates") in a frame that makes it continue the finding before it."""


@pytest.fixture(scope="module")
def judge(graph: ConceptGraph) -> Judge:
    lexicon = Lexicon.from_graph(graph.file)
    return lambda pair: audit_pair(pair, graph, lexicon)


def asked(graph: ConceptGraph, read: Callable[[str], Reading], direction: Direction) -> list[Choice]:
    """Return the choices whose report leaves the change open."""
    found = []
    for choice in choices(graph, direction, EVERY):
        state = read(choice.kept.factual).states.get(choice.target)
        is_open = direction == "remove" or state not in ("present", "uncertain")
        if is_open and not any(word in choice.sentence.lower() for word in SPARED):
            found.append(choice)
    return found


@pytest.mark.parametrize("direction", ["add", "remove"])
def test_no_sentence_is_refused_both_when_it_stays_and_when_it_goes(
    direction: Direction, graph: ConceptGraph, read: Callable[[str], Reading], judge: Judge
) -> None:
    asked_for = asked(graph, read, direction)

    deadlocks = [
        choice.sentence
        for choice in asked_for
        if not judge(choice.kept).accepted and not judge(choice.replaced).accepted
    ]

    assert len(asked_for) > 3000
    assert deadlocks == []


@pytest.mark.parametrize("direction", ["add", "remove"])
def test_what_says_or_denies_a_finding_by_name_may_not_stay(
    direction: Direction, graph: ConceptGraph, read: Callable[[str], Reading], judge: Judge
) -> None:
    left = []
    count = 0
    for choice in asked(graph, read, direction):
        names = {choice.target, *graph.other_names(choice.target)}
        if direction == "remove":
            names |= set(graph.descendants(choice.target))
        if choice.concept in names and choice.is_denial == (direction == "add"):
            count += 1
            if judge(choice.kept).accepted and judge(choice.replaced).accepted:
                left.append(choice.sentence)

    assert count > 20
    assert left == []


@pytest.mark.parametrize(
    ("target", "denial", "may_stay"),
    [
        ("fnd_fracture", "No acute osseous abnormality.", False),
        ("fnd_fracture", "The osseous structures are unremarkable.", False),
        ("fnd_pneumonia", "No active disease.", False),
        ("fnd_edema", "The lungs are clear.", False),
        ("fnd_lung_lesion", "Clear lungs.", False),
        ("fnd_pneumothorax", "The lungs are clear.", True),
        ("fnd_pleural_effusion", "The pleural surfaces are clear.", False),
        ("fnd_pneumothorax", "Pleural surfaces are unremarkable.", False),
        ("fnd_atelectasis", "There is no opacity.", False),
        ("fnd_consolidation", "No opacities.", False),
        ("fnd_consolidation", "No nodular opacity.", True),
        ("fnd_edema", "No evidence of heart failure.", False),
        ("fnd_cardiomegaly", "No mediastinal widening.", True),
        ("fnd_cardiomegaly", "The cardiomediastinal silhouette is normal.", False),
        ("fnd_cardiomegaly", "Normal chest.", False),
        ("fnd_pleural_other", "The chest is unremarkable.", False),
        ("fnd_lung_opacity", "No degenerative changes.", True),
    ],
)
def test_normal_states_and_wider_denials(target: str, denial: str, may_stay: bool, judge: Judge) -> None:
    report = f"FINDINGS: Single frontal view of the chest. {denial} Gas in the stomach."
    kept = report.replace(denial, f"{denial} {TOLD[target]}")

    verdict = judge(Pair(pair_id="p", factual=report, candidate=kept, target=target, direction="add"))

    assert verdict.accepted == may_stay


@pytest.mark.parametrize("rest", ["No focal consolidation.", "No focal consolidation is seen."])
def test_a_compound_denial_keeps_what_is_still_true(rest: str, judge: Judge) -> None:
    denial, told = "No focal consolidation or pleural effusion.", TOLD["fnd_pleural_effusion"]
    report = f"FINDINGS: Single view of the chest. {denial} Gas in the stomach."

    verdicts = [
        judge(
            Pair(
                pair_id="p",
                factual=report,
                candidate=report.replace(denial, new),
                target="fnd_pleural_effusion",
                direction="add",
            )
        ).accepted
        for new in (f"{rest} {told}", f"{denial} {told}", told)
    ]

    assert verdicts == [True, False, False]
