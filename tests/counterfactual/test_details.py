"""Pairs in which no finding comes or goes, but one detail of one of them is told otherwise."""

from __future__ import annotations

import pytest

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import Pair, Verdict
from tests.shipped import LEXICON

REPORT = (
    "FINDINGS: Small left pleural effusion. Heart size is normal. Right PICC tip in the SVC.\n"
    "IMPRESSION: Small left pleural effusion."
)


def judged(candidate: str, graph: ConceptGraph, factual: str = REPORT) -> Verdict:
    pair = Pair(pair_id="x", factual=factual, candidate=candidate, target=None, direction="add")
    return audit_pair(pair, graph, LEXICON)


def codes(verdict: Verdict) -> set[str]:
    return {problem.code for problem in verdict.problems if problem.level == "block"}


@pytest.mark.parametrize(
    ("was", "is_now"),
    [("Small", "Large"), ("left", "right"), ("Right PICC", "Left PICC"), ("the SVC", "the right atrium")],
)
def test_another_side_degree_or_place_is_a_change(was: str, is_now: str, graph: ConceptGraph) -> None:
    verdict = judged(REPORT.replace(was, is_now), graph)

    assert verdict.accepted, verdict.problems


def test_other_words_for_the_same_are_no_change(graph: ConceptGraph) -> None:
    candidate = REPORT.replace("Heart size is normal", "The heart is normal in size")

    assert codes(judged(candidate, graph)) == {"unchanged"}


def test_a_detail_has_to_change_in_every_sentence_that_tells_it(graph: ConceptGraph) -> None:
    for was, is_now in (("Small", "Large"), ("left", "right")):
        assert codes(judged(REPORT.replace(was, is_now, 1), graph)) == {"self_contradiction"}


def test_two_details_of_one_finding_are_remarked_and_two_findings_refused(graph: ConceptGraph) -> None:
    both = judged(REPORT.replace("Small left", "Large right"), graph)
    assert both.accepted
    assert [problem.code for problem in both.problems] == ["collateral_change"]

    two = REPORT.replace("Small", "Large").replace("Right PICC", "Left PICC")
    assert "collateral_change" in codes(judged(two, graph))


def test_an_attribute_that_is_no_finding_may_be_what_changes(graph: ConceptGraph) -> None:
    factual = "FINDINGS: Mild scoliosis. Lungs are clear.\nIMPRESSION: No acute process."

    assert judged(factual.replace("Mild", "Severe"), graph, factual).accepted
