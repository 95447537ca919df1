"""The draw of one study, and the weights by which a corpus gains and loses each finding about as often."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.plan.balance import Census, find_weights
from ccf_pipeline.counterfactual.plan.changes import changes_open_to
from ccf_pipeline.counterfactual.plan.choose import Option, choose, lot, lot_values, option_lot
from ccf_pipeline.counterfactual.plan.study_states import DISEASES, TARGETS, StudyState
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES

NORMAL = StudyState((), (), frozenset(), is_normal=True, may_be_normal=False)


def showing(*findings: str) -> StudyState:
    """A study in which nothing stands in the way of losing what it shows."""
    shown = tuple(finding for finding in TARGETS if finding in findings)
    diseases = [finding for finding in shown if finding != SUPPORT_DEVICES]
    last = diseases[0] if len(diseases) == 1 else None
    return StudyState(shown, shown, frozenset(shown), not diseases, bool(diseases), last)


def options(*keys: str) -> list[Option[str]]:
    return [Option(key, key, number, 0, (key,), ()) for number, key in enumerate(keys)]


def test_no_two_drawn_share_a_key() -> None:
    drawn = choose(options("a", "a", "b"), study_lot=5, weights={}, count=3)

    assert sorted(option.key for option in drawn) == ["a", "b"]


@given(
    st.integers(0, 2**64 - 1),
    st.integers(1, 5),
    st.dictionaries(st.sampled_from("abcde"), st.integers(-9, 9)),
)
def test_fewer_are_the_first_of_more_whatever_the_weights(
    study_lot: int, count: int, weights: dict[str, int]
) -> None:
    every = options(*"abcdeabc")

    assert choose(every, study_lot, weights, count) == choose(every, study_lot, weights, 5)[:count]


def test_a_weight_draws_a_finding_by_its_odds() -> None:
    # Three to one: log 3 is 1.0986.
    drawn = [choose(options("a", "b"), lot(7, str(n)), {"a": 1099}, 1)[0].key for n in range(4000)]

    assert 0.72 < drawn.count("a") / len(drawn) < 0.78


def test_lots_are_drawn_evenly_over_gumbels_quantiles() -> None:
    drawn = [option_lot(lot(7, str(number)), 42) for number in range(4000)]

    median = lot_values()[len(lot_values()) // 2]
    assert 0.47 < sum(value < median for value in drawn) / len(drawn) < 0.53


def test_a_normal_study_gains_any_finding_and_loses_no_finding_by_it(graph: ConceptGraph) -> None:
    offered = changes_open_to(NORMAL, graph, "balanced")

    assert {option.gained for option in offered} == {(target,) for target in TARGETS}
    assert {option.lost for option in offered if option.key in DISEASES} == {(NO_FINDING,)}
    assert {option.lost for option in offered if option.key == SUPPORT_DEVICES} == {()}


def test_the_removal_of_the_only_finding_gains_no_finding(graph: ConceptGraph) -> None:
    offered = changes_open_to(showing("fnd_edema"), graph, "balanced")

    normal = [option for option in offered if NO_FINDING in option.gained]
    assert [(option.change.direction, option.key) for option in normal] == [("remove", "fnd_edema")]


def test_of_several_findings_all_give_way_for_no_finding(graph: ConceptGraph) -> None:
    offered = changes_open_to(showing("fnd_edema", "fnd_fracture", SUPPORT_DEVICES), graph, "balanced")

    (normal,) = [option for option in offered if NO_FINDING in option.gained]
    assert (normal.change.direction, normal.key) == ("swap", NO_FINDING)
    assert normal.lost == ("fnd_edema", "fnd_fracture")


def test_the_paper_adds_the_most_relevant_diseases_and_nothing_gives_way(graph: ConceptGraph) -> None:
    offered = changes_open_to(showing("fnd_edema"), graph, "paper")

    drawn = choose(offered, lot(7, "1"), {}, 2)
    relevances = sorted((graph.relevance(d, "fnd_edema") for d in DISEASES if d != "fnd_edema"), reverse=True)
    assert {option.change.direction for option in offered} == {"add"}
    assert [graph.relevance(option.key, "fnd_edema") for option in drawn] == relevances[:2]
    assert all(option.change.only_diagnosis for option in offered)


def invented(seed: int, studies: int) -> list[tuple[str, StudyState]]:
    chance = random.Random(seed)
    corpus = []
    for number in range(studies):
        shown = [f for rank, f in enumerate(TARGETS, 1) if chance.random() < 0.5 / rank]
        corpus.append((str(number), showing(*shown)))
    return corpus


def census_of(corpus: list[tuple[str, StudyState]]) -> Census:
    census = Census(7)
    for study_id, state in corpus:
        census.add(study_id, state)
    return census


def accounts(
    corpus: list[tuple[str, StudyState]], weights: dict[str, int], graph: ConceptGraph
) -> dict[str, list[int]]:
    """How often each finding is gained and lost, drawn study by study."""
    counts = {finding: [0, 0] for finding in FINDING_LABELS}
    for study_id, state in corpus:
        for option in choose(changes_open_to(state, graph, "balanced"), lot(7, study_id), weights, 2):
            for finding in option.gained:
                counts[finding][0] += 1
            for finding in option.lost:
                counts[finding][1] += 1
    return counts


def test_under_the_weights_findings_common_and_rare_are_gained_and_lost_alike(graph: ConceptGraph) -> None:
    corpus = invented(3, 1500)

    counts = accounts(corpus, find_weights(census_of(corpus), graph, 2), graph)

    for gained, lost in counts.values():
        assert min(gained, lost) > 0
        assert abs(gained - lost) <= max(2, 0.1 * max(gained, lost))


def test_without_weights_they_are_not(graph: ConceptGraph) -> None:
    counts = accounts(invented(3, 1500), {}, graph)

    assert any(abs(gained - lost) > 0.5 * max(gained, lost) for gained, lost in counts.values())


@pytest.mark.slow
@given(st.integers(0, 50), st.randoms())
def test_the_weights_do_not_depend_on_the_order_of_studies(
    graph: ConceptGraph, seed: int, chance: random.Random
) -> None:
    corpus = invented(seed, 25)
    shuffled = list(corpus)
    chance.shuffle(shuffled)

    assert find_weights(census_of(shuffled), graph, 2) == find_weights(census_of(corpus), graph, 2)


def test_a_corpus_without_studies_has_weights_all_the_same(graph: ConceptGraph) -> None:
    assert set(find_weights(Census(7), graph, 2).values()) == {0}
    closed = StudyState((), (), frozenset(TARGETS), False, False)
    assert set(find_weights(census_of([("1", closed)]), graph, 2).values()) == {0}
