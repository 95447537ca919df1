"""Study → plans: which counterfactuals are worth asking for, and what each must change."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass

from ccf_pipeline.concepts import Concept, ConceptGraph
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    SUPPORT_DEVICES,
    Direction,
    Mention,
    Plan,
    Side,
    Statement,
    Study,
)
from ccf_pipeline.steps.facts import Reading, is_asserted, spans_meet

DISEASES = tuple(finding for finding in FINDING_LABELS if finding not in (NO_FINDING, SUPPORT_DEVICES))
TARGETS = (*DISEASES, SUPPORT_DEVICES)

# Hard neighbours first, but not only: the seed's share keeps the long tail from starving.
RELEVANCE_SHARE, CHANCE_SHARE = 0.5, 0.5

# A normal study can only gain a finding, so an abnormal one mostly loses or trades one: over a corpus
# findings then come and go about as often, and the direction does not give the answer away.
DIRECTION_WEIGHTS: dict[Direction, float] = {"remove": 0.5, "swap": 0.4, "add": 0.1}
BILATERAL_SHARE = 0.2


@dataclass(frozen=True)
class Change:
    """A direction, what is to appear, and what is to give way for it."""

    direction: Direction
    target: str
    gives_way: tuple[str, ...]


def plan_study(
    study: Study, reading: Reading, graph: ConceptGraph, *, per_study: int, seed: int
) -> tuple[Plan, ...]:
    """The counterfactuals to ask for one study, each with another target.

    They depend on the study, the graph and the seed, and on nothing else in the corpus.
    """
    ranked = _ranked(study, reading, graph, seed)
    chance = _chance(seed, study.study_id, "directions")
    plans: list[Plan] = []
    while ranked and len(plans) < per_study:
        direction = _draw_direction({change.direction for change in ranked}, chance)
        chosen = next(change for change in ranked if change.direction == direction)
        plans.append(plan_change(study, reading, graph, chosen, seed=seed))
        ranked = [change for change in ranked if change.target != chosen.target]
    return tuple(plans)


def plan_change(study: Study, reading: Reading, graph: ConceptGraph, change: Change, *, seed: int) -> Plan:
    """What one change of one study comes to: what must appear, cease and stay."""
    what = (study.study_id, change.direction, change.target, *change.gives_way)
    must_cease = _ceasing(reading, graph, change)
    free = sorted({mention.sentence for mention in must_cease})
    return Plan(
        plan_id=_digest(*what, seed).hex()[:16],
        study_id=study.study_id,
        direction=change.direction,
        target=change.target,
        swap_from=change.gives_way if change.direction == "swap" else (),
        must_appear=_appearing(reading, graph, change, must_cease, _chance(seed, "place", *what)),
        must_cease=must_cease,
        must_stay=tuple(m for m in reading.mentions if m.sentence in free and m not in must_cease),
        kept_sentences=tuple(s.number for s in study.sentences if s.number not in free),
        free_sentences=tuple(free),
        relevance=round(_relevance(reading, graph, change), 4),
        why=_why(graph, reading, change),
        seed=seed,
    )


def plan_as_asked(study: Study, reading: Reading, graph: ConceptGraph, change: Change) -> Plan:
    """What a change that somebody else asked for comes to: how it is told is not ours to choose."""
    must_cease = _ceasing(reading, graph, change)
    free = sorted({mention.sentence for mention in must_cease})
    return Plan(
        plan_id=_digest(study.study_id, change.direction, change.target, *change.gives_way).hex()[:16],
        study_id=study.study_id,
        direction=change.direction,
        target=change.target,
        swap_from=change.gives_way if change.direction == "swap" else (),
        must_appear=() if change.direction == "remove" else (_bare(change.target),),
        must_cease=must_cease,
        must_stay=tuple(m for m in reading.mentions if m.sentence in free and m not in must_cease),
        kept_sentences=tuple(s.number for s in study.sentences if s.number not in free),
        free_sentences=tuple(free),
        relevance=0.0,
        why="Asked for by the data set.",
        seed=0,
    )


def _bare(concept: str) -> Statement:
    return Statement(concept=concept, polarity="present")


# --- which changes ------------------------------------------------------------------------


def _ranked(study: Study, reading: Reading, graph: ConceptGraph, seed: int) -> list[Change]:
    """Every eligible change, the one most worth asking for first."""

    def worth(change: Change) -> float:
        chance = _chance(seed, study.study_id, change.direction, change.target, *change.gives_way)
        return RELEVANCE_SHARE * _relevance(reading, graph, change) + CHANCE_SHARE * chance.random()

    return sorted(_changes(study, reading, graph), key=worth, reverse=True)


def _draw_direction(open_directions: set[Direction], chance: random.Random) -> Direction:
    directions = [direction for direction in DIRECTION_WEIGHTS if direction in open_directions]
    (drawn,) = chance.choices(directions, [DIRECTION_WEIGHTS[direction] for direction in directions])
    return drawn


def _changes(study: Study, reading: Reading, graph: ConceptGraph) -> Iterator[Change]:
    asserted = [finding for finding in DISEASES if reading.states.get(finding) == "present"]
    unclear = _unclear(study, reading)
    leaving = [
        finding for finding in asserted if finding not in unclear and not _needed(finding, reading, graph)
    ]
    for finding in leaving:
        yield Change("remove", finding, (finding,))
    for target in TARGETS:
        if target in unclear or _implied(target, asserted, graph) or reading.states.get(target) == "present":
            continue
        yield Change("add", target, ())
        for finding in leaving:
            if target not in graph.descendants(finding) and target != SUPPORT_DEVICES:
                yield Change("swap", target, (finding,))


def _unclear(study: Study, reading: Reading) -> frozenset[str]:
    """Findings that are hedged, or that the corpus's own table sees and the reader does not: left alone."""
    hedged = {finding for finding, state in reading.states.items() if state == "uncertain"}
    tabled = {label.finding for label in study.labels if label.state != "absent"}
    return frozenset(hedged | {finding for finding in tabled if reading.states.get(finding) != "present"})


