"""What cannot stand together: exclusive statements, and what is both asserted and denied."""

from __future__ import annotations

from collections.abc import Iterator

from ccf_pipeline.counterfactual.check.case import Case, block, sides_of, warn
from ccf_pipeline.counterfactual.check.conditions import holds
from ccf_pipeline.graph import ConceptGraph, Relation
from ccf_pipeline.reader.facts import Reading, is_asserted
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Mention, Problem

CONCLUSIONS = frozenset({"impression", "impressions", "conclusion", "conclusions", "summary", "opinion"})


def exclusive_pairs(case: Case) -> Iterator[Problem]:
    """Exclusive concepts asserted in one place.

    A strong or moderate relation refuses the edit where its condition holds, and warns where that cannot be
    told; a weak one warns. What the factual report says side by side already is not the edit's doing.
    """
    asserted, concepts, excluded_by = case.asserted, case.counterfactual.asserted, case.graph.excluded
    if all(excluded_by(mention.concept).keys().isdisjoint(concepts) for mention in case.added):
        return
    told: set[str] = set()
    for number, first in enumerate(asserted):
        excluded = excluded_by(first.concept)
        if excluded.keys().isdisjoint(concepts):
            continue
        for second in asserted[number + 1 :]:
            relation = excluded.get(second.concept)
            if relation is None or relation.kind == "temporal" or relation.key in told:
                continue
            if not (case.is_written(first) or case.is_written(second)):
                continue
            if {first.concept, second.concept} <= case.factual.asserted and not _is_about_target(
                first, second, case
            ):
                continue
            if NO_FINDING in (first.concept, second.concept) or _is_its_exception(first, second, case):
                continue
            applies = _is_applicable(relation, first, second, case)
            if applies is False:
                continue
            told.add(relation.key)
            yield _make_exclusion_problem(relation, first, second, case, certain=applies is True)


def _is_its_exception(first: Mention, second: Mention, case: Case) -> bool:
    """True if a normal state is only said of the rest: "bones otherwise intact" after a fracture."""
    for state, finding in ((first, second), (second, first)):
        if case.graph.concept(state.concept).kind == "normal_state" and finding.concept in case.target_kinds:
            return case.is_excepted(state.model_copy(update={"implied_by": state.concept}))
    return False


def _is_about_target(first: Mention, second: Mention, case: Case) -> bool:
    return bool({first.concept, second.concept} & case.target_kinds) and case.plan.direction != "remove"


def _is_applicable(relation: Relation, first: Mention, second: Mention, case: Case) -> bool | None:
    if relation.scope == "same_region":
        if not case.meets(first, second):
            return False
        if not _is_same_lesion(first, second, case):
            return None
    return holds(relation, first, second, case)


def _is_same_lesion(first: Mention, second: Mention, case: Case) -> bool:
    """The region of a descriptor is its lesion: without two places only one sentence makes it one."""
    kinds = {case.graph.concept(m.concept).kind for m in (first, second)}
    if kinds != {"attribute"} or first.sentence == second.sentence:
        return True
    return None not in (first.region or first.side, second.region or second.side)


def _make_exclusion_problem(
    relation: Relation, first: Mention, second: Mention, case: Case, *, certain: bool
) -> Problem:
    a, b = case.graph.concept(first.concept).label, case.graph.concept(second.concept).label
    tell = block if certain and relation.strength != "weak" else warn
    return tell(
        "exclusive_asserted",
        f"{a} (sentence {first.sentence}) and {b} (sentence {second.sentence}) cannot stand together;"
        " remove or change one of them.",
        second,
        relation.key,
    )


# --- both asserted and denied -----------------------------------------------------------------


def contradictions(case: Case) -> Iterator[Problem]:
    """A concept asserted and denied in one place, and a finding on different sides in its two sections."""
    now = list(find_denied_and_asserted(case.counterfactual, case.graph))
    before = (
        {concept for concept, _, _ in find_denied_and_asserted(case.factual, case.graph)} if now else set()
    )
    for concept, assertion, denial in now:
        if (
            concept in before
            or case.is_excepted(denial)
            or not (case.is_written(assertion) or case.is_written(denial))
        ):
            continue
        label = case.graph.concept(concept).label
        yield block(
            "self_contradiction",
            f"{label} is asserted in sentence {assertion.sentence} and denied in sentence {denial.sentence};"
            " only one can be true.",
            denial,
        )
    yield from _find_side_clashes(case)


def find_denied_and_asserted(reading: Reading, graph: ConceptGraph) -> Iterator[tuple[str, Mention, Mention]]:
    told: set[str] = set()
    asserted = reading.asserted
    for denial in reading.mentions:
        if (
            denial.polarity != "absent"
            or denial.concept not in asserted
            or denial.temporality in ("resolved", "prior")
            or denial.concept in told
        ):
            continue
        if denial.severity is not None:
            continue
        for assertion in reading.of(denial.concept):
            if is_asserted(assertion) and _is_denied_there(assertion, denial, graph):
                told.add(denial.concept)
                yield denial.concept, assertion, denial
                break


def _is_denied_there(assertion: Mention, denial: Mention, graph: ConceptGraph) -> bool:
    if not graph.overlaps((assertion.side, assertion.region), (denial.side, denial.region)):
        return False
    # What only follows from a normal state counts where the state is of the same place: the graph's
    # exclusions, with their conditions, see to the rest.
    return denial.implied_by is None or assertion.region == denial.region


def _find_side_clashes(case: Case) -> Iterator[Problem]:
    """A finding that the impression puts on a side where the findings do not have it (rule R54)."""
    begin = next((s.start for s in case.edit.sentences if s.section in CONCLUSIONS), None)
    if begin is None:
        return
    told_anew = {m.concept for m in case.added if m.implied_by is None}
    for finding in [finding for finding in FINDING_LABELS if finding in told_anew]:
        said = [m for m in case.asserted if m.concept == finding and m.implied_by is None]
        concluded = [m for m in said if m.start >= begin]
        described = [m for m in said if m.start < begin]
        there, here = sides_of(described), sides_of(concluded)
        if there and here and not there & here:
            yield block(
                "self_contradiction",
                f"{FINDING_LABELS[finding]} is {'/'.join(sorted(there))} in sentence {described[0].sentence}"
                f" but {'/'.join(sorted(here))} in sentence {concluded[0].sentence}; let the sides agree.",
                concluded[0],
            )
