"""A lottery that depends on the rows and a seed alone."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.quality.sampling import Sample, StratifiedSample

names = st.lists(st.text(max_size=6), unique=True, max_size=40)


def drawn(keys: list[str], size: int, seed: int = 1) -> list[str]:
    sample = Sample[str](size, seed)
    for key in keys:
        sample.add(key, key)
    return sample.values()


@given(names.flatmap(lambda keys: st.tuples(st.just(keys), st.permutations(keys))), st.integers(0, 10))
def test_the_order_of_the_rows_does_not_matter(keys: tuple[list[str], list[str]], size: int) -> None:
    first, second = (drawn(order, size) for order in keys)

    assert first == second
    assert len(first) == min(size, len(keys[0]))


@given(names, st.integers(0, 10))
def test_a_larger_sample_begins_with_the_smaller(keys: list[str], size: int) -> None:
    assert drawn(keys, size + 5)[:size] == drawn(keys, size)


def test_another_seed_draws_others() -> None:
    keys = [f"row {number}" for number in range(100)]

    assert drawn(keys, 10, seed=1) != drawn(keys, 10, seed=2)


def test_rare_kinds_are_drawn_beside_common_ones() -> None:
    sample = StratifiedSample[str](each=3, seed=1)
    for number in range(1000):
        sample.add("common", f"c{number}", "common")
    sample.add("rare", "r0", "rare")

    assert list(itertools.islice(sample.in_turns(), 2)) == ["common", "rare"]
    assert list(sample.in_turns()).count("common") == 3
