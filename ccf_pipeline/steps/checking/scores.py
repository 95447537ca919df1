"""How far an edit went."""

from __future__ import annotations

import difflib
import re

from ccf_pipeline.records import Scores
from ccf_pipeline.steps.checking.case import Case, signs_of

_WORD = re.compile(r"\w+|___|[^\w\s]")


def score_edit(case: Case) -> Scores:
    """Shares of what was kept, and how many signs of the target are told."""
    before, after = len(_WORD.findall(case.study.text)), len(_WORD.findall(case.edit.text))
    # Kept sentences are the same to the letter: only the words of the others have to be laid side by side.
    gone = [word for sentence in case.gone for word in _WORD.findall(sentence.text)]
    new = [word for s in case.edit.sentences if s.number in case.written for word in _WORD.findall(s.text)]
    matcher = difflib.SequenceMatcher(None, gone, new, autojunk=False)
    same = before - len(gone) + sum(block.size for block in matcher.get_matching_blocks())
    kept = sum(1 for origin in case.edit.origins if origin)
    return Scores(
        sentences_kept=round(kept / max(1, len(case.study.sentences)), 4),
        token_distance=round(max(0.0, 1 - same / max(1, before, after)), 4),
        length_ratio=round(after / max(1, before), 4),
        supports_found=len(signs_of(case.graph, case.plan.target) & case.counterfactual.asserted),
    )
