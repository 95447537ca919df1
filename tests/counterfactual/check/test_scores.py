"""How far an edit went: the words that both sides share in the same order."""

from __future__ import annotations

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.check.scores import in_common

WORDS = st.lists(st.sampled_from(["no", "effusion", "left", "small", "."]), max_size=12)


@given(WORDS, WORDS)
def test_as_many_words_are_shared_as_the_textbook_table_says(before: list[str], after: list[str]) -> None:
    @cache
    def table(i: int, j: int) -> int:
        if not i or not j:
            return 0
        if before[i - 1] == after[j - 1]:
            return table(i - 1, j - 1) + 1
        return max(table(i - 1, j), table(i, j - 1))

    assert in_common(before, after) == table(len(before), len(after))


def test_words_in_another_order_are_not_all_shared() -> None:
    assert in_common(["small", "left", "effusion"], ["left", "small", "effusion"]) == 2
