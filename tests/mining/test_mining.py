"""Mining: counting concept pairs, judging them by odds, and setting them beside the graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccf_pipeline.corpora.sections import canonical_report
from ccf_pipeline.demo import PLANTED_RELATIONS, follows_from_planted, generate_studies
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining import Report, Tally, Thresholds, judge_pairs, minable_concepts, sight_concepts
from ccf_pipeline.mining.mined import MinedRelation
from ccf_pipeline.mining.odds import pooled_odds, two_sided_p
from tests.shipped import GRAPH, LEXICON

CONCEPTS = minable_concepts(GRAPH, LEXICON)
KIN = {frozenset((concept, above)) for concept in GRAPH.concepts for above in GRAPH.ancestors(concept)}


def tally_of(*texts: str, portion: int = 1000) -> Tally:
    reports = [Report(text, text.count(".")) for text in texts]
    portions = [reports[i : i + portion] for i in range(0, len(reports), portion)]
    return Tally.of(CONCEPTS, (sight_concepts(some, GRAPH, LEXICON, CONCEPTS) for some in portions))


def row_of(rows: Sequence[MinedRelation], one: str, other: str) -> MinedRelation | None:
    return next((row for row in rows if {row.concept_a, row.concept_b} == {one, other}), None)


def index(concept: str) -> int:
    return CONCEPTS.index(concept)


@cache
def mined_demo() -> tuple[MinedRelation, ...]:
    reports = [canonical_report(study.text) for study in generate_studies(5000, seed=7)]
    readable = [Report(report.text, len(report.sentences)) for report in reports if report is not None]
    tally = Tally.of(CONCEPTS, [sight_concepts(readable, GRAPH, LEXICON, CONCEPTS)])
    return judge_pairs(tally, GRAPH, Thresholds())


def found(row: MinedRelation | None) -> str | None:
    """What a row asserts of its pair, if it asserts anything."""
    if row is None or row.status not in ("confirmed", "proposed", "by definition"):
        return None
    return (row.curated_as or "").split()[0] if row.status == "confirmed" else row.evidence


# --- what the generator planted ---------------------------------------------------------------


@pytest.mark.slow
def test_planted_relations_are_found_again() -> None:
    rows = {frozenset((row.concept_a, row.concept_b)): row for row in mined_demo()}

    all_of_them = [found(rows.get(frozenset((a, b)))) == kind for a, b, kind in PLANTED_RELATIONS]
    judged = [
        found(rows.get(frozenset((a, b)))) == kind
        for a, b, kind in PLANTED_RELATIONS
        if frozenset((a, b)) not in KIN
    ]

    assert sum(all_of_them) / len(all_of_them) >= 0.9
    assert sum(judged) / len(judged) >= 0.85


@pytest.mark.slow
def test_little_else_is_found_with_confidence() -> None:
    confident = [
        row for row in mined_demo() if row.status in ("confirmed", "proposed") and row.evidence != "none"
    ]

    false = [row for row in confident if not follows_from_planted(row.concept_a, row.concept_b)]

    assert len(confident) > 100
    assert len(false) / len(confident) <= 0.1


@pytest.mark.slow
def test_what_is_a_kind_of_what_is_not_judged() -> None:
    row = row_of(mined_demo(), "att_picc", "fnd_support_devices")

    assert row is not None
    assert (row.status, row.curated) == ("by definition", "att_picc>fnd_support_devices")


@pytest.mark.slow
def test_two_signs_of_one_finding_are_explained_by_it() -> None:
    row = row_of(mined_demo(), "att_kerley_b", "att_perihilar_haze")

    assert row is not None
    assert (row.status, row.evidence, row.explained_by) == ("explained", "positive", "fnd_edema")
    assert row.odds_ratio_given_explanation is not None
    assert row.odds_ratio_given_explanation < 3 < row.odds_ratio


@pytest.mark.slow
def test_temporal_words_and_no_finding_have_no_relations() -> None:
    concerned = {concept for row in mined_demo() for concept in (row.concept_a, row.concept_b)}

    assert not concerned & {"att_new", "att_resolved", "att_unchanged", "fnd_no_finding"}


# --- counting ---------------------------------------------------------------------------------


def test_an_implied_denial_is_no_denial() -> None:
    tally = tally_of(
        "FINDINGS: Lungs are clear. PICC in place.", "FINDINGS: No consolidation. PICC in place."
    )

    picc, consolidation = index("att_picc"), index("fnd_consolidation")

    assert tally.present_denied[picc, consolidation] == 1


def test_a_finding_of_the_past_is_not_asserted() -> None:
    tally = tally_of("FINDINGS: Previous right pneumothorax has resolved. Left pleural effusion.")

    assert tally.pairs[:, index("fnd_pneumothorax")].sum() == 0


def test_opposite_sides_do_not_meet_but_one_side_is_half_a_study() -> None:
    apart = tally_of("FINDINGS: Left pleural effusion. Right pneumothorax.")
    together = tally_of("FINDINGS: Left pleural effusion. Left pneumothorax.")

    pair = index("fnd_pleural_effusion"), index("fnd_pneumothorax")

    assert (apart.pairs[:, *pair].sum(), apart.pairs_by_side[:, *pair].sum(), apart.overlapping[pair]) == (
        1,
        0,
        0,
    )
    assert (together.pairs_by_side[:, *pair].sum(), together.overlapping[pair]) == (1, 1)


def test_a_doubt_is_neither_assertion_nor_denial() -> None:
    tally = tally_of("FINDINGS: Left pleural effusion. Possible pneumonia.")

    pair = index("fnd_pleural_effusion"), index("fnd_pneumonia")

    assert tally.pairs[:, *pair].sum() == tally.present_denied[pair] == 0
    assert tally.one_in_doubt[pair] == 1


SENTENCES = (
    "Left pleural effusion.",
    "No pleural effusion.",
    "Right lower lobe consolidation with air bronchograms.",
    "Possible pneumonia.",
    "Lungs are clear.",
    "PICC in place.",
    "No pneumothorax.",
    "Small right pneumothorax.",
)
TEXTS = st.lists(
    st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6).map(
        lambda said: "FINDINGS: " + " ".join(said)
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS, portion=st.integers(1, 12), data=st.data())
def test_order_and_portions_do_not_matter(texts: list[str], portion: int, data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(texts))

    one, other = tally_of(*texts), tally_of(*shuffled, portion=portion)

    for name, counts in vars(one).items():
        assert np.array_equal(counts, vars(other)[name]), name


@settings(max_examples=40, deadline=None)
@given(texts=TEXTS)
def test_counts_of_pairs_are_symmetric_and_within_those_of_each_concept(texts: list[str]) -> None:
    tally = tally_of(*texts)

    assert np.array_equal(tally.pairs, tally.pairs.transpose(0, 2, 1))
    assert np.array_equal(tally.triples, tally.triples.transpose(0, 2, 3, 1))
    for counts in (tally.overlapping, tally.same_words, tally.both_denied, tally.one_in_doubt):
        assert np.array_equal(counts, counts.T)
    alone = np.einsum("sii->si", tally.pairs)
    assert (tally.pairs <= alone[:, :, None]).all()
    assert tally.studies.sum() == len(texts)


# --- odds -------------------------------------------------------------------------------------


def test_one_stratum_gives_haldanes_odds_ratio() -> None:
    odds = pooled_odds(np.array([10.0]), np.array([20.0]), np.array([30.0]), np.array([100.0]))

    assert float(odds.log_ratio) == pytest.approx(math.log(10.5 * 60.5 / (10.5 * 20.5)))
    assert float(odds.error) == pytest.approx(math.sqrt(1 / 10.5 + 1 / 10.5 + 1 / 20.5 + 1 / 60.5), rel=1e-6)
    assert float(odds.expected) == 6.0


def test_a_pair_that_goes_together_only_because_long_reports_say_more_is_not_associated() -> None:
    # In each stratum both are independent; pooled, the odds ratio would be above 4.
    strata = {
        "both": [810.0, 10.0],
        "with_a": [900.0, 100.0],
        "with_b": [900.0, 100.0],
        "studies": [1000.0, 1000.0],
    }

    odds = pooled_odds(*(np.array(counts) for counts in strata.values()))

    assert float(odds.log_ratio) == pytest.approx(0, abs=0.1)


def test_a_pair_never_seen_together_has_a_finite_interval() -> None:
    odds = pooled_odds(np.array([0.0]), np.array([50.0]), np.array([50.0]), np.array([100.0]))

    assert odds.high < 0
    assert math.isfinite(odds.low)


def test_p_values_are_those_of_the_normal_distribution() -> None:
    assert two_sided_p(np.array([0.0, 1.959964, -2.575829])) == pytest.approx([1.0, 0.05, 0.01], rel=1e-4)


@given(counts=st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(lambda c: sum(c) > 0))
def test_odds_are_the_same_both_ways_round(counts: list[int]) -> None:
    both, only_a, only_b, neither = map(float, counts)
    studies = np.array([both + only_a + only_b + neither])

    one = pooled_odds(np.array([both]), np.array([both + only_a]), np.array([both + only_b]), studies)
    other = pooled_odds(np.array([both]), np.array([both + only_b]), np.array([both + only_a]), studies)

    assert float(one.log_ratio) == pytest.approx(float(other.log_ratio))
    assert float(one.error) == pytest.approx(float(other.error))


# --- beside the graph -------------------------------------------------------------------------


def test_a_corpus_against_the_graph_contradicts_it() -> None:
    against = ["FINDINGS: Clear lungs. Right lower lobe consolidation."] * 40
    neither = ["FINDINGS: PICC in place. Heart size is normal."] * 40

    rows = judge_pairs(tally_of(*against, *neither), GRAPH, Thresholds())

    row = row_of(rows, "nrm_clear_lungs", "fnd_consolidation")
    assert row is not None
    assert (row.status, row.evidence) == ("contradicted", "positive")
    assert rows[0].status == "contradicted"


def test_a_relation_of_concepts_nobody_mentions_is_unseen() -> None:
    rows = judge_pairs(tally_of(*["FINDINGS: Lungs are clear."] * 20), GRAPH, Thresholds())

    row = row_of(rows, "att_kerley_b", "fnd_edema")
    assert row is not None
    assert (row.status, row.evidence, row.q_value) == ("unseen", "none", None)
    assert {row.status for row in rows} == {"unseen", "by definition"}


def test_every_relation_of_the_graph_is_accounted_for() -> None:
    rows = judge_pairs(tally_of("FINDINGS: Lungs are clear."), GRAPH, Thresholds())

    pairs = {frozenset((row.concept_a, row.concept_b)) for row in rows if not row.inherited}
    left_out = {
        relation.key
        for relation in GRAPH.file.relations
        if frozenset((relation.source, relation.target)) not in pairs
    }
    beyond_mining = set(LEXICON.temporal_concepts) | {"fnd_no_finding"}
    assert all(set(key.split(">")) & beyond_mining for key in left_out)


def test_no_reports_give_no_relations(graph: ConceptGraph) -> None:
    assert judge_pairs(Tally(CONCEPTS), graph, Thresholds()) == ()
