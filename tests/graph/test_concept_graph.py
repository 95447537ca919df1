"""What a concept graph answers, on a graph small enough to check by eye."""

import pickle

import networkx
import pytest

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph import ConceptGraph


def test_the_fourteen_findings_come_in_the_order_of_the_tables(small: ConceptGraph) -> None:
    labels = [finding.label for finding in small.findings]

    assert len(labels) == 14
    assert labels[:3] == ["Atelectasis", "Cardiomegaly", "Consolidation"]
    assert labels[-1] == "Support Devices"


def test_an_unknown_concept_is_refused_with_what_may_be_meant(small: ConceptGraph) -> None:
    with pytest.raises(GraphError, match="`fnd_pneumothroax` is not a concept") as refused:
        small.concept("fnd_pneumothroax")

    assert refused.value.hint == "Did you mean Pneumothorax (fnd_pneumothorax)?"


@pytest.mark.parametrize(
    "spoken", ["fnd_pleural_effusion", "Pleural Effusion", "pleural-effusion", "EFFUSION"]
)
def test_a_concept_is_found_by_id_label_form_or_loose_spelling(small: ConceptGraph, spoken: str) -> None:
    assert small.find(spoken).id == "fnd_pleural_effusion"


def test_a_form_that_two_concepts_share_finds_the_finding(small: ConceptGraph) -> None:
    assert small.find("collapse").id == "fnd_atelectasis"


# --- kinds ------------------------------------------------------------------------------


def test_a_kind_knows_its_parents_and_a_parent_its_kinds(small: ConceptGraph) -> None:
    assert small.parents("fnd_consolidation") == ("fnd_lung_opacity",)
    assert small.children("fnd_lung_opacity") == ("fnd_consolidation", "fnd_edema", "fnd_lung_lesion")
    assert small.descendants("fnd_support_devices") == ("att_chest_tube",)
    assert small.ancestors("att_chest_tube") == ("fnd_support_devices",)


def test_a_variant_is_not_a_kind(small: ConceptGraph) -> None:
    assert small.ancestors("fnd_pneumonia") == ()


# --- supports ---------------------------------------------------------------------------


def test_the_signs_of_a_finding_come_strongest_first_whichever_end_names_them(small: ConceptGraph) -> None:
    signs = [relation.other("fnd_pneumothorax") for relation in small.supports("fnd_pneumothorax")]

    assert signs == ["att_pleural_line", "att_deep_sulcus", "att_volume_loss"]


def test_a_drain_is_no_sign_of_a_pneumothorax(small: ConceptGraph) -> None:
    assert "fnd_pneumothorax>att_chest_tube" not in [r.key for r in small.supports("fnd_pneumothorax")]


def test_a_finding_is_no_sign_of_the_finding_it_comes_with(small: ConceptGraph) -> None:
    assert [r.key for r in small.supports("fnd_atelectasis")] == ["fnd_atelectasis>att_volume_loss"]


def test_no_finding_is_shown_by_normal_states(small: ConceptGraph) -> None:
    assert [r.key for r in small.supports("fnd_no_finding")] == ["fnd_no_finding>nrm_no_effusion"]


# --- exclusions -------------------------------------------------------------------------


def test_what_excludes_an_opacity_excludes_a_consolidation(small: ConceptGraph) -> None:
    by = small.excludes("nrm_clear_lungs", "fnd_consolidation")

    assert by is not None
    assert by.key == "nrm_clear_lungs>fnd_lung_opacity"


def test_a_pairs_own_line_stands_before_the_one_it_would_inherit(small: ConceptGraph) -> None:
    by = small.excludes("fnd_edema", "nrm_clear_lungs")

    assert by is not None
    assert by.key == "nrm_clear_lungs>fnd_edema"


def test_a_denied_consolidation_leaves_pneumonia_possible(small: ConceptGraph) -> None:
    assert small.excludes("nrm_no_consolidation", "fnd_pneumonia") is None


