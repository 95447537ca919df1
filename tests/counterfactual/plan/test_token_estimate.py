"""What asking costs, before anybody is asked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.plan.token_estimate import PrefixCache, estimate_tokens


def test_a_prefix_is_cached_by_whole_blocks_from_its_beginning() -> None:
    cache = PrefixCache(block=4)

    assert cache.take("abcdefghij") == 0
    assert cache.take("abcdefghXY") == 8
    assert cache.take("abcdefXXXX") == 4
    assert cache.take("Xbcdefghij") == 0


@given(st.lists(st.text("ab", min_size=1, max_size=40), max_size=12))
def test_what_is_cached_is_the_longest_common_prefix_in_whole_blocks(prompts: list[str]) -> None:
    cache = PrefixCache(block=3)

    for at, prompt in enumerate(prompts):
        shared = max((common(prompt, before) for before in prompts[:at]), default=0)
        assert cache.take(prompt) == shared // 3 * 3


def common(a: str, b: str) -> int:
    return next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def test_an_estimate_counts_words_marks_and_the_parts_of_long_words() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("No pleural effusion.") == 4
    assert estimate_tokens("cardiomediastinal silhouette") > 4
