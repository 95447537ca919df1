"""Measure the variety of the words that were written into the reports."""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from ccf_pipeline.quality.figures import WordingFigures
from ccf_pipeline.quality.rates import rounded

TOKEN = re.compile(r"\w+(?:'\w+)?|___|[^\w\s]")
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?", re.IGNORECASE)
SPANS_COMPARED = 2000  # distinct-n falls with the number of spans, so it is taken over a fixed one


def inserted_spans(before: str, after: str) -> list[str]:
    """The runs of words in `after` that `before` does not have there."""
    old, new = _split_lines(before), _split_lines(after)
    spans: list[str] = []
    for action, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if action in ("insert", "replace"):
            spans += _find_inserted(" ".join(old[a:b]), " ".join(new[c:d]))
    return spans


def _split_lines(text: str) -> list[str]:
    """Sentences, roughly: laid side by side first, so that words are compared for few of them only."""
    return re.split(r"(?<=[.:])\s+", text.strip())


def _find_inserted(before: str, after: str) -> list[str]:
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    runs = [new[c:d] for action, _, _, c, d in matcher.get_opcodes() if action in ("insert", "replace")]
    return [" ".join(run).lower() for run in runs if any(WORD.match(word) for word in run)]


def measure_wording(spans: Sequence[str]) -> WordingFigures:
    """Return the shares of different spans, words and pairs of words."""
    compared = spans[:SPANS_COMPARED]
    words = [WORD.findall(span) for span in compared]
    pairs = [list(itertools.pairwise(span)) for span in words]
    frequent = Counter(compared).most_common(1)
    return WordingFigures(
        spans=len(compared),
        distinct_spans=_compute_share(len(set(compared)), len(compared)),
        most_frequent_span=_compute_share(frequent[0][1] if frequent else 0, len(compared)),
        distinct_words=_measure_distinct(words),
        distinct_word_pairs=_measure_distinct(pairs),
    )


def _measure_distinct(groups: Iterable[Iterable[object]]) -> float | None:
    everything = [item for group in groups for item in group]
    return _compute_share(len(set(everything)), len(everything))


def _compute_share(part: int, whole: int) -> float | None:
    return rounded(part / whole) if whole else None
