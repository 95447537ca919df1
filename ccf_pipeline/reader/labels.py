"""Report-level labels: the fourteen findings in CheXpert's aggregation, sentence by sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ccf_pipeline.reader.conventions import CHEXPERT, ReadingConventions, SignAs
from ccf_pipeline.reader.lexicon import Lexicon
from ccf_pipeline.reader.memory import memory_of
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Mention, Polarity, Temporality

_RANK: dict[Polarity, int] = {"present": 3, "uncertain": 2, "absent": 1}


class Statement(Protocol):
    """The fields of a mention that labels depend on; `start` tells which statements are of the same words."""

    concept: str
    polarity: Polarity
    start: int
    temporality: Temporality | None
    implied_by: str | None


# What a sentence makes of the findings, whether it rules out that there is none, the findings of which it
# names only a sign, and those that it denies by name. Plain tuples, for a corpus has tens of thousands to
# remember, and Python's garbage collector forgets about those.
LabelsTold = tuple[tuple[tuple[str, Polarity], ...], bool, tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True)
class LabelTable:
    """The labels that a statement of each concept sets under one set of conventions.

    Most concepts set no label and stand in none of the tables. What follows from another statement, as a
    denial does from a normal state, may set less than what is said outright.
    """

    asserted: dict[str, tuple[str, ...]]
    denied: dict[str, tuple[str, ...]]
    denied_by_another: dict[str, tuple[str, ...]]
    cancels_no_finding: frozenset[str]
    signs: dict[str, tuple[str, SignAs]]
    yielding: frozenset[str]
    doubt: Polarity
    ignores_history: bool
    implied_denials: bool


def label_table(lexicon: Lexicon, conventions: ReadingConventions) -> LabelTable:
    """The conventions worked out for every concept; made once, then remembered with the lexicon."""
    kept = memory_of(lexicon)
    table: LabelTable | None = kept.get(conventions)
    if table is None:
        table = kept[conventions] = _label_table(lexicon, conventions)
    return table


def _label_table(lexicon: Lexicon, conventions: ReadingConventions) -> LabelTable:
    concepts = dict.fromkeys(
        [*FINDING_LABELS, *lexicon.signs, *lexicon.label_synonyms, *lexicon.wires_and_clips, *lexicon.labels]
    )

    def labels_set(polarity: Polarity, *, implied: bool = False) -> dict[str, tuple[str, ...]]:
        told = {
            concept: _list_findings(concept, polarity, implied, lexicon, conventions) for concept in concepts
        }
        return {concept: findings for concept, findings in told.items() if findings}

    return LabelTable(
        asserted=labels_set("present"),
        denied=labels_set("absent"),
        denied_by_another=labels_set("absent", implied=True),
        cancels_no_finding=lexicon.abnormal
        if conventions.no_finding == "strict"
        else lexicon.cancels_no_finding,
        signs={
            sign: (finding, getattr(conventions, convention))
            for sign, (convention, finding) in lexicon.signs.items()
        },
        yielding=lexicon.yielding_signs,
        doubt=conventions.doubt,
        ignores_history=conventions.history == "ignore",
        implied_denials=conventions.implied_denials,
    )


def _list_findings(
    concept: str, polarity: Polarity, implied: bool, lexicon: Lexicon, conventions: ReadingConventions
) -> tuple[str, ...]:
    """The findings whose label a statement of a concept sets; `implied` where another statement says so."""
    if concept in FINDING_LABELS:
        return (concept,)
    convention, finding = lexicon.signs.get(concept, ("", ""))
    if polarity == "absent":
        if (
            convention == "vascular_congestion"
            and conventions.vascular_congestion == "uncertain"
            and not implied
        ):
            return (finding,)
        synonym = lexicon.label_synonyms.get(concept)
        return () if synonym is None else (synonym,)
    if convention:
        return (finding,)
    if conventions.wires_and_clips and concept in lexicon.wires_and_clips:
        return (SUPPORT_DEVICES,)
    return lexicon.labels.get(concept, ())


def read_labels(
    mentions: Iterable[Mention], lexicon: Lexicon, conventions: ReadingConventions = CHEXPERT
) -> dict[str, Polarity]:
    """Return the state of each of the fourteen findings; a finding not spoken of is left out."""
    return add_up([labels_told(tuple(mentions), label_table(lexicon, conventions))])


def add_up(told: Iterable[LabelsTold]) -> dict[str, Polarity]:
    """The labels of a report from what its sentences tell."""
    labels: dict[str, Polarity] = {}
    cancelled = False
    signs: set[str] = set()
    denied: set[str] = set()
    for states, cancels, signs_named, denied_by_name in told:
        cancelled = cancelled or cancels
        if signs_named:
            signs.update(signs_named)
        if denied_by_name:
            denied.update(denied_by_name)
        for finding, state in states:
            if finding not in labels or _RANK[state] > _RANK[labels[finding]]:
                labels[finding] = state
    # "Vascular congestion, no overt edema": a sign gives way to what is said of the finding by name.
    for finding in signs - denied:
        labels[finding] = "present"
    labels.pop(NO_FINDING, None)
    if cancelled:
        return labels
    for finding, state in labels.items():
        if state != "absent" and finding != SUPPORT_DEVICES:
            return labels
    labels[NO_FINDING] = "present"
    return labels


def labels_told(statements: Sequence[Statement], table: LabelTable) -> LabelsTold:
    """Return the labels that statements set; those of different sentences do not touch each other.

    Where a sign or a harmless kind of a finding is named, a convention answers for the finding at its place.
    """
    answers: dict[tuple[str, int], SignAs] = {}
    for statement in statements:
        if statement.concept in table.signs and statement.polarity != "absent":
            finding, meaning = table.signs[statement.concept]
            answers[finding, statement.start] = meaning
    labels: dict[str, Polarity] = {}
    cancels = False
    signs: list[str] = []
    denied: list[str] = []
    for statement in statements:
        if statement.temporality == "prior" and table.ignores_history:
            continue
        said = statement.polarity
        state = table.doubt if said == "uncertain" else said
        if state != "absent":
            cancels = cancels or statement.concept in table.cancels_no_finding
            findings = table.asserted.get(statement.concept)
        elif statement.implied_by is None:
            findings = table.denied.get(statement.concept)
            denied += findings or ()
        elif said == "absent" and not table.implied_denials:
            continue
        else:
            findings = table.denied_by_another.get(statement.concept)
        if findings is None:
            continue
        for finding in findings:
            told = state
            if answers and state != "absent":
                answer = answers.get((finding, statement.start))
                if answer == "blank":
                    continue
                if answer == "uncertain":
                    told = table.doubt
                elif answer == "present" and told == "present" and statement.concept in table.yielding:
                    signs.append(finding)
                    continue
            if finding not in labels or _RANK[told] > _RANK[labels[finding]]:
                labels[finding] = told
    return tuple(labels.items()), cancels, tuple(signs), tuple(denied)
