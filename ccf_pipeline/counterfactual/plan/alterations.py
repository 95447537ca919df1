"""Changes of exactly one element of a report: a side, a degree, a sign, or what causes the signs.

Everything else stays as it is: the other findings, the other elements, and every other sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ccf_pipeline.counterfactual.check.case import kinds_of
from ccf_pipeline.counterfactual.plan.changes import Change
from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.counterfactual.plan.removal import signs_of, stands_against
from ccf_pipeline.counterfactual.plan.statements import can_be_told, fitting_signs, with_place
from ccf_pipeline.counterfactual.plan.study_states import DISEASES, StudyState, read_open_state
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, is_asserted, spans_meet
from ccf_pipeline.records import Element, Mention, Side, Statement, Study

ELEMENTS: tuple[Element, ...] = ("attribute", "severity", "side", "cause")
OTHER_SIDE: dict[Side, Side] = {"left": "right", "right": "left"}
# Neighbouring degrees are a matter of opinion: "small" and "mild to moderate" may be one effusion.
GRADES_APART = 2


def draw_alterations(
    study: Study, reading: Reading, graph: ConceptGraph, *, per_study: int, seed: int
) -> list[Change]:
    """So many alterations of one study, of as many elements as can be, no two of one element and finding."""

    def drawn(change: Change) -> int:
        said = change.new.model_dump_json() if change.new else ""
        return lot(seed, study.study_id, change.target, change.element or "", said)

    state = read_open_state(study, reading, graph)
    kinds: dict[Element, list[Change]] = {}
    for element in sorted(ELEMENTS, key=lambda element: lot(seed, study.study_id, element)):
        possible = _iter_alterations(element, state, reading, graph)
        offered = sorted((c for c in possible if not _is_contradicted(c, reading, graph)), key=drawn)
        first: dict[str, Change] = {}
        for change in offered:
            first.setdefault(change.target, change)
        kinds[element] = list(first.values())
    longest = max(map(len, kinds.values()), default=0)
    in_turn = [of_kind[turn] for turn in range(longest) for of_kind in kinds.values() if turn < len(of_kind)]
    return in_turn[:per_study]


def altered_mentions(reading: Reading, graph: ConceptGraph, change: Change) -> tuple[Mention, ...]:
    """The mentions that do not hold once the element is another."""
    spans = [(m.start, m.end) for m in reading.mentions if _is_giving_way(m, graph, change)]
    if change.element == "cause":
        # The signs stay, even those that share words with what caused them.
        signs = signs_of(graph, change.target) - kinds_of(graph, change.gives_way[0])
        return tuple(m for m in reading.mentions if m.concept not in signs and spans_meet(m, spans))
    return tuple(mention for mention in reading.mentions if spans_meet(mention, spans))


def altered_statements(
    graph: ConceptGraph, change: Change, must_cease: Iterable[Mention]
) -> tuple[Statement, ...]:
    """Return what is to be said instead: of a side, also the signs that move with the finding."""
    if change.new is None:
        return ()
    if change.element != "side":
        return (change.new,)
    signs = signs_of(graph, change.target)
    moved = dict.fromkeys(m.concept for m in must_cease if m.concept in signs and is_asserted(m))
    side = change.new.side
    return change.new, *(Statement(concept=sign, polarity="present", side=side) for sign in moved)


def _is_giving_way(mention: Mention, graph: ConceptGraph, change: Change) -> bool:
    if change.old is None or change.new is None:
        return False
    family = kinds_of(graph, change.old.concept)
    if change.element == "attribute":
        return mention.concept == change.old.concept and is_asserted(mention)
    if change.element == "severity":
        return mention.concept in family and is_asserted(mention) and mention.severity == change.old.severity
    if change.element == "side":
        moving = family | signs_of(graph, change.target)
        if mention.polarity == "absent":
            return mention.concept in family and mention.side == change.new.side
        return mention.concept in moving and is_asserted(mention) and mention.side == change.old.side
    if stands_against(mention, graph, change.target):
        return True
    return mention.concept in family and mention.polarity != "absent" and mention.temporality != "prior"


# --- which alterations ------------------------------------------------------------------------


def _iter_alterations(
    element: Element, state: StudyState, reading: Reading, graph: ConceptGraph
) -> Iterator[Change]:
    for finding in state.asserted:
        said = [m for m in reading.mentions if m.concept in kinds_of(graph, finding)]
        if finding not in DISEASES or any(mention.polarity == "uncertain" for mention in said):
            continue
        asserted = [mention for mention in said if is_asserted(mention)]
        # Where only a kind of it is told, an atelectasis for an opacity, it is the kind that would change.
        if asserted and all(m.concept in graph.descendants(finding) for m in asserted):
            continue
        match element:
            case "side":
                yield from _offer_other_side(finding, asserted, state, reading, graph)
            case "severity":
                yield from _offer_other_degree(finding, asserted, reading, graph)
            case "attribute":
                yield from _offer_other_sign(finding, asserted, state, reading, graph)
            case "cause":
                yield from _offer_other_cause(finding, asserted, state, reading, graph)


def _is_contradicted(change: Change, reading: Reading, graph: ConceptGraph) -> bool:
    """True if the report, once the one element is another, denies the target or loses something else.

    The left lung is clear where the finding moves to the left; its words are those of a scar as well; or the
    sentence tells of something else on that side.
    """
    if change.new is None or change.old is None or change.element == "cause":
        return False
    ceasing = altered_mentions(reading, graph, change)
    gone = set(map(id, ceasing))
    staying = [mention for mention in reading.mentions if id(mention) not in gone]
    place = change.new.model_copy(update={"concept": change.target})
    if any(stands_against(m, graph, told.concept, told) for m in staying for told in (change.new, place)):
        return True
    own = (
        kinds_of(graph, change.target) | signs_of(graph, change.target) | set(graph.ancestors(change.target))
    )
    others = (m for m in ceasing if is_asserted(m) and m.implied_by is None and m.concept not in own)
    if any(graph.concept(m.concept).sets_labels for m in others):
        return True
    sentences = {mention.sentence for mention in ceasing}
    return change.element == "side" and any(
        m.sentence in sentences and is_asserted(m) and m.side == change.old.side for m in staying
    )


def _offer_other_side(
    finding: str, asserted: Sequence[Mention], state: StudyState, reading: Reading, graph: ConceptGraph
) -> Iterator[Change]:
    """A finding on one side only, with its signs; not where another one is part of the same shadow."""
    sides = {mention.side for mention in asserted if mention.side}
    if graph.concept(finding).sides == "none" or len(sides) != 1 or not sides <= OTHER_SIDE.keys():
        return
    (side,) = sides
    if side is None or side == "bilateral":
        return
    others = [f for f in state.asserted if f != finding]
    seen = (m for m in reading.mentions if m.concept in signs_of(graph, finding) and is_asserted(m))
    signs = [mention for mention in seen if mention.side == side]
    explained = {sign for other in others for sign in signs_of(graph, other)}
    if any(sign.concept in explained for sign in signs) or any(_is_kin(finding, f, graph) for f in others):
        return
    if not all(_has_both_sides(mention.region, graph) for mention in (*asserted, *signs)):
        return
    old = said_together(finding, asserted, side)
    yield _make_alteration(finding, "side", old, old.model_copy(update={"side": OTHER_SIDE[side]}))


def _is_kin(finding: str, other: str, graph: ConceptGraph) -> bool:
    """True if one is a kind of the other, or both are kinds of one thing."""
    above, of_other = {finding, *graph.ancestors(finding)}, {other, *graph.ancestors(other)}
    return not above.isdisjoint(of_other)


def _has_both_sides(region: str | None, graph: ConceptGraph) -> bool:
    return region is None or graph.regions[region].sides == "both"


def _offer_other_degree(
    finding: str, asserted: Sequence[Mention], reading: Reading, graph: ConceptGraph
) -> Iterator[Change]:
    """Another degree, far enough from the only one that is told, that goes with all else that is said."""
    told = {mention.severity for mention in asserted if mention.severity}
    if len(told) != 1:
        return
    (severity,) = told
    grade = graph.severity_grade(severity or "")
    if grade is None:
        return
    old = said_together(finding, [m for m in asserted if m.severity], None, severity)
    for word in graph.concept(finding).severities:
        other = graph.severity_grade(word)
        # "Borderline" is read as a doubt, not as a degree.
        new = old.model_copy(update={"severity": word})
        if other and abs(other - grade) >= GRADES_APART and _is_consistent(old, new, reading, graph):
            yield _make_alteration(finding, "severity", old, new)


def _is_consistent(old: Statement, new: Statement, reading: Reading, graph: ConceptGraph) -> bool:
    """True if the place can hold such a degree, its signs are of it, and no normal state newly denies it."""
    finding, severity = new.concept, new.severity or ""
    places = [place for place in graph.concept(finding).write.places if new.region in place.regions]
    if places and not any(graph.is_of_degree(severity, p.min_severity, p.max_severity) for p in places):
        return False
    bounds = [
        relation.when
        for relation in graph.supports(finding)
        if relation.when and relation.other(finding) in reading.asserted
    ]
    if any(graph.is_of_degree(severity, when.min_severity, when.max_severity) is False for when in bounds):
        return False
    return not any(
        stands_against(mention, graph, finding, new) and not stands_against(mention, graph, finding, old)
        for mention in reading.mentions
        if mention.polarity == "present"
    )


def _offer_other_sign(
    finding: str, asserted: Sequence[Mention], state: StudyState, reading: Reading, graph: ConceptGraph
) -> Iterator[Change]:
    """Another sign of the finding in place of one that speaks for nothing else."""
    others = {sign for f in state.asserted if f != finding for sign in signs_of(graph, f)}
    family = {finding, *graph.ancestors(finding)}
    replaceable = {r.other(finding) for r in graph.supports(finding) if r.kind == "sign_of"} - others
    seen = {m.concept: m for m in reading.mentions if m.concept in replaceable and is_asserted(m)}
    for mention in seen.values():
        if not family.issuperset(graph.concept(mention.concept).sets_labels):
            continue
        leaving = [m for m in reading.mentions if m.concept == mention.concept]
        old = Statement(concept=mention.concept, polarity="present", side=mention.side)
        place = said_together(finding, (mention, *asserted), mention.side)
        for sign in fitting_signs(reading, graph, place, leaving, frozenset()):
            new = with_place(graph.concept(sign), place, graph)
            if can_be_told(new, graph):
                yield _make_alteration(finding, "attribute", old, new)


def _offer_other_cause(
    finding: str, asserted: Sequence[Mention], state: StudyState, reading: Reading, graph: ConceptGraph
) -> Iterator[Change]:
    """Another finding that shows every sign that the report tells of this one."""
    if finding not in state.may_go:
        return
    shown = _collect_seen_signs(graph, finding) & reading.asserted - kinds_of(graph, finding)
    for other in DISEASES:
        if not shown or other in state.closed or not shown <= _collect_seen_signs(graph, other):
            continue
        if other in (*graph.ancestors(finding), *graph.descendants(finding)):
            continue
        place = said_together(finding, asserted, None)
        new = told_there(other, place, graph)
        yield Change("alter", other, (finding,), "cause", old=place, new=new)


def told_there(concept_id: str, place: Statement, graph: ConceptGraph) -> Statement:
    """A concept at a finding's place, as far as it has a side and occurs there."""
    concept = graph.concept(concept_id)
    side = place.side if concept.sides != "none" else None
    region = place.region if place.region in concept.regions else None
    return Statement(concept=concept_id, polarity="present", side=side, region=region)


def _collect_seen_signs(graph: ConceptGraph, finding: str) -> frozenset[str]:
    """Return what shows a finding, leaving out where it lies and what it is called more precisely."""
    return frozenset(r.other(finding) for r in graph.supports(finding) if r.kind == "sign_of")


def _make_alteration(finding: str, element: Element, old: Statement, new: Statement) -> Change:
    return Change("alter", finding, (), element, old=old, new=new)


def said_together(
    finding: str, asserted: Sequence[Mention], side: Side | None, severity: str | None = None
) -> Statement:
    """Return what the mentions say together; where they differ, nothing."""

    def agreed(values: Iterable[str | None]) -> str | None:
        told = {value for value in values if value}
        return told.pop() if len(told) == 1 else None

    common = agreed(mention.side for mention in asserted)
    known: dict[str | None, Side] = {"left": "left", "right": "right", "bilateral": "bilateral"}
    return Statement(
        concept=finding,
        polarity="present",
        side=side or known.get(common),
        region=agreed(mention.region for mention in asserted),
        severity=severity or agreed(mention.severity for mention in asserted),
    )
