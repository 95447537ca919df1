"""Did exactly the planned element change: the side, the degree, the sign or the cause?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ccf_pipeline.counterfactual.check.case import Case, block, family_of, kinds_of, sides_of, signs_of
from ccf_pipeline.reader.facts import spans_meet
from ccf_pipeline.records import FINDING_LABELS, Mention, Problem, Statement


def alteration_faults(case: Case) -> Iterator[Problem]:
    """Return what an alteration leaves as it was, and what it changes beside its one element."""
    if case.plan.element is None or not case.plan.must_appear:
        return
    match case.plan.element:
        case "side":
            yield from _check_other_side(case)
        case "severity":
            yield from _check_other_degree(case)
        case "attribute":
            yield from _check_other_sign(case)
        case "cause":
            yield from _find_lost_signs(case)
    if case.plan.element != "cause":
        yield from _check_other_elements(case)
        yield from _find_added_signs(case)
    yield from _check_implied_labels(case)


# --- the element itself -----------------------------------------------------------------------


def _check_other_side(case: Case) -> Iterator[Problem]:
    for said in case.plan.must_appear:
        kinds = kinds_of(case.graph, said.concept)
        told = [m for m in case.asserted if m.concept in kinds and m.side]
        name = case.graph.concept(said.concept).label
        stale = [m for m in told if m.side != said.side and _is_ceasing(m, kinds, case)]
        if stale:
            where = f"Sentence {stale[0].sentence} still has {name} on the {stale[0].side}"
            yield block("target_missing", f"{where}; put it on the {said.side}.", stale[0])
        elif said.concept == case.plan.target and not any(m.side == said.side for m in told):
            yield block("target_missing", f"{name} is not on the {said.side}; say that it is.")


def _check_other_degree(case: Case) -> Iterator[Problem]:
    """Degrees are compared by their grade: a large effusion may be called massive."""
    said = case.plan.must_appear[0]
    told = [m for m in case.of_target if m.severity]
    grade = case.graph.severity_grade(said.severity or "")
    old = {m.severity for m in case.plan.must_cease if m.concept in case.target_kinds and m.severity}
    stale = [m for m in told if m.severity in old]
    if stale:
        what = f"Sentence {stale[0].sentence} still calls {case.label} {stale[0].severity}"
        yield block("target_missing", f"{what}; make it {said.severity}.", stale[0])
    elif not any(case.graph.severity_grade(m.severity or "") == grade for m in told):
        yield block("target_missing", f"{case.label} is not called {said.severity}; say that it is.")


def _check_other_sign(case: Case) -> Iterator[Problem]:
    said = case.plan.must_appear[0]
    name = case.graph.concept(said.concept).label
    new = kinds_of(case.graph, said.concept)
    if new.isdisjoint(case.counterfactual.asserted):
        yield block("target_missing", f"{name} is not stated; describe it as a sign of {case.label}.")
    old = {m.concept for m in case.plan.must_cease if m.polarity == "present"} & signs_of(
        case.graph, case.plan.target
    )
    for mention in case.asserted:
        if mention.concept in old - new:
            label = case.graph.concept(mention.concept).label
            message = f"Sentence {mention.sentence} still tells of {label}; {name} is to stand in its place."
            yield block("target_missing", message, mention)
            return


def _find_lost_signs(case: Case) -> Iterator[Problem]:
    """Only the cause differs: what shows it is still there."""
    supports = case.graph.supports(case.plan.target)
    shown = {relation.other(case.plan.target) for relation in supports if relation.kind == "sign_of"}
    shown -= {m.concept for m in case.plan.must_cease}
    told: set[str] = set()
    for mention in case.before:
        if mention.concept in shown - told and mention.concept not in case.counterfactual.asserted:
            told.add(mention.concept)
            label = case.graph.concept(mention.concept).label
            message = f"{label} is not told any more; put it back, since only the cause differs."
            yield block("collateral_change", message, factual=mention)


def _is_ceasing(mention: Mention, kinds: Iterable[str], case: Case) -> bool:
    """True if the factual report says the same of that side, and is not to say it any more."""
    return any(m.concept in kinds and m.side == mention.side for m in case.plan.must_cease)


# --- what is beside it ------------------------------------------------------------------------


def _check_other_elements(case: Case) -> Iterator[Problem]:
    """The finding's own side, place and degree, as far as they are not the element."""
    before = [m for m in case.before if m.concept in case.target_kinds]
    after = case.added_of_target
    if not after:
        return
    element = case.plan.element
    if element != "side" and not sides_of(after) <= sides_of(before):
        yield _make_side_effect_problem(case, "side", sides_of(before), sides_of(after), after[0])
    was, now = _list_grades(before, case), _list_grades(after, case)
    if element != "severity" and not now.keys() <= was.keys():
        yield _make_side_effect_problem(case, "degree", was.values(), now.values(), after[0])
    places = {m.region for m in before if m.region}
    for mention in after:
        if (
            places
            and mention.region
            and not any(case.graph.overlaps((None, mention.region), (None, place)) for place in places)
        ):
            yield _make_side_effect_problem(case, "place", places, [mention.region], mention)
            return


