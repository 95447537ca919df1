"""Lint of meaning: no contradictions, no circles, no condition that cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ccf_pipeline.graph.faults import Fault
from ccf_pipeline.graph.kinship import Kinship
from ccf_pipeline.graph.model import CORRELATES, Condition, GraphFile, Placement
from ccf_pipeline.graph.places import RegionTree

POSITIVE_KINDS = CORRELATES | {
    "is_a",
    "variant",
    "sign_of",
    "modifier",
    "location",
    "normal_cluster",
    "temporal",
}
EXCLUSIVE_KINDS = frozenset({"negation", "contradicts", "contradicts_normal", "label_logic", "temporal"})
ACUITIES = frozenset({"acute", "subacute", "chronic"})
VIEWS = frozenset({"AP", "PA", "LATERAL", "LL", "upright", "supine", "portable"})


def wrong_kinds(file: GraphFile) -> Iterator[Fault]:
    allowed = {"positive": POSITIVE_KINDS, "exclusive": EXCLUSIVE_KINDS}
    for number, relation in enumerate(file.relations):
        if relation.kind not in allowed[relation.relation]:
            message = f"{relation.key}: `{relation.kind}` cannot be {relation.relation}"
            yield Fault("wrong-kind", message, relation.key, ("relations", number, "kind"))


def self_relations(file: GraphFile) -> Iterator[Fault]:
    for number, relation in enumerate(file.relations):
        if relation.source == relation.target:
            message = f"{relation.source} cannot be {relation.relation} with itself"
            yield Fault("self-relation", message, relation.key, ("relations", number))


def contradictions(file: GraphFile) -> Iterator[Fault]:
    """A pair cannot be both positive and exclusive, whatever the conditions: readers trust either line."""
    exclusive = Kinship.of(file.relations).exclusion_table(file.relations)
    for number, relation in enumerate(file.relations):
        against = exclusive.get(relation.source, {}).get(relation.target)
        if relation.relation != "positive" or against is None or relation.source == relation.target:
            continue
        direct = {against.source, against.target} == {relation.source, relation.target}
        kind = "contradiction" if direct else "inherited-contradiction"
        message = f"{relation.key} is positive, and exclusive by {against.key}"
        yield Fault(kind, message, relation.key, ("relations", number))


def inherited_contradictions(file: GraphFile) -> Iterator[Fault]:
    """A kind of two things that exclude each other, or of something that excludes it, cannot be."""
    kinship = Kinship.of(file.relations)
    exclusive = kinship.exclusion_table(file.relations)
    direct = {(r.source, r.target) for r in file.relations if r.relation == "positive"}
    for number, concept in enumerate(file.concepts):
        for above in kinship.above(concept.id):
            against = exclusive.get(concept.id, {}).get(above)
            named_itself = against is not None and against.source == against.target
            if against is None or named_itself or (concept.id, above) in direct:
                continue
            message = f"{concept.id} is a kind of {above}, and excluded from it by {against.key}"
            yield Fault("inherited-contradiction", message, concept.id, ("concepts", number))


def cycles(file: GraphFile) -> Iterator[Fault]:
    parents = Kinship.of(file.relations).parents
    for concept in _find_circles(parents):
        number = next(i for i, r in enumerate(file.relations) if r.source == concept and r.kind == "is_a")
        message = f"{concept} is, by steps, a kind of itself"
        yield Fault("cycle", message, file.relations[number].key, ("relations", number))


def region_cycles(file: GraphFile) -> Iterator[Fault]:
    wholes = {region.id: region.part_of for region in file.regions}
    numbers = {region.id: number for number, region in enumerate(file.regions)}
    for region in _find_circles(wholes):
        message = f"region `{region}` is, by steps, a part of itself"
        yield Fault("region-cycle", message, region, ("regions", numbers[region], "part_of"))


def _find_circles(onwards: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Return everything from which a walk leads back to where it began."""
    for start in onwards:
        reached: set[str] = set()
        waiting = list(onwards[start])
        while waiting:
            here = waiting.pop()
            if here not in reached:
                reached.add(here)
                waiting.extend(onwards.get(here, ()))
        if start in reached:
            yield start


