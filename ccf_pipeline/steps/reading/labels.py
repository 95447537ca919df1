"""Report-level labels: the fourteen findings in CheXpert's aggregation, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Polarity, Temporality
from ccf_pipeline.steps.reading.conventions import CHEXPERT, ReadingConventions, SignAs
from ccf_pipeline.steps.reading.lexicon import Lexicon

_RANK: dict[Polarity, int] = {"present": 3, "uncertain": 2, "absent": 1}


class Statement(Protocol):
    """What labels ask of a mention; `start` tells which statements are of the same words."""

    concept: str
    polarity: Polarity
    start: int
    temporality: Temporality | None
    implied_by: str | None


class LabelsTold(NamedTuple):
    """What some sentences make of the findings, and whether they rule out that there is none."""

    states: tuple[tuple[str, Polarity], ...]
    cancels_no_finding: bool


NO_LABELS = LabelsTold((), False)


def read_labels(
    mentions: Iterable[Mention], lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT
) -> dict[str, Polarity]:
    """What a report says of each of the fourteen findings; a finding not spoken of is left out."""
    return add_up([labels_told(tuple(mentions), lexicon, conventions)])


def add_up(told: Iterable[LabelsTold]) -> dict[str, Polarity]:
    """The labels of a report from what its sentences tell."""
    labels: dict[str, Polarity] = {}
    cancelled = False
    for states, cancels in told:
        cancelled = cancelled or cancels
        for finding, state in states:
            if finding not in labels or _RANK[state] > _RANK[labels[finding]]:
                labels[finding] = state
    labels.pop(NO_FINDING, None)
    if cancelled:
        return labels
    for finding, state in labels.items():
        if state != "absent" and finding != SUPPORT_DEVICES:
            return labels
    labels[NO_FINDING] = "present"
    return labels


def labels_told(
    statements: Sequence[Statement], lexicon: Lexicon, conventions: ReadingConventions
) -> LabelsTold:
    """What statements make of the labels; those of different sentences do not touch each other."""
    answers = _answers(statements, lexicon, conventions)
    cancelling = lexicon.abnormal if conventions.no_finding == "strict" else lexicon.cancels_no_finding
    ignores_history = conventions.history == "ignore"
    implied_denials = conventions.implied_denials
    doubt = conventions.doubt
    labels: dict[str, Polarity] = {}
    cancels = False
    for statement in statements:
        if ignores_history and statement.temporality == "prior":
            continue
        polarity = statement.polarity
        if polarity == "absent" and not implied_denials and statement.implied_by is not None:
            continue
        if polarity == "uncertain":
            polarity = doubt
        cancels = cancels or (polarity != "absent" and statement.concept in cancelling)
        for finding in _findings(statement, lexicon, polarity, conventions):
            state = polarity
            if answers and state != "absent" and (finding, statement.start) in answers:
                answer = answers[finding, statement.start]
                if answer == "blank":
                    continue
                state = doubt if answer == "uncertain" else state
            if finding not in labels or _RANK[state] > _RANK[labels[finding]]:
                labels[finding] = state
    return LabelsTold(tuple(labels.items()), cancels)


def _answers(
    statements: Sequence[Statement], lexicon: Lexicon, conventions: ReadingConventions
) -> dict[tuple[str, int], SignAs]:
    """What a convention makes of a finding where a sign or a harmless kind of it is named, by its place."""
    signs = lexicon.signs
    answers: dict[tuple[str, int], SignAs] = {}
    for statement in statements:
        if statement.concept in signs and statement.polarity != "absent":
            convention, finding = signs[statement.concept]
            answers[finding, statement.start] = getattr(conventions, convention)
    return answers


def _findings(
    statement: Statement, lexicon: Lexicon, polarity: Polarity, conventions: ReadingConventions
) -> tuple[str, ...]:
    """The findings whose label a statement sets."""
    concept = statement.concept
    if concept in FINDING_LABELS:
        return (concept,)
    convention, finding = lexicon.signs.get(concept, ("", ""))
    if polarity == "absent":
        if (
            convention == "vascular_congestion"
            and conventions.vascular_congestion == "uncertain"
            and statement.implied_by is None
        ):
            return (finding,)
        synonym = lexicon.label_synonyms.get(concept)
        return () if synonym is None else (synonym,)
    if convention:
        return (finding,)
    if conventions.wires_and_clips and concept in lexicon.wires_and_clips:
        return (SUPPORT_DEVICES,)
    return lexicon.labels.get(concept, ())
