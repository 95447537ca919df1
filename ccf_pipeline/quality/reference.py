"""What the artefact test gives for reports that nobody forged: the share of it that is medicine.

Words that no mask takes away go with findings: a report of an effusion names a side, one of a normal chest
does not. So each factual report is set beside another patient's, as it was written, that asserts what the
counterfactual does; a perfect forger could not be told apart any less.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ccf_pipeline.quality.artefacts import Sides
from ccf_pipeline.quality.sampling import draw
from ccf_pipeline.records import Label, Record

WRITTEN_REPORTS = "written reports, findings masked"
BLOCKS = 10
"""No report may be learnt from on one side and judged on the other: both of a pair are of one block."""


def written_sides(records: Sequence[Record], masked: Mapping[str, str], *, seed: int) -> Sides:
    """Pairs of written reports that differ in findings as the sampled pairs do, where there is a match.

    Args:
        masked: the factual reports by study, with findings blotted out.
    """
    known: defaultdict[tuple[int, frozenset[str]], dict[str, str]] = defaultdict(dict)
    for record in records:
        known[_block(record, seed), _asserted(record.factual_labels)][record.study_id] = record.subject_id
    chosen, rejected, blocks = [], [], []
    for record in records:
        block = _block(record, seed)
        alike = known.get((block, _asserted(record.counterfactual_labels)), {})
        others = sorted(study for study, patient in alike.items() if patient != record.subject_id)
        if others:
            other = others[draw(seed, f"{record.record_id}\x1fwritten") % len(others)]
            chosen.append(masked[record.study_id])
            rejected.append(masked[other])
            blocks.append(str(block))
    return Sides(WRITTEN_REPORTS, "words", chosen, rejected, blocks)


def _block(record: Record, seed: int) -> int:
    return draw(seed, f"{record.subject_id}\x1fblock") % BLOCKS


def _asserted(labels: Sequence[Label]) -> frozenset[str]:
    return frozenset(label.finding for label in labels if label.state == "present")
