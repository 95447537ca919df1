"""Changes of one element: what gives way, what takes its place, and that nothing else moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Plan, Study
from ccf_pipeline.settings import ExpertSettings
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]

FLUID = (
    " FINDINGS:  The heart is normal in size.  There is a small left pleural effusion with blunting of the"
    " left costophrenic angle.  No pneumothorax.\n IMPRESSION:  Small left pleural effusion.\n"
)
PNEUMONIA = (
    " FINDINGS:  Left lower lobe pneumonia with air bronchograms.  No pleural effusion.\n"
    " IMPRESSION:  Left lower lobe pneumonia.\n"
)


def alterations(study: Study, graph: ConceptGraph, read: Read, per_study: int = 12) -> dict[str, Plan]:
    made = plan_study(study, read(study.text), graph, per_study=per_study, seed=7, preset="minimal")
    assert {plan.direction for plan in made} <= {"alter"}
    return {str(plan.element): plan for plan in made}


def written(plan: Plan, study: Study, graph: ConceptGraph, read: Read) -> tuple[str, bool]:
    """What the rules expert makes of a plan, and whether it is accepted."""
    prompt = write_prompt(plan, study, graph, load_template("edits"), ExpertSettings())
    ((completion,),) = RulesExpert(graph).answer(taking([prompt]))
    edit = read_edit(completion, plan, study)
    return edit.text, check_edit(edit, plan, study, read(study.text), read(edit.text), graph).accepted


def test_another_side_takes_the_signs_along(graph: ConceptGraph, read: Read) -> None:
    plan = alterations(study_of(FLUID), graph, read)["side"]

    assert (plan.target, plan.swap_from, plan.gained, plan.lost) == ("fnd_pleural_effusion", (), (), ())
    assert [(said.concept, said.side) for said in plan.must_appear] == [
        ("fnd_pleural_effusion", "right"),
        ("att_blunted_cpa", "right"),
    ]
    assert {m.concept for m in plan.must_cease} == {"fnd_pleural_effusion", "att_blunted_cpa"}
    assert (plan.free_sentences, plan.kept_sentences) == ((2, 4), (1, 3))


def test_another_degree_is_far_from_the_one_that_was_told(graph: ConceptGraph, read: Read) -> None:
    plan = alterations(study_of(FLUID), graph, read)["severity"]

    (said,) = plan.must_appear
    told, new = graph.severity_grade("small"), graph.severity_grade(said.severity or "")
    assert said.side == "left"
    assert told is not None
    assert new is not None
    assert abs(new - told) >= 2


def test_another_sign_speaks_for_the_same_finding(graph: ConceptGraph, read: Read) -> None:
    plan = alterations(study_of(PNEUMONIA), graph, read)["attribute"]

    (said,) = plan.must_appear
    assert plan.target == "fnd_pneumonia"
    assert {m.concept for m in plan.must_cease} == {"att_air_bronchogram"}
    assert said.concept in {relation.other("fnd_pneumonia") for relation in graph.supports("fnd_pneumonia")}


def test_another_cause_leaves_the_signs_alone(graph: ConceptGraph, read: Read) -> None:
    plan = alterations(study_of(PNEUMONIA), graph, read)["cause"]

    assert (plan.swap_from, plan.lost) == (("fnd_pneumonia",), ("fnd_pneumonia",))
    assert plan.gained == (plan.target,)
    assert "att_air_bronchogram" not in {m.concept for m in plan.must_cease}
    assert "att_air_bronchogram" in {m.concept for m in plan.must_stay}


def test_so_many_alternatives_differ_in_as_many_elements(graph: ConceptGraph, read: Read) -> None:
    study = study_of(FLUID)

    two = plan_study(study, read(study.text), graph, per_study=2, seed=7, preset="minimal")

    assert len({plan.element for plan in two}) == 2
    assert len({plan.plan_id for plan in two}) == 2


def test_a_normal_report_has_no_element_to_alter(graph: ConceptGraph, read: Read) -> None:
    assert alterations(study_of(" FINDINGS:  The lungs are clear.\n"), graph, read) == {}


def test_what_is_hedged_is_left_alone(graph: ConceptGraph, read: Read) -> None:
    hedged = " FINDINGS:  Small left pleural effusion.  Possible left pleural effusion.\n"

    assert alterations(study_of(hedged), graph, read) == {}


def test_where_only_a_kind_is_told_it_is_the_kind_that_changes(graph: ConceptGraph, read: Read) -> None:
    study = study_of(" FINDINGS:  Moderate plate-like atelectasis in both mid lungs.  No effusion.\n")
    made = plan_study(study, read(study.text), graph, per_study=12, seed=7, preset="minimal")

    assert made
    assert {plan.target for plan in made if plan.element in ("side", "severity")} <= {"fnd_atelectasis"}


@pytest.mark.parametrize(("element", "words"), [("side", {"right"}), ("severity", None)])
def test_the_rules_expert_exchanges_one_word(
    graph: ConceptGraph, read: Read, element: str, words: set[str] | None
) -> None:
    study = study_of(FLUID)
    plan = alterations(study, graph, read)[element]

    text, accepted = written(plan, study, graph, read)

    before, after = study.text.split(), text.split()
    assert accepted
    if words is not None:
        assert len(before) == len(after)
        assert {new for old, new in zip(before, after, strict=True) if old != new} == words
    else:
        assert plan.must_appear[0].severity in text
        assert "small" not in text.lower()


@pytest.mark.parametrize("element", ["attribute", "cause"])
def test_the_rules_expert_writes_another_sign_or_cause(graph: ConceptGraph, read: Read, element: str) -> None:
    study = study_of(PNEUMONIA)
    plan = alterations(study, graph, read)[element]

    text, accepted = written(plan, study, graph, read)

    assert accepted
    assert "No pleural effusion." in text
    assert plan.must_appear[0].concept in read(text).asserted
