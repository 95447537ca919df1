"""Report-level labels: the fourteen findings in CheXpert's aggregation."""

from __future__ import annotations

from collections.abc import Iterable

from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Polarity
from ccf_pipeline.steps.reading.conventions import CHEXPERT, ReadingConventions
from ccf_pipeline.steps.reading.lexicon import Lexicon

_RANK: dict[Polarity, int] = {"present": 3, "uncertain": 2, "absent": 1}


def read_labels(
    mentions: Iterable[Mention], lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT
) -> dict[str, Polarity]:
    """What a report says of each of the fourteen findings; a finding not spoken of is left out."""
    labels: dict[str, Polarity] = {}
    cancelling = lexicon.abnormal if conventions.no_finding == "strict" else lexicon.cancels_no_finding
    cancelled = False
    for mention in mentions:
        if mention.temporality == "prior" and conventions.history == "ignore":
            continue
        if (
            mention.polarity == "absent"
            and mention.implied_by is not None
            and not conventions.implied_denials
        ):
            continue
        polarity = conventions.doubt if mention.polarity == "uncertain" else mention.polarity
        cancelled = cancelled or (polarity != "absent" and mention.concept in cancelling)
        for finding in _findings(mention.concept, lexicon, polarity, conventions):
            if finding not in labels or _RANK[polarity] > _RANK[labels[finding]]:
                labels[finding] = polarity
    labels.pop(NO_FINDING, None)
    abnormal = any(v != "absent" for f, v in labels.items() if f != SUPPORT_DEVICES)
    if not abnormal and not cancelled:
        labels[NO_FINDING] = "present"
    return labels


def _findings(
    concept: str, lexicon: Lexicon, polarity: Polarity, conventions: ReadingConventions
) -> tuple[str, ...]:
    """The findings whose label a mention of a concept sets."""
    if concept in FINDING_LABELS:
        return (concept,)
    if polarity == "absent":
        synonym = lexicon.label_synonyms.get(concept)
        return () if synonym is None else (synonym,)
    if conventions.wires_and_clips and concept in lexicon.wires_and_clips:
        return (SUPPORT_DEVICES,)
    return lexicon.labels.get(concept, ())
