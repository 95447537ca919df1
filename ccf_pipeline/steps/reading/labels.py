"""Report-level labels: the fourteen findings in CheXpert's aggregation."""

from __future__ import annotations

from collections.abc import Iterable

from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Polarity
from ccf_pipeline.steps.reading.conventions import CHEXPERT, ReadingConventions, SignAs
from ccf_pipeline.steps.reading.lexicon import Lexicon

_RANK: dict[Polarity, int] = {"present": 3, "uncertain": 2, "absent": 1}


def read_labels(
    mentions: Iterable[Mention], lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT
) -> dict[str, Polarity]:
    """What a report says of each of the fourteen findings; a finding not spoken of is left out."""
    mentions = tuple(mentions)
    answers = _answers(mentions, lexicon, conventions)
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
        for finding in _findings(mention, lexicon, polarity, conventions):
            state = polarity
            if answers and state != "absent" and (finding, mention.start) in answers:
                answer = answers[finding, mention.start]
                if answer == "blank":
                    continue
                state = conventions.doubt if answer == "uncertain" else state
            if finding not in labels or _RANK[state] > _RANK[labels[finding]]:
                labels[finding] = state
    labels.pop(NO_FINDING, None)
    abnormal = any(v != "absent" for f, v in labels.items() if f != SUPPORT_DEVICES)
    if not abnormal and not cancelled:
        labels[NO_FINDING] = "present"
    return labels


def _answers(
    mentions: tuple[Mention, ...], lexicon: Lexicon, conventions: ReadingConventions
) -> dict[tuple[str, int], SignAs]:
    """What a convention makes of a finding where a sign or a harmless kind of it is named, by its place."""
    answers: dict[tuple[str, int], SignAs] = {}
    for mention in mentions:
        if mention.concept in lexicon.signs and mention.polarity != "absent":
            convention, finding = lexicon.signs[mention.concept]
            answers[finding, mention.start] = getattr(conventions, convention)
    return answers


def _findings(
    mention: Mention, lexicon: Lexicon, polarity: Polarity, conventions: ReadingConventions
) -> tuple[str, ...]:
    """The findings whose label a mention sets."""
    if mention.concept in FINDING_LABELS:
        return (mention.concept,)
    convention, finding = lexicon.signs.get(mention.concept, ("", ""))
    if polarity == "absent":
        if (
            convention == "vascular_congestion"
            and conventions.vascular_congestion == "uncertain"
            and mention.implied_by is None
        ):
            return (finding,)
        synonym = lexicon.label_synonyms.get(mention.concept)
        return () if synonym is None else (synonym,)
    if convention:
        return (finding,)
    if conventions.wires_and_clips and mention.concept in lexicon.wires_and_clips:
        return (SUPPORT_DEVICES,)
    return lexicon.labels.get(mention.concept, ())
