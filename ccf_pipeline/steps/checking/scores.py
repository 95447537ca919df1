"""How far an edit went."""

from __future__ import annotations

import difflib
import re

from ccf_pipeline.records import Scores
from ccf_pipeline.steps.checking.case import Case, signs_of

_WORD = re.compile(r"\w+|___|[^\w\s]")


def score_edit(case: Case) -> Scores:
    """Shares of what was kept, and how many signs of the target are told."""
    before, after = _WORD.findall(case.study.text), _WORD.findall(case.edit.text)
    same = sum(
        block.size
        for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    kept = sum(1 for origin in case.edit.origins if origin)
    return Scores(
        sentences_kept=round(kept / max(1, len(case.study.sentences)), 4),
        token_distance=round(1 - same / max(1, len(before), len(after)), 4),
        length_ratio=round(len(after) / max(1, len(before)), 4),
        supports_found=len(signs_of(case.graph, case.plan.target) & case.counterfactual.asserted),
    )
