"""A plan does not contradict itself: places, degrees, signs, what stays and what must go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.plan import plan_change
from ccf_pipeline.counterfactual.plan.changes import Change
from ccf_pipeline.counterfactual.plan.study_states import DISEASES
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Plan
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]
SEEDS = range(60)
NORMAL = (
    "FINDINGS: The lungs are well inflated. No focal consolidation or pleural effusion.\n"
    "IMPRESSION: No acute cardiopulmonary process.\n"
)


def planned(report: str, change: Change, graph: ConceptGraph, read: Read, seed: int = 1) -> Plan:
    study = study_of(report)
    return plan_change(study, read(study.text), graph, change, seed=seed)


def ceasing(plan: Plan) -> set[str]:
    return {mention.concept for mention in plan.must_cease}


@pytest.mark.parametrize("target", DISEASES)
def test_a_target_is_where_the_graph_says_that_it_has_such_a_degree(
    target: str, graph: ConceptGraph, read: Read
) -> None:
    places = graph.concept(target).write.places

    for seed in SEEDS:
        said = planned(NORMAL, Change("add", target, ()), graph, read, seed).must_appear[0]
        region = said.region or graph.concept(target).regions[0]
        assert not places or any(
            region in place.regions
            and graph.is_of_degree(said.severity or "", place.min_severity, place.max_severity)
            for place in places
        )


def test_a_large_effusion_lies_in_no_fissure_and_no_pneumothorax_at_the_angle(
    graph: ConceptGraph, read: Read
) -> None:
    for seed in SEEDS:
        fluid = planned(NORMAL, Change("add", "fnd_pleural_effusion", ()), graph, read, seed).must_appear[0]
        air = planned(NORMAL, Change("add", "fnd_pneumothorax", ()), graph, read, seed).must_appear[0]
        assert fluid.region != "fissure" or fluid.severity in ("trace", "tiny", "minimal", "small")
        assert air.region != "costophrenic_angle"


@pytest.mark.parametrize("target", DISEASES)
def test_a_sign_is_on_the_side_and_at_the_place_of_its_finding(
    target: str, graph: ConceptGraph, read: Read
) -> None:
    basal = {"base", "lower_lobe", "lower_zone", "retrocardiac", "costophrenic_angle", "pleural_base"}

    for seed in SEEDS:
        finding, *signs = planned(NORMAL, Change("add", target, ()), graph, read, seed).must_appear
        for sign in signs:
            assert sign.side in (None, finding.side)
            if sign.concept == "att_basilar_opacity":
                assert finding.region in basal
            if sign.concept == "att_silhouette_sign":
                assert finding.severity not in ("trace", "minimal", "subtle")
                assert sign.region in ("diaphragm", "heart_border")
            if sign.concept == "att_blunted_cpa":
                assert finding.region not in ("apex", "pleural_apex", "fissure")
            if sign.concept == "att_hemithorax_opacification":
                assert finding.severity in ("large", "massive")
                assert finding.side in ("left", "right")


@pytest.mark.parametrize("target", DISEASES)
def test_nothing_stays_that_the_target_excludes_as_it_is_told(
    target: str, graph: ConceptGraph, read: Read
) -> None:
    states = {m.concept for m in read(NORMAL).mentions if m.polarity == "present"}

    for seed in SEEDS:
        plan = planned(NORMAL, Change("add", target, ()), graph, read, seed)
        severity = plan.must_appear[0].severity or ""
        for state in states - ceasing(plan):
            relation = graph.excludes(state, target)
            if relation is not None and relation.strength != "weak":
                assert relation.when is not None
                least, most = relation.when.min_severity, relation.when.max_severity
                assert graph.is_of_degree(severity, least, most) is False


@pytest.mark.parametrize(
    ("target", "goes"),
    [
        ("fnd_pneumothorax", True),
        ("fnd_fracture", True),
        ("fnd_pneumonia", True),
        ("fnd_consolidation", True),
        ("fnd_edema", True),
        ("fnd_pleural_effusion", True),
        ("fnd_pleural_other", False),
        ("fnd_cardiomegaly", False),
        ("fnd_lung_lesion", False),
    ],
)
def test_an_all_clear_gives_way_to_what_is_acute(
    target: str, goes: bool, graph: ConceptGraph, read: Read
) -> None:
    for seed in SEEDS:
        plan = planned(NORMAL, Change("add", target, ()), graph, read, seed)
        assert ("nrm_no_acute_process" in ceasing(plan)) == goes


def test_a_denied_consolidation_stays_beside_a_mild_pneumonia_only(graph: ConceptGraph, read: Read) -> None:
    for seed in SEEDS:
        plan = planned(NORMAL, Change("add", "fnd_pneumonia", ()), graph, read, seed)
        is_mild = plan.must_appear[0].severity == "mild"
        assert ("nrm_no_consolidation" in ceasing(plan)) != is_mild
        assert not is_mild or "att_air_bronchogram" not in {said.concept for said in plan.must_appear}


def test_a_one_sided_denial_of_the_other_side_stays(graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: No right pleural effusion. The heart is normal.\n"
    for seed in SEEDS:
        plan = planned(report, Change("add", "fnd_pleural_effusion", ()), graph, read, seed)
        assert bool(plan.must_cease) == (plan.must_appear[0].side != "left")


def test_a_sign_told_with_what_goes_goes_along(graph: ConceptGraph, read: Read) -> None:
    report = (
        "FINDINGS: There is dense right lower lobe consolidation with obscuration of the adjacent"
        " hemidiaphragm. Mild bilateral mid lung atelectasis.\n"
    )

    plan = planned(report, Change("remove", "fnd_consolidation", ("fnd_consolidation",)), graph, read)

    assert ceasing(plan) == {"fnd_consolidation", "att_silhouette_sign"}
    assert plan.kept_sentences == (2,)


def test_a_distribution_does_not_outlive_what_is_distributed(graph: ConceptGraph, read: Read) -> None:
    report = "FINDINGS: There is moderate atelectasis in both lower lobes. There is a trace right effusion.\n"

    plan = planned(report, Change("remove", "fnd_atelectasis", ("fnd_atelectasis",)), graph, read)

    assert "att_bibasilar_distribution" not in {m.concept for m in plan.must_stay}


def test_a_sign_stays_that_something_else_explains(graph: ConceptGraph, read: Read) -> None:
    report = (
        "FINDINGS: Right lower lobe pneumonia. Left lower lobe consolidation. Air bronchograms on the left.\n"
    )

    plan = planned(report, Change("remove", "fnd_pneumonia", ("fnd_pneumonia",)), graph, read)

    assert "att_air_bronchogram" not in ceasing(plan)


def test_an_opacity_told_by_a_sign_alone_stays_with_it(graph: ConceptGraph, read: Read) -> None:
    remove = Change("remove", "fnd_pneumonia", ("fnd_pneumonia",))
    alone = "FINDINGS: Left lower lobe pneumonia. There is patchy airspace opacity at the left base.\n"
    beside = alone.replace("base.", "base. There is an opacity at the right apex.")

    assert "att_airspace_opacity" not in ceasing(planned(alone, remove, graph, read))
    assert "att_airspace_opacity" in ceasing(planned(beside, remove, graph, read))


def test_every_finding_can_still_be_told(graph: ConceptGraph, read: Read) -> None:
    for target in set(FINDING_LABELS) - {NO_FINDING}:
        assert planned(NORMAL, Change("add", target, ()), graph, read).must_appear[0].concept == target
