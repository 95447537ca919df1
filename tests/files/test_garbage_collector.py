"""Garbage is looked for seldom while a build runs, and as before afterwards."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ccf_pipeline.files.garbage_collector import AFTER_NEW_THINGS, seldom_collected


@pytest.fixture(autouse=True)
def as_python_comes() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)
    gc.enable()


def test_it_is_seldom_within_and_as_before_after_an_error() -> None:
    within = []

    def work() -> None:
        with seldom_collected():
            within.append(gc.get_threshold()[0])
            raise ValueError("any")

    with pytest.raises(ValueError, match="any"):
        work()

    assert within == [AFTER_NEW_THINGS]
    assert gc.get_threshold() == (700, 10, 10)


def test_one_within_another_leaves_the_end_to_the_outer_one() -> None:
    with seldom_collected():
        with seldom_collected():
            pass
        assert gc.get_threshold()[0] == AFTER_NEW_THINGS

    assert gc.get_threshold() == (700, 10, 10)


def test_one_that_outlasts_another_leaves_nothing_behind() -> None:
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)

    assert gc.get_threshold() == (700, 10, 10)


def test_a_process_that_turned_it_off_is_left_be() -> None:
    gc.disable()

    with seldom_collected():
        assert gc.get_threshold() == (700, 10, 10)
        assert not gc.isenabled()
