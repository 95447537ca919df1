"""How far an edit went."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache

from ccf_pipeline.records import Scores
from ccf_pipeline.steps.checking.case import Case, signs_of

_WORD = re.compile(r"\w+|[^\w\s]")


def score_edit(case: Case) -> Scores:
    """Shares of what was kept, and how many signs of the target are told."""
    before, after = _count_words(case.study.text), _count_words(case.edit.text)
    # Kept sentences are the same to the letter: only the words of the others have to be laid side by side.
    gone = [word for sentence in case.gone for word in _words_of(sentence.text)]
    new = [word for sentence in case.written_sentences for word in _words_of(sentence.text)]
    same = before - len(gone) + _shared(gone, new)
    kept = sum(1 for origin in case.edit.origins if origin)
    return Scores(
        sentences_kept=round(kept / max(1, len(case.study.sentences)), 4),
        token_distance=round(max(0.0, 1 - same / max(1, before, after)), 4),
        length_ratio=round(after / max(1, before), 4),
        supports_found=len(signs_of(case.graph, case.plan.target) & case.counterfactual.asserted),
    )


@lru_cache(maxsize=50_000)
def _words_of(sentence: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(sentence))


@lru_cache(maxsize=256)
def _count_words(text: str) -> int:
    return len(_WORD.findall(text))


def _shared(gone: list[str], new: list[str]) -> int:
    if not gone or not new:
        return 0
    matcher = difflib.SequenceMatcher(None, gone, new, autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks())
