"""Two texts → the alteration that leads from one to the other, where nobody says which element it is of."""

from __future__ import annotations

from ccf_pipeline.counterfactual.check.case import kinds_of, signs_of
from ccf_pipeline.counterfactual.plan.alterations import said_together, told_there
from ccf_pipeline.counterfactual.plan.changes import Change
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, is_asserted
from ccf_pipeline.records import Mention, Side, Statement


def alteration_between(
    factual: Reading, counterfactual: Reading, graph: ConceptGraph, target: str, gives_way: tuple[str, ...]
) -> Change | None:
    """The first element of the target in which the texts differ: cause, side, severity or sign.

    Whatever else differs is not part of it. None where none of them differs.

    Args:
        gives_way: the finding that was the cause of the signs, where the cause is what differs.
    """
    if gives_way:
        place = said_together(gives_way[0], _list_assertions(factual, graph, gives_way[0]), None)
        new = told_there(target, place, graph)
        return Change("alter", target, gives_way[:1], "cause", old=place, new=new)
    before, after = (_list_assertions(reading, graph, target) for reading in (factual, counterfactual))
    side, other_side = _find_side(before), _find_side(after)
    if side and other_side and side != other_side:
        old = said_together(target, before, side)
        return Change("alter", target, (), "side", old=old, new=old.model_copy(update={"side": other_side}))
    degrees, other_degrees = ({m.severity for m in said if m.severity} for said in (before, after))
    if len(degrees - other_degrees) == 1 and len(other_degrees - degrees) == 1:
        (degree,), (other_degree,) = degrees - other_degrees, other_degrees - degrees
        old = said_together(target, [m for m in before if m.severity == degree], None, degree)
        new = old.model_copy(update={"severity": other_degree})
        return Change("alter", target, (), "severity", old=old, new=new)
    signs = signs_of(graph, target)
    gone, came = (
        _list_signs_only_in(factual, counterfactual, signs),
        _list_signs_only_in(counterfactual, factual, signs),
    )
    if gone and came:
        return Change(
            "alter",
            target,
            (),
            "attribute",
            old=_make_sign_statement(gone[0]),
            new=_make_sign_statement(came[0]),
        )
    return None


def _list_assertions(reading: Reading, graph: ConceptGraph, finding: str) -> list[Mention]:
    kinds = kinds_of(graph, finding)
    return [mention for mention in reading.mentions if mention.concept in kinds and is_asserted(mention)]


def _find_side(mentions: list[Mention]) -> Side | None:
    """The one side that is told; None where none is, or several are."""
    sides = {mention.side for mention in mentions if mention.side}
    return sides.pop() if len(sides) == 1 else None


def _list_signs_only_in(one: Reading, other: Reading, signs: frozenset[str]) -> list[Mention]:
    """The signs that only one of the texts tells."""
    told = (signs & one.asserted) - other.asserted
    return [mention for mention in one.mentions if mention.concept in told and is_asserted(mention)]


def _make_sign_statement(mention: Mention) -> Statement:
    return Statement(concept=mention.concept, polarity="present", side=mention.side)
