"""Of an alteration exactly the planned element has changed, and nothing beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check import align_candidate, check_edit
from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Plan, Verdict
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]

FLUID = (
    " FINDINGS:  The heart is normal in size.  There is a small left pleural effusion with blunting of the"
    " left costophrenic angle.  No pneumothorax.\n IMPRESSION:  Small left pleural effusion.\n"
)
PLACELESS = " FINDINGS:  There is a trace pleural effusion.  No pneumothorax.\n"
PNEUMONIA = (
    " FINDINGS:  Left lower lobe pneumonia with air bronchograms.  No pleural effusion.\n"
    " IMPRESSION:  Left lower lobe pneumonia.\n"
)


def plan_of(raw: str, element: str, graph: ConceptGraph, read: Read) -> Plan:
    study = study_of(raw)
    made = plan_study(study, read(study.text), graph, per_study=12, seed=7, preset="minimal")
    return next(plan for plan in made if plan.element == element)


def judged(
    raw: str, plan: Plan, changes: dict[str, str], graph: ConceptGraph, read: Read
) -> tuple[Verdict, str]:
    """The verdict on the factual report with some words exchanged, and the first reason against it."""
    study = study_of(raw)
    text = study.text
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    edit = align_candidate(study, text, plan.plan_id)
    verdict = check_edit(edit, plan, study, read(study.text), read(edit.text), graph)
    blocks = [problem for problem in verdict.problems if problem.level == "block"]
    return verdict, blocks[0].message if blocks else ""


def test_another_side_has_to_be_told_everywhere(graph: ConceptGraph, read: Read) -> None:
    plan = plan_of(FLUID, "side", graph, read)

    everywhere = {"left": "right"}
    in_findings = {"small left pleural": "small right pleural", "the left costo": "the right costo"}

    assert judged(FLUID, plan, everywhere, graph, read)[0].accepted
    verdict, reason = judged(FLUID, plan, in_findings, graph, read)
    assert not verdict.accepted
    assert "still has Pleural Effusion on the left" in reason


def test_another_side_takes_no_other_degree(graph: ConceptGraph, read: Read) -> None:
    plan = plan_of(FLUID, "side", graph, read)

    verdict, reason = judged(FLUID, plan, {"left": "right", "small": "large", "Small": "Large"}, graph, read)

    assert not verdict.accepted
    assert "The degree of Pleural Effusion was small and is large" in reason


@pytest.fixture
def graded(graph: ConceptGraph, read: Read) -> Plan:
    plan = plan_of(PLACELESS, "severity", graph, read)
    said = plan.must_appear[0].model_copy(update={"severity": "large"})
    return plan.model_copy(update={"must_appear": (said,)})


def test_another_degree_needs_no_place_that_was_not_told(
    graded: Plan, graph: ConceptGraph, read: Read
) -> None:
    verdict, reason = judged(PLACELESS, graded, {"trace": "large"}, graph, read)

    assert verdict.accepted, reason


def test_a_word_of_the_same_grade_will_do(graded: Plan, graph: ConceptGraph, read: Read) -> None:
    assert judged(PLACELESS, graded, {"trace": "massive"}, graph, read)[0].accepted


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trace": "moderate"}, "is not called large"),
        ({"a trace": "a"}, "is not called large"),
        ({"a trace": "again a trace"}, "still calls Pleural Effusion trace"),
        ({"trace pleural effusion": "large right pleural effusion"}, "The side of Pleural Effusion was not"),
        (
            {"effusion.": "effusion with blunting of the costophrenic angle.", "trace": "large"},
            "adds Blunted costophrenic angle",
        ),
    ],
)
def test_another_degree_is_that_degree_and_nothing_else(
    graded: Plan, changes: dict[str, str], said: str, graph: ConceptGraph, read: Read
) -> None:
    verdict, reason = judged(PLACELESS, graded, changes, graph, read)

    assert not verdict.accepted
    assert said in reason


def test_another_sign_takes_the_place_of_the_old_one(graph: ConceptGraph, read: Read) -> None:
    plan = plan_of(PNEUMONIA, "attribute", graph, read)
    said = plan.must_appear[0].model_copy(update={"concept": "att_silhouette_sign"})
    plan = plan.model_copy(update={"must_appear": (said,)})

    border = "with obscuration of the left hemidiaphragm"

    assert judged(PNEUMONIA, plan, {"with air bronchograms": border}, graph, read)[0].accepted
    kept, still = judged(PNEUMONIA, plan, {"bronchograms": f"bronchograms and {border}"}, graph, read)
    assert not kept.accepted
    assert "still tells of Air bronchogram" in still
    lost, missing = judged(PNEUMONIA, plan, {" with air bronchograms": ""}, graph, read)
    assert not lost.accepted
    assert "is not stated" in missing


def test_another_cause_keeps_the_signs(graph: ConceptGraph, read: Read) -> None:
    plan = plan_of(PNEUMONIA, "cause", graph, read)
    new = "consolidation" if plan.target == "fnd_consolidation" else "atelectasis"

    kept, reason = judged(PNEUMONIA, plan, {"pneumonia": new}, graph, read)
    lost, missing = judged(
        PNEUMONIA, plan, {"pneumonia with air bronchograms": new, "pneumonia": new}, graph, read
    )

    assert kept.accepted, reason
    assert not lost.accepted
    assert "only the cause differs" in missing