def _needed(finding: str, reading: Reading, graph: ConceptGraph) -> bool:
    """Whether a kind of it is asserted or hedged too: opacity cannot go while consolidation stays."""
    kinds = set(graph.descendants(finding)) & set(FINDING_LABELS)
    return any(reading.states.get(kind) in ("present", "uncertain") for kind in kinds)


def _implied(target: str, asserted: list[str], graph: ConceptGraph) -> bool:
    """Whether it is there already by way of a kind of it."""
    return any(target in graph.ancestors(finding) for finding in asserted)


def _relevance(reading: Reading, graph: ConceptGraph, change: Change) -> float:
    """How hard the target is to tell from what it replaces, or else from what is there."""
    if change.direction == "remove":
        return 0.0
    beside = change.gives_way or [f for f in DISEASES if reading.states.get(f) == "present"]
    return max((graph.relevance(change.target, finding) for finding in beside), default=0.0)


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


def _chance(*parts: object) -> random.Random:
    """Randomness that depends on nothing but what is named."""
    return random.Random(int.from_bytes(_digest(*parts)[:8], "big"))


# --- from a change to a plan --------------------------------------------------------------


def _ceasing(reading: Reading, graph: ConceptGraph, change: Change) -> tuple[Mention, ...]:
    """The mentions that cannot stand in the counterfactual, and those that share their words."""
    leaving = _leaving_concepts(reading, graph, change.gives_way)
    spans = [
        (mention.start, mention.end)
        for mention in reading.mentions
        if (mention.concept in leaving and mention.polarity != "absent" and mention.temporality != "prior")
        or (change.direction != "remove" and _stands_against(mention, graph, change.target))
    ]
    return tuple(mention for mention in reading.mentions if spans_meet(mention, spans))


