"""Reduce a study to what decides its changes; thousands of studies share one state."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ccf_pipeline.counterfactual.plan.removal import abnormal_concepts, is_normal_without
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, SUPPORT_DEVICES, Study

DISEASES = tuple(finding for finding in FINDING_LABELS if finding not in (NO_FINDING, SUPPORT_DEVICES))
UNCHANGED = "att_unchanged"
TARGETS = (*DISEASES, SUPPORT_DEVICES)


@dataclass(frozen=True)
class StudyState:
    """The findings that a study asserts, and those that are open to change.

    Args:
        asserted: the findings that the report asserts, in the order of CheXpert's tables, devices last.
        may_go: those of them that nothing else in the report needs.
        closed: findings that may not be added: there already, implied by what is there, hedged, or seen by
            the corpus's own table and not by the reader.
        is_normal: whether the report amounts to No Finding.
        may_be_normal: whether all that is abnormal may go together.
        last: the finding with which everything abnormal goes.
    """

    asserted: tuple[str, ...]
    may_go: tuple[str, ...]
    closed: frozenset[str]
    is_normal: bool
    may_be_normal: bool
    last: str | None = None


def read_open_state(study: Study, reading: Reading, graph: ConceptGraph) -> StudyState:
    """Return what a study's findings and its corpus's table leave open, whatever else the report says."""
    asserted = tuple(finding for finding in TARGETS if reading.states.get(finding) == "present")
    diseases = tuple(finding for finding in asserted if finding != SUPPORT_DEVICES)
    hedged = {finding for finding, state in reading.states.items() if state == "uncertain"}
    tabled = {label.finding for label in study.labels if label.state != "absent"}
    only_tabled = tabled - set(asserted) - hedged
    may_go = tuple(finding for finding in asserted if not _is_needed(finding, reading, graph))
    last = diseases[0] if len(diseases) == 1 and diseases[0] in may_go else None
    return StudyState(
        asserted=asserted,
        may_go=may_go,
        closed=frozenset(hedged | only_tabled | set(asserted) | _collect_implied(diseases, graph)),
        is_normal=reading.states.get(NO_FINDING) == "present",
        may_be_normal=bool(diseases)
        and only_tabled.isdisjoint(DISEASES)
        and not _is_heart_left_open(study, reading, graph),
        last=last if last and is_normal_without(last, reading, graph, study.sentences) else None,
    )


# What CheXpert's conventions take for a doubt where it is only said to be as it was.
HEART = re.compile(r"\b(?:heart|cardiac|cardiomediastin\w+|mediastin\w+)\b", re.IGNORECASE)


def _is_heart_left_open(study: Study, reading: Reading, graph: ConceptGraph) -> bool:
    """True if heart or mediastinum are called stable and nothing else: that is no report of a normal chest.

    A sentence that also tells of something abnormal goes with it.
    """
    unchanged = {m.sentence for m in reading.of(UNCHANGED) if m.polarity == "present"}
    if not unchanged:
        return False
    abnormal = abnormal_concepts(graph)
    going = {m.sentence for m in reading.mentions if m.concept in abnormal and m.polarity != "absent"}
    return any(
        sentence.number in unchanged - going and HEART.search(sentence.text) for sentence in study.sentences
    )


def _is_needed(finding: str, reading: Reading, graph: ConceptGraph) -> bool:
    """True if a kind of it, or a disease that is seen by it there, is asserted or hedged too.

    An opacity cannot go while a consolidation stays, nor a consolidation while its pneumonia stays.
    """
    kinds = _list_kinds_among_findings(graph, finding)
    if any(reading.states.get(kind) in ("present", "uncertain") for kind in kinds):
        return True
    return any(
        graph.overlaps((disease.side, disease.region), (shown.side, shown.region))
        for variant in _list_seen_by(graph, finding)
        for disease in reading.of(variant)
        if disease.polarity != "absent" and disease.temporality not in ("prior", "resolved")
        for shown in reading.of(finding)
        if shown.polarity == "present"
    )


@lru_cache(maxsize=64)
def _list_seen_by(graph: ConceptGraph, finding: str) -> tuple[str, ...]:
    """The findings of which this one is the form that is seen: a consolidation is how pneumonia shows."""
    ties = [r for r in graph.relations_of(finding) if r.kind == "variant" and r.target == finding]
    return tuple(r.source for r in ties if r.source in FINDING_LABELS)


@lru_cache(maxsize=64)
def _list_kinds_among_findings(graph: ConceptGraph, finding: str) -> frozenset[str]:
    return frozenset(set(graph.descendants(finding)) & set(FINDING_LABELS))


def _collect_implied(diseases: tuple[str, ...], graph: ConceptGraph) -> set[str]:
    """Return what is there already by way of a kind of it."""
    return {above for finding in diseases for above in graph.ancestors(finding)}