def test_a_line_that_does_not_inherit_stops_at_its_ends(small: ConceptGraph) -> None:
    assert small.excludes("fnd_no_finding", "fnd_support_devices") is not None
    assert small.excludes("fnd_no_finding", "att_chest_tube") is None


def test_exclusions_list_a_concepts_own_lines_and_those_it_takes_over(small: ConceptGraph) -> None:
    keys = [relation.key for relation in small.exclusions("fnd_consolidation")]

    assert keys == ["nrm_no_consolidation>fnd_consolidation", "nrm_clear_lungs>fnd_lung_opacity"]


def test_a_normal_state_denies_what_it_names_and_its_kinds(small: ConceptGraph) -> None:
    assert small.implied_denials("nrm_clear_lungs") == (
        "fnd_lung_opacity",
        "fnd_consolidation",
        "fnd_lung_lesion",
    )


def test_sharp_angles_deny_the_blunting_but_not_every_effusion(small: ConceptGraph) -> None:
    assert small.implied_denials("nrm_sharp_angles") == ("att_blunted_angle",)


def test_the_plain_negation_comes_first_among_the_normal_states_of_a_finding(small: ConceptGraph) -> None:
    assert small.normal_states_of("fnd_pleural_effusion") == ("nrm_no_effusion", "nrm_sharp_angles")
    assert small.normal_states_of("fnd_consolidation") == ("nrm_no_consolidation", "nrm_clear_lungs")


def test_a_mimic_is_told_beside_what_it_looks_like(small: ConceptGraph) -> None:
    assert [mimic.source for mimic in small.mimics_of("fnd_pneumothorax")] == ["att_skin_fold"]


# --- choosing ---------------------------------------------------------------------------


def test_findings_with_shared_signs_are_more_relevant_than_unrelated_ones(small: ConceptGraph) -> None:
    alike = small.relevance("fnd_pneumonia", "fnd_consolidation")

    assert alike == small.relevance("fnd_consolidation", "fnd_pneumonia")
    assert alike > small.relevance("fnd_pneumonia", "fnd_fracture") == 0.0
    assert all(0 <= small.relevance(a.id, b.id) <= 1 for a in small.findings for b in small.findings)


def test_a_neighbourhood_tells_what_to_add_and_what_must_go(small: ConceptGraph) -> None:
    near = small.neighbourhood("fnd_pleural_effusion", shown=["nrm_sharp_angles", "fnd_fracture"])

    assert [link.concept for link in near.signs] == ["att_blunted_angle"]
    assert [link.concept for link in near.must_go] == ["nrm_sharp_angles"]
    assert near.near == ("fnd_atelectasis",)


def test_a_sign_that_clashes_with_what_stays_comes_last(small: ConceptGraph) -> None:
    near = small.neighbourhood("fnd_pneumothorax", shown=["att_hyperinflation", "att_pleural_line"])

    assert [link.concept for link in near.signs] == ["att_deep_sulcus", "att_volume_loss"]
    assert [link.concept for link in near.shown_signs] == ["att_pleural_line"]
    assert near.must_go == ()


# --- for other tools --------------------------------------------------------------------


def test_networkx_sees_every_concept_and_relation(small: ConceptGraph) -> None:
    graph = small.nx

    assert graph.number_of_nodes() == len(small.concepts)
    assert graph.number_of_edges() == len(small.relations)
    assert graph.nodes["fnd_edema"]["label"] == "Edema"
    assert graph.edges["fnd_edema", "fnd_lung_opacity", "is_a"]["relation"] == "positive"


def test_a_graph_cannot_be_changed_in_use(small: ConceptGraph) -> None:
    with pytest.raises(networkx.NetworkXError):
        small.nx.add_node("fnd_new")
    with pytest.raises(AttributeError):
        small.file = small.file  # type: ignore[misc]


def test_a_graph_travels_between_processes(small: ConceptGraph) -> None:
    small.excludes("nrm_clear_lungs", "fnd_edema")

    assert pickle.loads(pickle.dumps(small)).digest == small.digest
