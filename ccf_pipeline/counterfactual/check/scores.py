"""Measures of how far an edit went."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import Case, signs_of
from ccf_pipeline.records import Scores, Sentence

_WORD = re.compile(r"\w+|[^\w\s]")


def score_edit(case: Case) -> Scores:
    """Shares of what was kept, and how many signs of the target are told."""
    # Kept sentences are the same: only the words of the others have to be laid side by side.
    gone, new = _list_words(case.gone), _list_words(case.written_sentences)
    before = _count_words(case.study.text)
    after = before - len(gone) + len(new)
    same = before - len(gone) + in_common(gone, new)
    kept = len(case.edit.origins) - case.edit.origins.count(0)
    return Scores(
        sentences_kept=round(kept / max(1, len(case.study.sentences)), 4),
        token_distance=round(max(0.0, 1 - same / max(1, before, after)), 4),
        length_ratio=round(after / max(1, before), 4),
        supports_found=len(signs_of(case.graph, case.plan.target) & case.counterfactual.asserted),
    )


def _list_words(sentences: Sequence[Sentence]) -> list[str]:
    return _WORD.findall(" ".join([sentence.text for sentence in sentences]))


@lru_cache(maxsize=256)
def _count_words(text: str) -> int:
    return len(_WORD.findall(text))


def in_common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many words stand in both in the same order: the length of their longest common subsequence.

    Hyyrö's way (2004): the rows of the table are the bits of one number, so that a word costs four operations
    on it whatever the other text's length.
    """
    places: dict[str, int] = {}
    for place, word in enumerate(before):
        places[word] = places.get(word, 0) | 1 << place
    everything = row = (1 << len(before)) - 1
    for word in after:
        met = row & places.get(word, 0)
        row = (row + met) | (row - met)
    return len(before) - (row & everything).bit_count()
