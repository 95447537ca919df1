"""Lint of names: everything that is named exists once, is used, and says where it comes from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date

from ccf_pipeline.graph.faults import Fault
from ccf_pipeline.graph.model import GraphFile, Mimic, Relation
from ccf_pipeline.graph.names import closest
from ccf_pipeline.records import FINDING_LABELS

PREFIXES = {"finding": "fnd_", "attribute": "att_", "normal_state": "nrm_"}
CONCEPT_ID = re.compile(r"\b(?:fnd|att|nrm)_\w+")
REVIEW = re.compile(
    r"taught|mined|cited|derived by \w+|reviewed by (?P<name>\S.*) on (?P<date>\d{4}-\d{2}-\d{2})"
)


def unknown_concepts(file: GraphFile) -> Iterator[Fault]:
    known = {concept.id for concept in file.concepts}
    for block, number, link in _iter_links(file):
        for field, end in (("source", link.source), ("target", link.target)):
            if end not in known:
                message = _describe_unknown(end, "concept", known)
                yield Fault("unknown-concept", message, _name_link(link), (block, number, field))
    for number, concept in enumerate(file.concepts):
        for place, label in enumerate(concept.sets_labels):
            if label not in FINDING_LABELS:
                message = _describe_unknown(label, "finding", FINDING_LABELS)
                where = ("concepts", number, "sets_labels", place)
                yield Fault("unknown-concept", message, concept.id, where)


def unknown_in_rules(file: GraphFile) -> Iterator[Fault]:
    known = {concept.id for concept in file.concepts}
    for number, rule in enumerate(file.rules):
        for field, text in (("condition", rule.condition), ("message", rule.message)):
            for name in set(CONCEPT_ID.findall(text)) - known:
                message = f"rule {rule.id}: {_describe_unknown(name, 'concept', known)}"
                yield Fault("unknown-concept", message, rule.id, ("rules", number, field))


def unknown_regions(file: GraphFile) -> Iterator[Fault]:
    known = {region.id for region in file.regions}
    named: list[tuple[str, int, str, str, Sequence[str]]] = [
        ("concepts", number, concept.id, "regions", concept.regions)
        for number, concept in enumerate(file.concepts)
    ]
    for number, region in enumerate(file.regions):
        named.append(("regions", number, region.id, "part_of", region.part_of))
        named.append(("regions", number, region.id, "overlaps", region.overlaps))
    for number, concept in enumerate(file.concepts):
        beside = [region for place in concept.write.places for region in place.beside]
        named.append(("concepts", number, concept.id, "write", beside))
    for number, relation in enumerate(file.relations):
        if relation.when is not None:
            named.append(("relations", number, relation.key, "when", relation.when.regions))
    for block, number, owner, field, regions in named:
        for place, region_id in enumerate(regions):
            if region_id not in known:
                where = (block, number, field, place)
                yield Fault("unknown-region", _describe_unknown(region_id, "region", known), owner, where)


def sources(file: GraphFile) -> Iterator[Fault]:
    """Report statements whose source is not listed."""
    cited = [("concepts", number, c.id, c.sources) for number, c in enumerate(file.concepts)]
    cited += [(block, number, _name_link(link), link.sources) for block, number, link in _iter_links(file)]
    cited += [("rules", number, rule.id, rule.sources) for number, rule in enumerate(file.rules)]
    for block, number, owner, keys in cited:
        if not keys:
            message = f"{owner} has no source; common teaching is a source too"
            yield Fault("missing-source", message, owner, (block, number, "sources"))
        for place, key in enumerate(keys):
            if key not in file.sources:
                where = (block, number, "sources", place)
                yield Fault("unknown-source", _describe_unknown(key, "source", file.sources), owner, where)


def missing_whys(file: GraphFile) -> Iterator[Fault]:
    for block, number, link in _iter_links(file):
        if not link.why.strip():
            message = f"{_name_link(link)} does not say why"
            yield Fault("missing-why", message, _name_link(link), (block, number, "why"))


def duplicates(file: GraphFile) -> Iterator[Fault]:
    for number in _find_repeated(concept.id for concept in file.concepts):
        owner = file.concepts[number].id
        yield Fault("duplicate-concept", f"{owner} is defined twice", owner, ("concepts", number))
    for number in _find_repeated(region.id for region in file.regions):
        owner = file.regions[number].id
        yield Fault("duplicate-region", f"region `{owner}` is defined twice", owner, ("regions", number))
    said = (f"{sorted((r.source, r.target))} {r.relation}" for r in file.relations)
    for number in _find_repeated(said):
        relation = file.relations[number]
        message = f"{relation.key} is already given as {relation.relation}, perhaps the other way round"
        yield Fault("duplicate-relation", message, relation.key, ("relations", number))


def prefixes(file: GraphFile) -> Iterator[Fault]:
    for number, concept in enumerate(file.concepts):
        if not concept.id.startswith(PREFIXES[concept.kind]):
            message = f"`{concept.id}` is a {concept.kind}; its id should begin with {PREFIXES[concept.kind]}"
            yield Fault("wrong-prefix", message, concept.id, ("concepts", number, "id"))


def the_fourteen(file: GraphFile) -> Iterator[Fault]:
    given = {concept.id: (number, concept.label) for number, concept in enumerate(file.concepts)}
    for finding, label in FINDING_LABELS.items():
        if finding not in given:
            message = f"the finding {finding} ({label}) is missing"
            yield Fault("missing-finding", message, finding, ("concepts",))
        elif given[finding][1] != label:
            message = f"{finding} is labelled `{given[finding][1]}`; CheXpert's label is `{label}`"
            yield Fault("missing-finding", message, finding, ("concepts", given[finding][0], "label"))


def orphans(file: GraphFile) -> Iterator[Fault]:
    named = {end for _, _, link in _iter_links(file) for end in (link.source, link.target)}
    for number, concept in enumerate(file.concepts):
        if concept.id not in named:
            message = f"no relation names {concept.id}"
            yield Fault("orphan", message, concept.id, ("concepts", number))


def reviews(file: GraphFile) -> Iterator[Fault]:
    for number, relation in enumerate(file.relations):
        if not is_review(relation.review):
            message = (
                f"`{relation.review}` is no review state; write `taught`, `mined`, `derived by RULE`, "
                "`cited` or `reviewed by NAME on YYYY-MM-DD`"
            )
            yield Fault("review-state", message, relation.key, ("relations", number, "review"))


def is_review(state: str) -> bool:
    """True if a review state is well formed, with a date that exists."""
    found = REVIEW.fullmatch(state)
    if found is None:
        return False
    try:
        return found["date"] is None or bool(date.fromisoformat(found["date"]))
    except ValueError:
        return False


def _iter_links(file: GraphFile) -> Iterator[tuple[str, int, Relation | Mimic]]:
    for number, relation in enumerate(file.relations):
        yield "relations", number, relation
    for number, mimic in enumerate(file.mimics):
        yield "mimics", number, mimic


def _name_link(link: Relation | Mimic) -> str:
    return f"{link.source}>{link.target}"


def _describe_unknown(name: str, what: str, known: Iterable[str]) -> str:
    near = closest(name, known)
    return f"`{name}` is not a {what}" + (f"; did you mean `{near}`?" if near else "")


def _find_repeated(names: Iterable[str]) -> Iterator[int]:
    """The places at which a name comes for the second time or later."""
    count: Counter[str] = Counter()
    for number, name in enumerate(names):
        count[name] += 1
        if count[name] > 1:
            yield number


CHECKS: tuple[Callable[[GraphFile], Iterator[Fault]], ...] = (
    unknown_concepts,
    unknown_in_rules,
    unknown_regions,
    sources,
    missing_whys,
    duplicates,
    prefixes,
    the_fourteen,
    orphans,
    reviews,
)
