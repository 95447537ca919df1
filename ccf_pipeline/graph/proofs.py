"""What every relation stands on: a signature, a source, a proof from the graph itself, or counted reports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from ccf_pipeline.graph.kinship import Kinship
from ccf_pipeline.graph.model import Concept, GraphFile, MinedEvidence, Relation
from ccf_pipeline.records import NO_FINDING

Backing = Literal["reviewed", "cited", "derived", "mined", "taught"]
BACKINGS: tuple[Backing, ...] = ("reviewed", "cited", "derived", "mined", "taught")
STRENGTHS = ("weak", "moderate", "strong")
DENIAL = re.compile(r"(?:there (?:is|are) )?(?:no|without)(?: evidence of| signs of)? (.+)")
# "Fluid level in the pneumothorax" speaks of a level; only what follows no such word is the head of a phrase.
PREPOSITIONS = frozenset({"in", "within", "of", "with", "from", "to", "the", "and", "or"})
MIN_RATIO, MAX_RATIO = 2.0, 0.5


@dataclass(frozen=True)
class Proofs:
    """Prove relations of a graph file by its other blocks, and tell what each relation stands on."""

    file: GraphFile

    @cached_property
    def concepts(self) -> Mapping[str, Concept]:
        return {concept.id: concept for concept in self.file.concepts}

    @cached_property
    def kinship(self) -> Kinship:
        return Kinship.of(self.file.relations)

    @cached_property
    def _exclusions(self) -> Mapping[str, Mapping[str, Relation]]:
        return self.kinship.exclusion_table(self.file.relations)

    def backing(self, relation: Relation) -> Backing:
        """Return the kind of support that a relation has; a web page alone leaves it taught."""
        state = relation.review.split()[0]
        if state == "cited" and not any(self._is_lasting(key) for key in relation.sources):
            return "taught"
        return next((backing for backing in BACKINGS if backing == state), "taught")

    def _is_lasting(self, key: str) -> bool:
        return key in self.file.sources and self.file.sources[key].lasting

    def prove(self, relation: Relation) -> str:
        """Return the proof of a relation by the rule it names; nothing where there is none."""
        rule = RULES.get(relation.review.removeprefix("derived by "))
        return rule(self, relation) if rule and relation.source in self.concepts else ""

    def open_question(self, relation: Relation) -> str:
        """Return what would settle a relation of this kind."""
        return self.file.open_questions.get(relation.kind, "")

    def explain(self, relation: Relation) -> str:
        """Return the signature, source, proof or counts that a relation stands on, or its open question."""
        match self.backing(relation):
            case "derived":
                return f"{relation.review}: {self.prove(relation)}"
            case "mined":
                return f"mined: {'; '.join(map(describe_evidence, relation.mined))}"
            case "taught":
                return f"taught; to settle it: {self.open_question(relation)}"
        return relation.review

    # --- rules ------------------------------------------------------------------------

    def prove_denial(self, relation: Relation) -> str:
        """A normal state excludes what its own words deny, by any kind of that thing."""
        source, target = self.concepts[relation.source], self.concepts.get(relation.target)
        if relation.relation != "exclusive" or source.kind != "normal_state" or target is None:
            return ""
        for form in source.forms:
            for denied in _list_denied(form):
                named = next((f for f in target.forms if _names_kind(f, denied)), None)
                if named:
                    return f"“{form}” denies “{named}”"
            written = next((w for w in target.write.absent if f" {form} " in f" {_plain(w)} "), None)
            if written:
                return f"“{written}” is how {target.id} is denied, and is read as {source.id} (“{form}”)"
        return ""

    def prove_name(self, relation: Relation) -> str:
        """A kind is named by its genus with a word before it: a compression fracture is a fracture."""
        source, target = self.concepts[relation.source], self.concepts.get(relation.target)
        if relation.kind != "is_a" or target is None:
            return ""
        for genus in target.forms:
            named = next((f for f in source.forms if f != genus and _names_kind(f, _singular(genus))), None)
            if named:
                return f"“{named}” is by name a kind of “{genus}”"
        return ""

    def prove_inheritance(self, relation: Relation) -> str:
        """A kind takes over what excludes the thing it is a kind of, on no softer terms."""
        rest = [other for other in self.file.relations if other is not relation]
        table = self.kinship.exclusion_table(rest)
        premise = table.get(relation.source, {}).get(relation.target)
        if relation.relation != "exclusive" or premise is None:
            return ""
        as_strong = STRENGTHS.index(premise.strength) >= STRENGTHS.index(relation.strength)
        as_wide = premise.scope == "global" or premise.scope == relation.scope
        if not as_strong or not as_wide or premise.when not in (None, relation.when):
            return ""
        kinds = [end for end in (relation.source, relation.target) if end not in premise.key.split(">")]
        return f"{premise.key} is inherited by {' and '.join(kinds)}"

    def prove_cluster(self, relation: Relation) -> str:
        """One state belongs to another that excludes everything the first denies."""
        if relation.kind != "normal_cluster":
            return ""
        for whole, part in ((relation.source, relation.target), (relation.target, relation.source)):
            denied = {
                other
                for other, against in self._exclusions.get(part, {}).items()
                if against.kind in ("negation", "contradicts_normal") and against.strength == "strong"
                if other != NO_FINDING and other in self.concepts
            }
            if denied and denied <= self._exclusions.get(whole, {}).keys():
                return f"{whole} excludes all that {part} denies: {', '.join(sorted(denied))}"
        return ""


RULES: Mapping[str, Callable[[Proofs, Relation], str]] = {
    "denial": Proofs.prove_denial,
    "name": Proofs.prove_name,
    "inheritance": Proofs.prove_inheritance,
    "cluster": Proofs.prove_cluster,
}


def bears_out(relation: Relation, evidence: MinedEvidence) -> bool:
    """True if the interval of the odds ratio lies wholly on the side that the relation claims."""
    if relation.relation == "positive":
        return evidence.low >= MIN_RATIO
    return evidence.high <= MAX_RATIO


def contradicts(relation: Relation, evidence: MinedEvidence) -> bool:
    """True if the interval of the odds ratio lies wholly on the side that the relation denies."""
    return evidence.high <= MAX_RATIO if relation.relation == "positive" else evidence.low >= MIN_RATIO


def describe_evidence(evidence: MinedEvidence) -> str:
    """Return the counts of one corpus in a line."""
    return (
        f"{evidence.corpus}: odds ratio {evidence.odds:g} ({evidence.low:g}–{evidence.high:g}), "
        f"together in {evidence.together:g} of {evidence.studies} studies "
        f"({evidence.expected:g} by chance)"
    )


def _list_denied(form: str) -> list[str]:
    found = DENIAL.fullmatch(form)
    return [_singular(part) for part in re.split(r" or | and |, ", found[1])] if found else []


def _names_kind(form: str, head: str) -> bool:
    """True if a form is the head itself, or the head with words before it that qualify it."""
    words, wanted = _singular(form).split(), head.split()
    before = words[: -len(wanted)]
    return bool(wanted) and words[-len(wanted) :] == wanted and PREPOSITIONS.isdisjoint(before)


def _singular(phrase: str) -> str:
    return " ".join(w[:-1] if re.search(r"[^siu]s$", w) else w for w in _plain(phrase).split())


def _plain(phrase: str) -> str:
    return " ".join(re.findall(r"[\w'/-]+", phrase.lower()))


def count_backings(file: GraphFile, relations: Iterable[Relation]) -> dict[str, int]:
    """Count relations by what they stand on."""
    proofs = Proofs(file)
    found = [proofs.backing(relation) for relation in relations]
    return {backing: found.count(backing) for backing in BACKINGS}