def _leaving_concepts(reading: Reading, graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """The findings that give way, their kinds, and the signs that nothing else in the report explains."""
    leaving = {kind for finding in gives_way for kind in (finding, *graph.descendants(finding))}
    explained = {
        relation.other(finding)
        for finding in DISEASES
        if finding not in leaving
        and finding in reading.asserted
        and not leaving & set(graph.ancestors(finding))
        for relation in graph.supports(finding)
    }
    signs = {relation.other(finding) for finding in gives_way for relation in graph.supports(finding)}
    return frozenset(leaving | (signs - explained) | _denied_with(graph, gives_way))


def _denied_with(graph: ConceptGraph, gives_way: tuple[str, ...]) -> frozenset[str]:
    """Attributes that cannot stand beside the denial of what gives way: fluid in a fissure, "no effusion"."""
    return frozenset(
        other
        for finding in gives_way
        for state in graph.normal_states_of(finding)[:1]
        if (negation := graph.excludes(state, finding)) is not None and negation.kind == "negation"
        for other, relation in graph.excluded(state).items()
        if graph.concept(other).kind == "attribute" and relation.strength != "weak"
    )


def _stands_against(mention: Mention, graph: ConceptGraph, target: str) -> bool:
    """Whether a mention denies the target, or asserts what the target excludes."""
    if mention.polarity == "absent":
        if mention.temporality == "prior":
            return False
        return mention.concept in (target, *graph.ancestors(target), *graph.other_names(target))
    relation = graph.excludes(mention.concept, target)
    return is_asserted(mention) and relation is not None and relation.strength != "weak"


def _appearing(
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    must_cease: tuple[Mention, ...],
    chance: random.Random,
) -> tuple[Statement, ...]:
    """The target with a place, and one sign of it that nothing in the report speaks against."""
    if change.direction == "remove":
        return ()
    target = _placed(graph.concept(change.target), graph, chance)
    signs = _fitting_signs(reading, graph, change.target, must_cease)
    if not signs:
        return (target,)
    sign = graph.concept(chance.choice(signs))
    side = target.side if sign.sides != "none" else None
    return target, Statement(concept=sign.id, polarity="present", side=side)


def _placed(concept: Concept, graph: ConceptGraph, chance: random.Random) -> Statement:
    """A region the concept occurs in, and a side that the region has."""
    # The first region is the compartment; reports name the parts of it.
    regions = [graph.regions[region] for region in concept.regions[1:] or concept.regions]
    if concept.sides == "required":
        regions = [region for region in regions if region.sides != "none"]
    region = chance.choice(regions) if regions else None
    side: Side | None = None
    if region is not None and region.sides in ("left", "right"):
        side = region.sides
    elif concept.sides != "none" and (region is None or region.sides == "both"):
        side = "bilateral" if chance.random() < BILATERAL_SHARE else chance.choice(("left", "right"))
    return Statement(
        concept=concept.id,
        polarity="present",
        side=side,
        region=region.id if region else None,
        severity=chance.choice(concept.severities) if concept.severities else None,
    )


def _fitting_signs(
    reading: Reading, graph: ConceptGraph, target: str, must_cease: tuple[Mention, ...]
) -> list[str]:
    """Unconditional signs that can be written, set no other label, and clash with nothing that stays."""
    staying = {m.concept for m in reading.mentions if is_asserted(m) and m not in must_cease}
    spoken_of = {mention.concept for mention in reading.mentions}
    family = {target, *graph.ancestors(target)}
    return [
        link.concept
        for link in graph.neighbourhood(target, staying).signs
        if link.relation.kind == "sign_of"
        and link.relation.strength != "weak"
        and link.relation.when is None
        and link.concept not in spoken_of
        and graph.concept(link.concept).write.present
        and family.issuperset(graph.concept(link.concept).sets_labels)
        and staying.isdisjoint(graph.excluded(link.concept))
    ]


def _why(graph: ConceptGraph, reading: Reading, change: Change) -> str:
    label = FINDING_LABELS[change.target]
    if change.direction == "remove":
        return f"{label} is asserted and nothing else in the report needs it."
    if change.direction == "swap":
        lost = change.gives_way[0]
        relevance = graph.relevance(change.target, lost)
        return f"{label} is told from {FINDING_LABELS[lost]} by signs they share (relevance {relevance:.2f})."
    if reading.states.get(change.target) == "absent":
        return f"The report denies {label}: the counterfactual must turn the denial."
    return f"The report does not speak of {label}."
