"""Which places in the chest share ground."""

import pytest

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.places import Place


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("right", "lung"), ("right", "lung")),
        ((None, None), ("left", "apex")),
        (("right", None), ("bilateral", "lung")),
        ((None, "right_lower_lobe"), ("right", "lung")),
        (("right", "lower_lobe"), (None, "right_lung")),
        (("right", "base"), (None, "right_lower_lobe")),
        (("bilateral", "base"), ("left", "lower_lobe")),
        (("left", "a region nobody defined"), ("left", "apex")),
        (("left", "right_lower_lobe"), ("right", "lung")),
    ],
)
def test_these_places_overlap(small: ConceptGraph, a: Place, b: Place) -> None:
    assert small.overlaps(a, b)
    assert small.overlaps(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (("right", "lung"), ("left", "lung")),
        (("right", None), ("left", None)),
        ((None, "right_lower_lobe"), ("left", "lung")),
        ((None, "lower_lobe"), (None, "upper_lobe")),
        (("left", "apex"), ("left", "lingula")),
        (("right", "lung"), (None, "heart")),
        ((None, "right_lung"), (None, "lingula")),
    ],
)
def test_these_places_lie_apart(small: ConceptGraph, a: Place, b: Place) -> None:
    assert not small.overlaps(a, b)
    assert not small.overlaps(b, a)


def test_severity_words_have_a_rank_whatever_their_case(small: ConceptGraph) -> None:
    assert small.severity_grade("trace") == small.severity_grade("Minimal") == 0
    assert small.severity_grade("large") == 3
    assert small.severity_grade("enormous") is None
