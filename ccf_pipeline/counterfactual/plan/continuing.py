"""Find the clauses that only continue what goes, and what these clauses tell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Continuation, kin_of, leading_concepts
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Dependent, Mention, Study

# A cause goes with what it explains, whatever it is; another finding that a clause tells besides stays.
EXPLAINS = frozenset({"cause", "relation"})


def add_dependents(
    study: Study, reading: Reading, graph: ConceptGraph, must_cease: tuple[Mention, ...]
) -> tuple[tuple[Mention, ...], tuple[Dependent, ...]]:
    """Return what must cease with the mentions of the clauses that go with it, and the clauses themselves."""
    continuations = reading.continuations(study.sentences, graph)
    if not continuations:
        return must_cease, ()
    falling = [one for one in continuations if one.falls_with(must_cease)]
    told = {id(m) for one in falling for m in _list_mentions_told_only_by(one, reading.mentions, graph)}
    told.update(map(id, must_cease))
    ceasing = tuple([m for m in reading.mentions if id(m) in told]) if falling else must_cease
    return ceasing, tuple(_make_dependent(one, goes=one in falling) for one in continuations)


def _list_mentions_told_only_by(
    clause: Continuation, mentions: Sequence[Mention], graph: ConceptGraph
) -> Iterable[Mention]:
    """The mentions of a clause that have no other ground than what the clause continues."""
    if clause.is_rewritten:
        return
    kin = {kin for head in clause.heads for concept in head.concepts for kin in kin_of(graph, concept)}
    for mention in mentions:
        if not clause.start <= mention.start < clause.end:
            continue
        is_another = mention.polarity == "present" and mention.concept in leading_concepts(graph)
        if clause.kind in EXPLAINS or not is_another or not kin.isdisjoint(kin_of(graph, mention.concept)):
            yield mention


def _make_dependent(clause: Continuation, *, goes: bool) -> Dependent:
    return Dependent(
        sentence=clause.sentence,
        start=clause.start,
        end=clause.end,
        kind=clause.kind,
        heads=clause.head_sentences,
        goes=goes,
        is_whole=clause.is_whole,
        is_rewritten=clause.is_rewritten,
        is_near=clause.is_near,
    )
