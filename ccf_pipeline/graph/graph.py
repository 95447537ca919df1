"""ConceptGraph: the questions that planning, prompting and checking ask of a graph file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ccf_pipeline.graph import relevance as relevant
from ccf_pipeline.graph.digest import digest_of
from ccf_pipeline.graph.kinship import Kinship
from ccf_pipeline.graph.model import Concept, GraphFile, Mimic, Region, Relation, Strength
from ccf_pipeline.graph.names import find_concept, unknown_concept
from ccf_pipeline.graph.neighbourhood import Neighbourhood, find_neighbourhood
from ccf_pipeline.graph.places import Place, RegionTree
from ccf_pipeline.graph.proofs import Proofs
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING

if TYPE_CHECKING:
    import networkx

STRENGTH_ORDER: dict[Strength, int] = {"strong": 0, "moderate": 1, "weak": 2}
SIGN_ORDER = {"sign_of": 0, "is_a": 1, "modifier": 2, "location": 3, "normal_cluster": 4}


@dataclass(frozen=True, eq=False)
class ConceptGraph:
    """A graph file made answerable; an answer is a look-up in a table built when first asked for."""

    file: GraphFile

    def __reduce__(self) -> tuple[type[ConceptGraph], tuple[GraphFile]]:
        return ConceptGraph, (self.file,)

    # --- concepts ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def version(self) -> str:
        return self.file.version

    @cached_property
    def digest(self) -> str:
        """The same for the same content, whatever the order of blocks, comments or line breaks."""
        return digest_of(self.file)

    @cached_property
    def concepts(self) -> Mapping[str, Concept]:
        return {concept.id: concept for concept in self.file.concepts}

    @cached_property
    def findings(self) -> tuple[Concept, ...]:
        """The fourteen, in the order of CheXpert's tables."""
        return tuple(self.concepts[finding] for finding in FINDING_LABELS if finding in self.concepts)

    @cached_property
    def attributes(self) -> tuple[Concept, ...]:
        return tuple(concept for concept in self.file.concepts if concept.kind == "attribute")

    @cached_property
    def normal_states(self) -> tuple[Concept, ...]:
        return tuple(concept for concept in self.file.concepts if concept.kind == "normal_state")

    def __contains__(self, concept_id: object) -> bool:
        return concept_id in self.concepts

    def concept(self, concept_id: str) -> Concept:
        if concept_id not in self.concepts:
            raise unknown_concept(concept_id, self.file.concepts)
        return self.concepts[concept_id]

    def find(self, spoken: str) -> Concept:
        """A concept by its id, its label, one of its forms, or a loose spelling of these."""
        return find_concept(spoken, self.file.concepts)

    # --- kinds ------------------------------------------------------------------------

    @cached_property
    def kinship(self) -> Kinship:
        return Kinship.of(self.file.relations)

    def parents(self, concept_id: str) -> tuple[str, ...]:
        """Return what this is a kind of; a `variant` inherits nothing and has no parents by it."""
        return self.kinship.parents.get(concept_id, ())

    def children(self, concept_id: str) -> tuple[str, ...]:
        return self.kinship.children.get(concept_id, ())

    def ancestors(self, concept_id: str) -> tuple[str, ...]:
        """Return everything this is a kind of, nearest first."""
        return self._ancestors.get(concept_id, ())

    def descendants(self, concept_id: str) -> tuple[str, ...]:
        """Every kind of this, nearest first."""
        return self._descendants.get(concept_id, ())

    @cached_property
    def _ancestors(self) -> Mapping[str, tuple[str, ...]]:
        return {concept: self.kinship.above(concept)[1:] for concept in self.concepts}

    @cached_property
    def _descendants(self) -> Mapping[str, tuple[str, ...]]:
        return {concept: self.kinship.below(concept)[1:] for concept in self.concepts}

    def other_names(self, finding_id: str) -> tuple[str, ...]:
        """Attributes by which reports mean the finding itself, and that set its label alone: CHF, edema."""
        return self._other_names.get(finding_id, ())

    @cached_property
    def _other_names(self) -> Mapping[str, tuple[str, ...]]:
        def is_name(relation: Relation, finding: str) -> bool:
            other = self.concepts.get(relation.other(finding))
            means_it = other is not None and other.sets_labels == (finding,)
            return means_it and relation.kind == "co_occurs" and relation.strength == "strong"

        return {
            finding.id: tuple(
                r.other(finding.id) for r in self.relations_of(finding.id) if is_name(r, finding.id)
            )
            for finding in self.findings
        }

    @cached_property
    def proofs(self) -> Proofs:
        """Tell what each relation stands on."""
        return Proofs(self.file)

    # --- relations --------------------------------------------------------------------

    @cached_property
    def relations(self) -> Mapping[str, Relation]:
        """By key, as problems and dataset cards name them."""
        return {relation.key: relation for relation in self.file.relations}

    @cached_property
    def _touching(self) -> Mapping[str, tuple[Relation, ...]]:
        found: dict[str, list[Relation]] = {concept.id: [] for concept in self.file.concepts}
        for relation in self.file.relations:
            for end in {relation.source, relation.target}:
                found.setdefault(end, []).append(relation)
        return {end: tuple(relations) for end, relations in found.items()}

    def relations_of(self, concept_id: str) -> tuple[Relation, ...]:
        """Every relation that names this concept, in the order of the file."""
        return self._touching.get(concept_id, ())

    @cached_property
    def _supports(self) -> Mapping[str, tuple[Relation, ...]]:
        def signs(finding: str) -> list[Relation]:
            return [relation for relation in self.relations_of(finding) if self._is_sign(relation, finding)]

        def order(relation: Relation) -> tuple[int, int]:
            return STRENGTH_ORDER[relation.strength], SIGN_ORDER[relation.kind]

        return {finding.id: tuple(sorted(signs(finding.id), key=order)) for finding in self.findings}

    def _is_sign(self, relation: Relation, finding: str) -> bool:
        if not relation.may_be_written or relation.kind not in SIGN_ORDER:
            return False
        # Tension implies pneumothorax; a pneumothorax is no reason to write tension.
        if relation.one_way and relation.target == finding:
            return False
        other = self.concepts.get(relation.other(finding))
        # Only "no finding" is shown by normal states; a device in good position is no sign of a device.
        wanted = "normal_state" if finding == NO_FINDING else "attribute"
        return other is not None and other.kind == wanted

    def supports(self, finding_id: str) -> tuple[Relation, ...]:
        """The relations whose other end is a sign of the finding and may be written, strongest first."""
        return self._supports.get(finding_id, ())

    @cached_property
    def _excluded(self) -> Mapping[str, Mapping[str, Relation]]:
        return self.kinship.exclusion_table(self.file.relations)

    def excluded(self, concept_id: str) -> Mapping[str, Relation]:
        """Every concept that cannot stand beside this one, with the relation that says so."""
        return self._excluded.get(concept_id, {})

    def excludes(self, a: str, b: str) -> Relation | None:
        """The most specific relation by which the two exclude each other; the same both ways round."""
        return self.excluded(a).get(b)

    @cached_property
    def _exclusions(self) -> Mapping[str, tuple[Relation, ...]]:
        return {
            concept: tuple(sorted(dict.fromkeys(excluded.values()), key=lambda r: STRENGTH_ORDER[r.strength]))
            for concept, excluded in self._excluded.items()
        }

    def exclusions(self, concept_id: str) -> tuple[Relation, ...]:
        """The exclusive relations that hold here, the concept's own and those taken over, strongest first."""
        return self._exclusions.get(concept_id, ())

    @cached_property
    def _implied_denials(self) -> Mapping[str, tuple[str, ...]]:
        deniable = {concept.id for concept in self.file.concepts if concept.kind != "normal_state"}
        return {
            state.id: tuple(
                other
                for other, relation in self.excluded(state.id).items()
                if other in deniable and _is_plain_denial(relation)
            )
            for state in self.normal_states
        }

    def implied_denials(self, normal_state_id: str) -> tuple[str, ...]:
        """The findings and attributes, kinds included, that a plain statement of this normal state denies."""
        return self._implied_denials.get(normal_state_id, ())

    @cached_property
    def _normal_states_of(self) -> Mapping[str, tuple[str, ...]]:
        def order(pair: tuple[str, Relation]) -> tuple[bool, bool, int]:
            relation = pair[1]
            return relation.kind != "negation", relation.when is not None, STRENGTH_ORDER[relation.strength]

        normal = {state.id for state in self.normal_states}
        return {
            concept: tuple(other for other, _ in sorted(excluded.items(), key=order) if other in normal)
            for concept, excluded in self._excluded.items()
        }

    def normal_states_of(self, finding_id: str) -> tuple[str, ...]:
        """The normal states that cannot stand beside the finding, its plain negation first."""
        return self._normal_states_of.get(finding_id, ())

    @cached_property
    def words_of_change(self) -> frozenset[str]:
        """New, unchanged, worse: they are said of a finding and say nothing by themselves."""
        temporal = {end for r in self.file.relations if r.kind == "temporal" for end in (r.source, r.target)}
        signs = {r.other(finding.id) for finding in self.findings for r in self.supports(finding.id)}
        return frozenset(temporal - signs)

    def mimics_of(self, concept_id: str) -> tuple[Mimic, ...]:
        """Return what looks like this concept and is not."""
        return tuple(mimic for mimic in self.file.mimics if mimic.target == concept_id)

    # --- choosing ---------------------------------------------------------------------

    @cached_property
    def _relevances(self) -> Mapping[tuple[str, str], float]:
        return relevant.relevance_table(self)

    def relevance(self, a: str, b: str) -> float:
        """Return how hard the two findings are to tell apart, from 0 to 1; the same both ways round."""
        return 1.0 if a == b else self._relevances.get((a, b), 0.0)

    def neighbourhood(self, target: str, shown: Collection[str] = ()) -> Neighbourhood:
        """Return what an edit towards `target` may add and must remove, given what the study shows."""
        return find_neighbourhood(self, target, shown)

    # --- places and severities --------------------------------------------------------

    @cached_property
    def region_tree(self) -> RegionTree:
        return RegionTree(self.file.regions)

    @property
    def regions(self) -> Mapping[str, Region]:
        return self.region_tree.regions

    def overlaps(self, place_a: Place, place_b: Place) -> bool:
        """True if two places, each (side, region), share any of the chest."""
        return self.region_tree.overlap(place_a, place_b)

    def lies_within(self, region: str, regions: Collection[str]) -> bool:
        """True if a region is one of these or a part of one."""
        return self.region_tree.lies_within(region, regions)

    def is_of_degree(self, severity: str, least: str | None, most: str | None) -> bool | None:
        """True if a severity word is between two; None for a word the graph does not know."""
        grade = self.severity_grade(severity)
        if grade is None:
            return None
        low = self.severity_grade(least) if least else None
        high = self.severity_grade(most) if most else None
        return (low is None or grade >= low) and (high is None or grade <= high)

    @cached_property
    def _grades(self) -> Mapping[str, int]:
        grades = enumerate(self.file.severity_grades)
        return {word.lower(): grade for grade, words in grades for word in words}

    def severity_grade(self, word: str) -> int | None:
        """The rank of a severity word from 0, the least; None for a word the graph does not know."""
        return self._grades.get(word.lower())

    # --- for other tools --------------------------------------------------------------

    @cached_property
    def nx(self) -> networkx.MultiDiGraph[Any]:
        """A frozen NetworkX graph: nodes are concept ids, edges are keyed by their kind."""
        from ccf_pipeline.graph.network import network_of

        return network_of(self.file)


def _is_plain_denial(relation: Relation) -> bool:
    """True if a plain statement of a normal state is by itself a denial of the other end.

    A relation that holds only for some views, severities, acuities or wordings denies a part
    of the other concept; the concept as a whole may still be there.
    """
    if relation.kind not in ("negation", "contradicts_normal") or relation.strength != "strong":
        return False
    return relation.when is None or not relation.when.names_a_part
