"""Which counterfactuals are asked for, and what each must change."""

from __future__ import annotations

from collections.abc import Callable

from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES, FindingState, Plan, Study
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]

NORMAL = (
    " FINDINGS:  The lungs are clear.  No pleural effusion or pneumothorax.\n"
    " IMPRESSION:  No acute process.\n"
)
ABNORMAL = (
    " FINDINGS:  Moderate left pleural effusion with blunting of the costophrenic angle."
    "  Possible right basilar pneumonia.  Heart size is normal.\n IMPRESSION:  Left pleural effusion.\n"
)


def plans(
    study: Study, graph: ConceptGraph, read: Read, per_study: int = 20, seed: int = 7
) -> tuple[Plan, ...]:
    return plan_study(study, read(study.text), graph, per_study=per_study, seed=seed)


def test_a_normal_study_can_only_gain_a_finding(graph: ConceptGraph, read: Read) -> None:
    made = plans(study_of(NORMAL), graph, read)

    assert {plan.direction for plan in made} == {"add"}
    assert NO_FINDING not in {plan.target for plan in made}


def test_the_targets_of_a_study_differ(graph: ConceptGraph, read: Read) -> None:
    made = plans(study_of(ABNORMAL), graph, read)

    targets = [plan.target for plan in made]
    assert len(targets) == len(set(targets)) > 5


def test_what_is_there_or_hedged_is_not_added(graph: ConceptGraph, read: Read) -> None:
    made = plans(study_of(ABNORMAL), graph, read)

    added = {plan.target for plan in made if plan.direction != "remove"}
    assert added.isdisjoint({"fnd_pleural_effusion", "fnd_pneumonia"})


def test_what_only_the_corpus_table_sees_is_left_alone(graph: ConceptGraph, read: Read) -> None:
    study = study_of(NORMAL)
    tabled = study.model_copy(update={"labels": (FindingState(finding="fnd_edema", state="present"),)})

    assert "fnd_edema" in {plan.target for plan in plans(study, graph, read)}
    assert "fnd_edema" not in {plan.target for plan in plans(tabled, graph, read)}


def test_a_finding_goes_with_the_signs_that_nothing_else_explains(graph: ConceptGraph, read: Read) -> None:
    made = plans(study_of(ABNORMAL), graph, read)

    removal = next(plan for plan in made if plan.direction == "remove")
    assert removal.target == "fnd_pleural_effusion"
    assert {m.concept for m in removal.must_cease} == {"fnd_pleural_effusion", "att_blunted_cpa"}
    assert removal.free_sentences == (1, 4)
    assert removal.kept_sentences == (2, 3)


def test_an_added_finding_ends_what_denies_it_and_spares_its_neighbours(
    graph: ConceptGraph, read: Read
) -> None:
    made = plans(study_of(NORMAL), graph, read)

    addition = next(plan for plan in made if plan.target == "fnd_pneumothorax")
    assert "fnd_pneumothorax" in {m.concept for m in addition.must_cease}
    assert "fnd_pleural_effusion" in {m.concept for m in addition.must_stay}


def test_a_finding_that_lies_on_one_side_is_given_a_side(graph: ConceptGraph, read: Read) -> None:
    made = plans(study_of(NORMAL), graph, read)

    effusion = next(plan for plan in made if plan.target == "fnd_pleural_effusion")
    assert effusion.must_appear[0].side in ("left", "right", "bilateral")


def test_plans_depend_on_study_and_seed_only(graph: ConceptGraph, read: Read) -> None:
    study = study_of(ABNORMAL)
    alone = plans(study, graph, read, per_study=2)

    plans(study_of(NORMAL, study_id="50000002"), graph, read)

    assert plans(study, graph, read, per_study=2) == alone
    assert plans(study, graph, read, per_study=2, seed=8) != alone


def test_fewer_plans_are_the_first_of_more(graph: ConceptGraph, read: Read) -> None:
    study = study_of(ABNORMAL)

    assert plans(study, graph, read, per_study=2) == plans(study, graph, read, per_study=6)[:2]


def test_a_report_becomes_normal_when_all_that_is_abnormal_goes(graph: ConceptGraph, read: Read) -> None:
    study = study_of(
        " FINDINGS:  Moderate cardiomegaly.  Small left pleural effusion.  The aorta is tortuous.\n"
        " IMPRESSION:  Cardiomegaly and possible mild edema.\n"
    )

    plan = next(plan for plan in plans(study, graph, read) if plan.target == NO_FINDING)

    assert (plan.direction, plan.swap_from) == ("swap", ("fnd_cardiomegaly", "fnd_pleural_effusion"))
    assert (plan.gained, plan.lost) == ((NO_FINDING,), plan.swap_from)
    ceasing = {mention.concept for mention in plan.must_cease}
    assert ceasing >= {"fnd_cardiomegaly", "fnd_pleural_effusion", "att_tortuous_aorta", "fnd_edema"}


def test_devices_come_and_go_as_findings_do(graph: ConceptGraph, read: Read) -> None:
    study = study_of(" FINDINGS:  A left PICC is in appropriate position.  The lungs are clear.\n")

    plan = next(plan for plan in plans(study, graph, read) if plan.target == SUPPORT_DEVICES)

    assert (plan.direction, plan.gained, plan.lost) == ("remove", (), (SUPPORT_DEVICES,))
    assert {m.concept for m in plan.must_cease} >= {"att_picc", "nrm_devices_ok"}


def test_a_plan_says_which_findings_it_gains_and_loses(graph: ConceptGraph, read: Read) -> None:
    added = plans(study_of(NORMAL), graph, read)[0]
    removed = next(plan for plan in plans(study_of(ABNORMAL), graph, read) if plan.direction == "remove")

    assert (added.gained, NO_FINDING in added.lost) == ((added.target,), added.target != SUPPORT_DEVICES)
    # The pneumonia is hedged, so that the report is not normal without the effusion.
    assert (removed.gained, removed.lost) == ((), ("fnd_pleural_effusion",))


def test_a_sign_that_needs_a_view_is_asked_for_on_that_view_only(graph: ConceptGraph, read: Read) -> None:
    supine = study_of(" FINDINGS:  Supine AP view.  The lungs are clear.\n")

    asked = {
        statement.concept
        for seed in range(40)
        for plan in plans(supine, graph, read, seed=seed)
        for statement in plan.must_appear[1:]
    }

    assert {"att_deep_sulcus", "att_hyperlucent_side"} & asked
    assert asked.isdisjoint({"att_meniscus", "att_cephalization", "att_ctr_gt_half"})