def conditions(file: GraphFile) -> Iterator[Fault]:
    grades = {word: grade for grade, words in enumerate(file.severity_grades) for word in words}
    for number, relation in enumerate(file.relations):
        if relation.when is not None:
            for kind, problem in _find_impossible(relation.when, grades):
                yield Fault(kind, f"{relation.key}: {problem}", relation.key, ("relations", number, "when"))


def _find_impossible(when: Condition, grades: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    bounds = [word for word in (when.min_severity, when.max_severity) if word is not None]
    for word in bounds:
        if word not in grades:
            yield "unknown-severity", f"`{word}` is not a severity word"
    if len(bounds) == 2 and all(word in grades for word in bounds) and grades[bounds[0]] > grades[bounds[1]]:
        yield "impossible-condition", f"nothing is both {bounds[0]} or more and {bounds[1]} or less"
    for view in when.views:
        if view not in VIEWS:
            yield "impossible-condition", f"`{view}` is not a view; there are {', '.join(sorted(VIEWS))}"
    for acuity in when.acuity:
        if acuity not in ACUITIES:
            yield "impossible-condition", f"`{acuity}` is none of {', '.join(sorted(ACUITIES))}"
    for word in sorted({*when.wording} & {*when.not_wording}):
        yield "impossible-condition", f"`{word}` is asked for and ruled out"


def places(file: GraphFile) -> Iterator[Fault]:
    """A line that holds in one region only cannot hold between two that never meet."""
    tree = RegionTree(file.regions)
    regions = {concept.id: concept.regions for concept in file.concepts}
    for number, relation in enumerate(file.relations):
        if relation.scope != "same_region" or (relation.when and relation.when.same_side):
            continue
        ends = [regions.get(end, ()) for end in (relation.source, relation.target)]
        meeting = [tree.overlap((None, a), (None, b)) for a in ends[0] for b in ends[1]]
        if meeting and not any(meeting):
            message = f"{relation.key}: the two are never in one region; `same_side: true` may be meant"
            yield Fault("impossible-condition", message, relation.key, ("relations", number, "scope"))


def placements(file: GraphFile) -> Iterator[Fault]:
    """Report phrases with a place where their concept does not occur, or degrees without a place."""
    grades = {word: grade for grade, words in enumerate(file.severity_grades) for word in words}
    for number, concept in enumerate(file.concepts):
        where = ("concepts", number, "write")
        for place in concept.write.places:
            for region in sorted({*place.regions} - {*concept.regions}):
                message = f"{concept.id} is to be written at `{region}`, which is not among its regions"
                yield Fault("impossible-condition", message, concept.id, where)
            when = Condition(min_severity=place.min_severity, max_severity=place.max_severity)
            for kind, problem in _find_impossible(when, grades):
                yield Fault(kind, f"{concept.id}: {problem}", concept.id, where)
        for word in concept.severities if concept.write.places else ():
            if not any(_has_degree(place, word, grades) for place in concept.write.places):
                message = f"{concept.id} has no place where it is {word}"
                yield Fault("impossible-condition", message, concept.id, where)


def _has_degree(place: Placement, word: str, grades: Mapping[str, int]) -> bool:
    grade = grades.get(word)
    least, most = grades.get(place.min_severity or ""), grades.get(place.max_severity or "")
    return grade is None or ((least is None or grade >= least) and (most is None or grade <= most))


def severities(file: GraphFile) -> Iterator[Fault]:
    known = {word for words in file.severity_grades for word in words}
    for number, concept in enumerate(file.concepts):
        for place, word in enumerate(concept.severities):
            if word not in known:
                where = ("concepts", number, "severities", place)
                yield Fault("unknown-severity", f"`{word}` is not a severity word", concept.id, where)


CHECKS: tuple[Callable[[GraphFile], Iterator[Fault]], ...] = (
    wrong_kinds,
    self_relations,
    contradictions,
    inherited_contradictions,
    cycles,
    region_cycles,
    conditions,
    places,
    placements,
    severities,
)
