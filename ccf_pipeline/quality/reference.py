"""The floor of the artefact test: its result for reports that nobody forged, which is medicine.

Words that no mask takes away go with findings: a report of an effusion names a side, one of a normal chest
does not. So each factual report is set beside another patient's, as it was written, that asserts what the
counterfactual does; a perfect forger could not be told apart any less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccf_pipeline.quality.artefacts import Sides
from ccf_pipeline.quality.sampling import draw
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Label, Record

ALL_DIRECTIONS = "all directions"
KINDS = (ALL_DIRECTIONS, "add", "remove", "swap finding for finding", "swap to No Finding")
"""The kinds of pairs that are held to what written reports with the same findings come to."""
BLOCKS = 10
"""No report may be learnt from on one side and judged on the other: both of a pair are of one block."""


@dataclass(frozen=True)
class Floor:
    """Pairs of written reports that differ in findings as some sampled pairs do, by their numbers."""

    sides: Sides
    numbers: tuple[int, ...]


def forged_view(kind: str) -> str:
    return f"findings masked, {kind}"


def written_view(kind: str) -> str:
    return f"written reports, {kind}"


def is_of_kind(record: Record, kind: str) -> bool:
    """True if a pair is of one of the kinds."""
    if kind == ALL_DIRECTIONS:
        return True
    if record.direction == "swap":
        to_normal = record.target == FINDING_LABELS[NO_FINDING]
        return kind == ("swap to No Finding" if to_normal else "swap finding for finding")
    return kind == record.direction


def written_sides(
    records: Sequence[Record],
    masked: Mapping[str, str],
    *,
    seed: int,
    view: str,
    kind: str = ALL_DIRECTIONS,
) -> Floor:
    """Return pairs of written reports that differ in findings as the sampled pairs do.

    Args:
        records: all that were sampled; their reports are what a pair may be set beside.
        masked: the factual reports by study, with findings blotted out.
        kind: of which of them pairs are returned.
    """
    known: defaultdict[tuple[int, frozenset[str]], dict[str, str]] = defaultdict(dict)
    for record in records:
        known[_hash_block(record, seed), _list_asserted(record.factual_labels)][record.study_id] = (
            record.subject_id
        )
    chosen, rejected, blocks, numbers = [], [], [], []
    for number, record in enumerate(records):
        if not is_of_kind(record, kind):
            continue
        block = _hash_block(record, seed)
        alike = known.get((block, _list_asserted(record.counterfactual_labels)), {})
        others = sorted(study for study, patient in alike.items() if patient != record.subject_id)
        if others:
            other = others[draw(seed, f"{record.record_id}\x1fwritten") % len(others)]
            chosen.append(masked[record.study_id])
            rejected.append(masked[other])
            blocks.append(str(block))
            numbers.append(number)
    return Floor(Sides(view, "words", chosen, rejected, blocks), tuple(numbers))


def _hash_block(record: Record, seed: int) -> int:
    return draw(seed, f"{record.subject_id}\x1fblock") % BLOCKS


def _list_asserted(labels: Sequence[Label]) -> frozenset[str]:
    return frozenset(label.finding for label in labels if label.state == "present")
