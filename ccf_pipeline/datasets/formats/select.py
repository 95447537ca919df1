"""Choose the pairs to train on before any row is written: those with a mirror, and those without one apart.

A mirror sets the same two texts the other way round beside a film that shows the counterfactual. A pair and
its mirror together have every text once on either side, so that no function of the texts prefers a side:
each finding is gained as often as lost, whatever the pairs are. Pairs without a mirror have to be evened out.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ccf_pipeline.datasets.wrapper import diagnosed, diseases
from ccf_pipeline.records import Aspect, MatchedImage, Record
from ccf_pipeline.settings import DatasetSettings, MatchFloor

Use = Literal["mirrored", "unmirrored"]
Line = tuple[str, ...]
"""The diseases that a diagnosis line names."""

USES: tuple[Use, ...] = ("mirrored", "unmirrored")
BY_CHOICE = "beyond rejected_per_chosen"
NO_IMAGE = "no frontal image"
SAME_DIAGNOSIS = "same diagnosis on both sides"
TOLD_APART = "told apart by its wording"
UNEVEN = "no pair leads back from its diagnosis"
NO_MIRROR = "no mirror: see cpo_unmirrored"
HAS_MIRROR = "has a mirror: see the training mix"

FLOORS: dict[MatchFloor, frozenset[Aspect]] = {
    "labels": frozenset({"findings", "rest"}),
    "attributes": frozenset({"findings", "rest", "side", "degree"}),
}


def has_mirror(record: Record, floor: MatchFloor) -> bool:
    """True if the matched film can stand for the counterfactual text.

    Its findings are compared with those that the text was read to have, not with those it was planned to.
    """
    film = record.matched_image
    if film is None or record.image_path is None or film.study_id == record.study_id:
        return False
    asserted = {label.finding for label in record.counterfactual_labels if label.state == "present"}
    return asserted == set(film.findings) and agrees(film, floor)


def agrees(film: MatchedImage, floor: MatchFloor) -> bool:
    """True if a matched film agrees in all that a floor asks for."""
    return FLOORS[floor] <= set(film.agrees)


def lines_of(record: Record) -> tuple[Line, Line]:
    """Return the diseases that the diagnosis lines of both sides name."""
    named = diagnosed(record)
    return diseases(named.factual), diseases(named.counterfactual)


def named_apart(record: Record) -> bool:
    """True if the sides name different diagnoses."""
    chosen, rejected = lines_of(record)
    return chosen != rejected


def named_more(record: Record) -> int:
    """Return how many diseases more the rejected side names."""
    chosen, rejected = lines_of(record)
    return len(rejected) - len(chosen)


@dataclass
class Selection:
    """Decides for every accepted record: trained on with or without a mirror, or left out for a reason.

    Add the records study by study, then `settle`. The outcome depends on the records and settings alone.

    Args:
        dropped: ids of the records that selection against artefacts took out.
    """

    settings: DatasetSettings
    dropped: frozenset[str] = frozenset()
    outcome: dict[str, str] = field(default_factory=dict)
    _surplus: Counter[str] = field(default_factory=Counter)
    _waiting: defaultdict[tuple[str, Use], list[_Candidate]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, records: Sequence[Record]) -> None:
        """Take in the records of one study."""
        kept = self._cap_records(records)
        for record in records:
            reason = self._find_reason_against(record) if record.record_id in kept else BY_CHOICE
            if reason is not None:
                self.outcome[record.record_id] = reason
                continue
            use: Use = "mirrored" if has_mirror(record, self.settings.match) else "unmirrored"
            self._waiting[record.split, use].append(_make_candidate(record))

    def settle(self) -> Mapping[str, str]:
        """Return for every record its use, or the reason why it is left out of the training configs."""
        for (_, use), candidates in self._waiting.items():
            # Mirrors even out the pairs that have one. To ask that others lead back as well left 36 % of
            # Open-i's pairs, since most of its reports are normal and can only gain a finding.
            is_even = use == "mirrored" or not self.settings.even
            kept = {one.record_id for one in candidates} if is_even else _even_out(candidates)
            for one in candidates:
                self.outcome[one.record_id] = use if one.record_id in kept else UNEVEN
        self._waiting.clear()
        return self.outcome

    def _find_reason_against(self, record: Record) -> str | None:
        if record.image_path is None:
            return NO_IMAGE
        if record.record_id in self.dropped:
            return TOLD_APART
        return None if self.settings.same_diagnosis or named_apart(record) else SAME_DIAGNOSIS

    def _cap_records(self, records: Sequence[Record]) -> set[str]:
        """Return at most so many records of a study, such that both sides name as many diseases overall."""
        most = self.settings.rejected_per_chosen
        waiting = list(records)
        kept: set[str] = set()
        while waiting and len(kept) != most:
            surplus = self._surplus[waiting[0].split]
            best = min(waiting, key=lambda record: abs(surplus + named_more(record)))
            waiting.remove(best)
            kept.add(best.record_id)
            self._surplus[best.split] += named_more(best)
        return kept


@dataclass(frozen=True)
class _Candidate:
    record_id: str
    chosen: Line
    rejected: Line
    order: tuple[float, bytes]


def _make_candidate(record: Record) -> _Candidate:
    """The closest film comes first; equal ones are ordered by lot."""
    film = record.matched_image
    closeness = len(film.agrees) + film.quality if film else 0.0
    lot = hashlib.blake2b(record.record_id.encode(), digest_size=8).digest()
    return _Candidate(record.record_id, *lines_of(record), order=(-closeness, lot))


def _even_out(candidates: Iterable[_Candidate]) -> set[str]:
    """Return as many pairs from one diagnosis to another as lead back, the closest matches of each.

    So a finding is gained as often as lost, and no function of the two diagnosis lines prefers a side.
    """
    by_lines: defaultdict[tuple[Line, Line], list[_Candidate]] = defaultdict(list)
    for one in candidates:
        by_lines[one.chosen, one.rejected].append(one)
    kept: set[str] = set()
    for (chosen, rejected), there in by_lines.items():
        back = by_lines.get((rejected, chosen), [])
        ordered = sorted(there, key=lambda one: one.order)
        kept.update(one.record_id for one in ordered[: len(back)])
    return kept
