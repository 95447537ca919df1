"""Two texts with the same findings: which detail of which concept differs, and is that all that differs?

Such are the pairs of CF-VLM that change one attribute: another side, another degree, another place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.counterfactual.check.case import block, family_of, label_of, signs_of, warn
from ccf_pipeline.counterfactual.plan import Change, plan_as_asked
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, is_asserted
from ccf_pipeline.records import FINDING_LABELS, Direction, Mention, Plan, Problem, Study

DETAILS = ("side", "region", "severity", "temporality")
_Statement = tuple[str, str | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class DetailChange:
    """The concept that is told otherwise, whether it is still there, and what else is told otherwise."""

    concept: str
    stays: bool
    others: tuple[str, ...]


def change_of_detail(factual: Reading, counterfactual: Reading, graph: ConceptGraph) -> DetailChange | None:
    """Return what the texts tell otherwise although no finding came or went; None if nothing."""
    before, after = _collect_statements(factual, graph), _collect_statements(counterfactual, graph)
    changed = [
        concept for concept in dict.fromkeys([*before, *after]) if before.get(concept) != after.get(concept)
    ]
    if not changed:
        return None
    concept = min(changed, key=lambda one: one not in FINDING_LABELS)
    own = family_of(graph, concept) | signs_of(graph, concept)
    return DetailChange(
        concept=concept,
        stays=concept in counterfactual.asserted or concept not in factual.asserted,
        others=tuple(
            other for other in changed if other not in own and not _is_same_statement(other, concept, graph)
        ),
    )


def plan_of_detail(study: Study, factual: Reading, graph: ConceptGraph, change: DetailChange) -> Plan:
    """A plan by which every sentence that tells of the concept is free, and no other."""
    direction: Direction = "add" if change.stays else "remove"
    gives_way = () if change.stays else (change.concept,)
    plan = plan_as_asked(study, factual, graph, Change(direction, change.concept, gives_way))
    free = {m.sentence for m in factual.of(change.concept) if m.implied_by is None}
    free.update(plan.free_sentences)
    said = [m for m in factual.mentions if m.sentence in free]
    return plan.model_copy(
        update={
            "must_cease": tuple(m for m in said if m.concept == change.concept),
            "must_stay": tuple(m for m in said if m.concept != change.concept),
            "kept_sentences": tuple(s.number for s in study.sentences if s.number not in free),
            "free_sentences": tuple(sorted(free)),
        }
    )


def detail_faults(
    factual: Reading, counterfactual: Reading, graph: ConceptGraph, change: DetailChange
) -> Iterator[Problem]:
    """More that differs than one detail, and a detail that differs in one sentence and not in the next."""
    for other in change.others:
        yield block(
            "collateral_change",
            f"{label_of(graph, other)} is told otherwise too; change one thing only.",
            next(iter(counterfactual.of(other)), None),
            factual=next(iter(factual.of(other)), None),
        )
    before, after = (_list_assertions(reading, change.concept) for reading in (factual, counterfactual))
    changed = [name for name in DETAILS if _list_values(before, name) != _list_values(after, name)]
    if before and after and len(changed) > 1:
        message = f"Its {' and '.join(changed)} differ; one detail is enough."
        yield warn("collateral_change", message, after[0], factual=before[0])
    if len(_list_values(before, "severity")) == 1:
        yield from _find_two_degrees(after, graph, change.concept)


def _find_two_degrees(told: list[Mention], graph: ConceptGraph, concept: str) -> Iterator[Problem]:
    """One finding in one place has one degree, wherever the report tells of it."""
    graded = [m for m in told if m.severity is not None]
    for number, one in enumerate(graded):
        for other in graded[number + 1 :]:
            if one.sentence == other.sentence or not graph.overlaps(
                (one.side, one.region), (other.side, other.region)
            ):
                continue
            if graph.severity_grade(one.severity or "") != graph.severity_grade(other.severity or ""):
                yield block(
                    "self_contradiction",
                    f"{label_of(graph, concept)} is {one.severity} in sentence {one.sentence} and"
                    f" {other.severity} in sentence {other.sentence}; let the degrees agree.",
                    other,
                )
                return


def _collect_statements(reading: Reading, graph: ConceptGraph) -> dict[str, set[_Statement]]:
    """Return what is said of each concept but of normal states, which have words for one another."""
    told: dict[str, set[_Statement]] = {}
    for m in reading.mentions:
        if m.implied_by is None and graph.concept(m.concept).kind != "normal_state":
            told.setdefault(m.concept, set()).add((m.polarity, *(getattr(m, name) for name in DETAILS)))
    return told


def _is_same_statement(other: str, concept: str, graph: ConceptGraph) -> bool:
    """True if it says the same: a word of change is a concept too, and a kind of a finding is the finding."""
    return bool(graph.concept(other).kind == "attribute" and not graph.concept(other).cancels_no_finding) or (
        concept in graph.ancestors(other)
    )


def _list_assertions(reading: Reading, concept: str) -> list[Mention]:
    return [m for m in reading.of(concept) if is_asserted(m) and m.implied_by is None]


def _list_values(mentions: list[Mention], detail: str) -> set[str | None]:
    return {getattr(m, detail) for m in mentions}