def _make_side_effect_problem(
    case: Case, what: str, was: Iterable[str], now: Iterable[str], mention: Mention
) -> Problem:
    old, new = (" and ".join(sorted(said)).replace("_", " ") or "not told" for said in (was, now))
    return block(
        "collateral_change",
        f"The {what} of {case.label} was {old} and is {new}; leave it, since only its"
        f" {_ELEMENTS[case.plan.element or '']} differs.",
        mention,
        factual=next((m for m in case.before if m.concept in case.target_kinds), None),
    )


_ELEMENTS = {"side": "side", "severity": "degree", "attribute": "sign"}


def _list_grades(mentions: Iterable[Mention], case: Case) -> dict[int, str]:
    grades = {m.severity: case.graph.severity_grade(m.severity) for m in mentions if m.severity}
    return {grade: word for word, grade in grades.items() if grade is not None}


def _find_added_signs(case: Case) -> Iterator[Problem]:
    """Signs of the finding that nobody asked for."""
    asked = {kin for said in case.plan.must_appear for kin in _collect_kin(said, case)}
    spoken_of = {m.concept for m in case.factual.mentions}
    spans = [(m.start, m.end) for m in case.asserted if m.concept in asked | case.target_kinds]
    for mention in case.asserted:
        concept = mention.concept
        if concept in asked | spoken_of | case.target_kinds or concept in FINDING_LABELS:
            continue
        is_sign = concept in signs_of(case.graph, case.plan.target) and mention.implied_by is None
        if is_sign and case.is_written(mention) and not spans_meet(mention, spans):
            label = case.graph.concept(concept).label
            message = (
                f"Sentence {mention.sentence} adds {label}; leave it out, since only one element differs."
            )
            yield block("collateral_change", message, mention)
            return


def _collect_kin(said: Statement, case: Case) -> frozenset[str]:
    return kinds_of(case.graph, said.concept) | frozenset(case.graph.ancestors(said.concept))


def _check_implied_labels(case: Case) -> Iterator[Problem]:
    """Other findings that a sign sets: those of the signs that were asked for may change, no others."""
    graph, plan = case.graph, case.plan
    own = {kin for finding in (plan.target, *plan.swap_from) for kin in family_of(graph, finding)}
    asked = {s.concept for s in plan.must_appear} | {m.concept for m in plan.must_cease}
    own |= asked | {label for concept in asked for label in graph.concept(concept).sets_labels}
    signs = signs_of(graph, plan.target) & (case.counterfactual.asserted | case.factual.asserted)
    for finding in sorted({label for sign in signs for label in graph.concept(sign).sets_labels} - own):
        before, after = case.factual.states.get(finding), case.counterfactual.states.get(finding)
        if before != after:
            was, now = before or "not mentioned", after or "not mentioned"
            message = f"{FINDING_LABELS[finding]} was {was} and is {now}; leave it as it was."
            there, here = case.counterfactual.of(finding), case.factual.of(finding)
            yield block("collateral_change", message, next(iter(there), None), factual=next(iter(here), None))
