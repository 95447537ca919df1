"""Which counterfactuals of a study are kept where only some may be: those that even out the two sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ccf_pipeline.datasets.wrapper import diagnosed, diseases
from ccf_pipeline.records import Record


class Selection:
    """Keep at most so many pairs per study, and so that both sides name as many diseases over each split.

    An `add` names one disease more on the rejected side, a `remove` one less, a `swap` as many: a reader that
    counts would win on the first two if one of them prevailed. Where every pair is kept there is no choice,
    and the card says how far the sides are apart. The choice follows the order of the studies, so it is the
    same in every run.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._surplus: Counter[str] = Counter()

    def of(self, records: Sequence[Record]) -> tuple[Record, ...]:
        """The records of one study that stay, in their order."""
        if self._most is None or len(records) <= self._most:
            kept = set(range(len(records)))
        else:
            kept = self._evened_out(records, self._most)
        for place in kept:
            self._surplus[records[place].split] += named_more(records[place])
        return tuple(record for place, record in enumerate(records) if place in kept)

    def _evened_out(self, records: Sequence[Record], most: int) -> set[int]:
        kept: set[int] = set()
        surplus = self._surplus[records[0].split]
        for _ in range(most):
            waiting = [place for place in range(len(records)) if place not in kept]
            best = min(waiting, key=lambda place: abs(surplus + named_more(records[place])))
            surplus += named_more(records[best])
            kept.add(best)
        return kept


def named_more(record: Record) -> int:
    """How many diseases more the rejected side names."""
    named = diagnosed(record)
    return len(diseases(named.counterfactual)) - len(diseases(named.factual))
