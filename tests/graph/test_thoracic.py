"""Clinical sense of the shipped graph, where getting it wrong would spoil data."""

import pytest

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.model import CORRELATES


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("att_hyperinflation", "att_volume_loss"),
        ("nrm_no_effusion", "fnd_pleural_effusion"),
        ("nrm_no_effusion", "att_layering_fluid"),
        ("nrm_no_pneumothorax", "att_tension"),
        ("nrm_clear_lungs", "fnd_consolidation"),
        ("nrm_no_nodule_mass", "att_nodule"),
        ("fnd_no_finding", "att_pleural_plaque"),
        ("att_shift_toward", "att_shift_away"),
    ],
)
def test_these_cannot_stand_side_by_side(thoracic: ConceptGraph, a: str, b: str) -> None:
    assert thoracic.excludes(a, b) is not None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("nrm_clear_lungs", "fnd_pleural_effusion"),
        ("nrm_clear_lungs", "fnd_cardiomegaly"),
        ("nrm_normal_mediastinum", "fnd_enlarged_cardiomediastinum"),
        ("nrm_no_edema", "att_vascular_congestion"),
        ("nrm_no_effusion", "att_blunted_cpa"),
        ("nrm_no_devices", "att_pacemaker"),
        ("fnd_no_finding", "fnd_support_devices"),
        ("fnd_pneumonia", "fnd_atelectasis"),
        ("fnd_edema", "fnd_pneumonia"),
    ],
)
def test_these_may_stand_side_by_side(thoracic: ConceptGraph, a: str, b: str) -> None:
    assert thoracic.excludes(a, b) is None


def test_a_denied_consolidation_excludes_a_pneumonia_of_some_size_only(thoracic: ConceptGraph) -> None:
    relation = thoracic.excludes("nrm_no_consolidation", "fnd_pneumonia")

    assert relation is not None
    assert relation.strength == "moderate"
    assert relation.when is not None
    assert relation.when.min_severity == "moderate"
    assert "fnd_pneumonia" not in thoracic.implied_denials("nrm_no_consolidation")


def test_an_edit_never_adds_a_correlate(thoracic: ConceptGraph) -> None:
    for finding in thoracic.findings:
        assert all(relation.kind not in CORRELATES for relation in thoracic.supports(finding.id))
    assert "att_chest_tube" not in {
        r.other("fnd_pneumothorax") for r in thoracic.supports("fnd_pneumothorax")
    }


def test_every_disease_has_signs_and_a_normal_state(thoracic: ConceptGraph) -> None:
    for finding in thoracic.findings:
        if finding.id not in ("fnd_no_finding", "fnd_support_devices"):
            assert len(thoracic.supports(finding.id)) >= 3, finding.id
            assert thoracic.normal_states_of(finding.id), finding.id


def test_every_concept_has_six_forms_or_more(thoracic: ConceptGraph) -> None:
    for concept in thoracic.file.concepts:
        assert len(concept.forms) + len(concept.exact_forms) >= 6, concept.id


def test_the_papers_neighbours_are_the_hardest_to_tell_apart(thoracic: ConceptGraph) -> None:
    assert thoracic.neighbourhood("fnd_pneumonia").near[0] == "fnd_consolidation"
    assert thoracic.neighbourhood("fnd_atelectasis").near[0] == "fnd_pleural_effusion"


def test_the_right_base_meets_the_right_lower_lobe_and_not_the_left(thoracic: ConceptGraph) -> None:
    assert thoracic.overlaps(("right", "base"), ("right", "lower_lobe"))
    assert not thoracic.overlaps(("right", "base"), ("left", "lower_lobe"))
    assert thoracic.overlaps(("left", "upper_lobe"), (None, "lingula"))
    assert not thoracic.overlaps(("right", "upper_lobe"), (None, "middle_lobe"))
