"""Shares, their intervals, and what compares two sides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.quality.rates import cliffs_delta, cramers_v, rate, spread

numbers = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634)],
)
def test_wilsons_interval_is_the_published_one(hits: int, of: int, low: float, high: float) -> None:
    found = rate(hits, of)

    assert (found.low, found.high) == (low, high)


@given(st.integers(1, 10**6).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_share(counts: tuple[int, int]) -> None:
    found = rate(*counts)

    assert found.share is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.share <= found.high <= 1


def test_what_was_not_seen_has_no_share() -> None:
    assert rate(0, 0).share is None
    assert spread([]).median is None
    assert cliffs_delta([], [1.0]) is None
    assert cramers_v([[0, 0], [0, 0]]) == (None, None)


@given(numbers, numbers)
def test_cliffs_delta_turns_round_with_its_sides(left: list[float], right: list[float]) -> None:
    there, back = cliffs_delta(left, right), cliffs_delta(right, left)

    assert there is not None
    assert back is not None
    assert there == pytest.approx(-back)
    assert -1 <= there <= 1


def test_cliffs_delta_is_one_where_every_value_is_larger() -> None:
    assert cliffs_delta([5.0, 6.0], [1.0, 2.0]) == 1.0
    assert cliffs_delta([1.0, 3.0], [2.0, 2.0]) == 0.0


def test_a_table_with_equal_rows_has_no_association_and_a_split_one_all() -> None:
    assert cramers_v([[10, 20], [10, 20]]) == (0.0, 0.0)
    assert cramers_v([[30, 0], [0, 30]]) == (60.0, 1.0)
