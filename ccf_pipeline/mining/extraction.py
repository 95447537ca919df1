"""Reports in batches → what a language model says goes together → relations beside the curated graph.

This is the paper's own route to a graph. Terms become concepts through the graph's surface forms; a term
that no form knows is kept for a person, never guessed at.
"""

from __future__ import annotations

import hashlib
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import ValidationError

from ccf_pipeline.errors import GraphError
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.model import GraphFile, Relation, Source
from ccf_pipeline.graph.names import find_concept
from ccf_pipeline.mining.mined import ExtractedRelation, ExtractionReport, ExtractionStatus
from ccf_pipeline.reader import CCF, Lexicon, read_text
from ccf_pipeline.reader.facts import is_asserted
from ccf_pipeline.records import NO_FINDING, Completion, Message, Noun, Template


class CaseRow(Noun):
    """One report of a batch, in the model's terms."""

    report: int
    diseases: tuple[str, ...]
    features: tuple[str, ...]


class DiseaseFeatures(Noun):
    """The features that the model maps to a disease."""

    disease: str
    features: tuple[str, ...]


class ExtractionAnswer(Noun):
    """The answer of a model to a batch, as JSON."""

    cases: tuple[CaseRow, ...]
    disease_feature_map: tuple[DiseaseFeatures, ...]


# --- asking -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """Some reports to ask about at once."""

    study_ids: tuple[str, ...]
    texts: tuple[str, ...]

    def halves(self) -> tuple[Batch, ...]:
        """The batch in two, for an answer that was too long; one report has no halves."""
        if len(self.texts) < 2:
            return ()
        middle = len(self.texts) // 2
        return tuple(
            Batch(self.study_ids[part], self.texts[part]) for part in (slice(middle), slice(middle, None))
        )

    def prompt_id(self, template: Template) -> str:
        """The same for the same reports under the same wording."""
        asked = "\x1e".join((template.digest, *self.study_ids, *self.texts))
        return hashlib.sha256(asked.encode()).hexdigest()

    def messages(self, template: Template) -> tuple[Message, ...]:
        reports = (f'<report n="{n}">\n{text}\n</report>' for n, text in enumerate(self.texts, 1))
        user = string.Template(template.user).substitute(count=len(self.texts), reports="\n\n".join(reports))
        return Message(role="system", content=template.system), Message(role="user", content=user)


def read_answer(completion: Completion, batch: Batch) -> ExtractionAnswer | None:
    """The rows of an answer that came to its end and holds to the form; None otherwise."""
    if completion.finish_reason != "stop":
        return None
    try:
        answer = ExtractionAnswer.model_validate_json(completion.text)
    except ValidationError:
        return None
    numbers = [row.report for row in answer.cases]
    in_batch = all(1 <= number <= len(batch.texts) for number in numbers)
    return answer if in_batch and len(set(numbers)) == len(numbers) else None


# --- terms ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """From what a model calls something to the graph's concepts."""

    graph: ConceptGraph
    lexicon: Lexicon
    known: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)

    def concepts(self, term: str) -> frozenset[str] | None:
        """The concepts a term names: by label or form, or as the reader reads it; None if nothing knows it.

        Temporal words and "No Finding" are known, and are no concepts that a graph relates.
        """
        term = " ".join(term.split()).lower()
        if term not in self.known:
            self.known[term] = self._look_up(term)
        named = self.known[term]
        return named - set(self.lexicon.temporal_concepts) - {NO_FINDING} if named else None

    def _look_up(self, term: str) -> frozenset[str]:
        if not any(letter.isalnum() for letter in term):
            return frozenset()
        try:
            return frozenset({find_concept(term, self.graph.file.concepts).id})
        except GraphError:
            mentions = read_text(term, self.lexicon, CCF)
            return frozenset(mention.concept for mention in mentions if is_asserted(mention))


# --- merging ----------------------------------------------------------------------------------


@dataclass
class Extraction:
    """All answers so far; the order in which they came does not matter."""

    terms: Terms
    cases: int = 0
    with_disease: Counter[str] = field(default_factory=Counter)
    with_feature: Counter[str] = field(default_factory=Counter)
    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    mapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, answer: ExtractionAnswer) -> None:
        """Count the rows and the map of one batch."""
        for row in answer.cases:
            diseases, features = self._find_named(row.diseases), self._find_named(row.features)
            self.cases += 1
            self.with_disease.update(diseases)
            self.with_feature.update(features)
            self.together.update((a, b) for a in diseases for b in features if a != b)
        pairs = {
            (disease, feature)
            for entry in answer.disease_feature_map
            for disease in self._find_named([entry.disease])
            for feature in self._find_named(entry.features)
            if disease != feature
        }
        self.mapped.update(pairs)

    def _find_named(self, terms: Sequence[str]) -> frozenset[str]:
        named: set[str] = set()
        for term in dict.fromkeys(terms):
            concepts = self.terms.concepts(term)
            if concepts is None:
                self.unknown[" ".join(term.split()).lower()] += 1
            else:
                named |= concepts
        return frozenset(named)


@dataclass(frozen=True)
class Comparison:
    """The extracted relations beside those of the graph."""

    extraction: Extraction
    graph: ConceptGraph
    min_cases: int

    def rows(self) -> tuple[ExtractedRelation, ...]:
        """Every relation extracted often enough, and every sign of the graph that was not."""
        found = [self._make_row(*pair, "not in ours") for pair in self._supported]
        rows = [row.model_copy(update=self._find_beside(row)) for row in found]
        missed = [self._make_row(*pair, "ours not seen") for pair in self._missed]
        return tuple(sorted([*rows, *missed], key=_get_sort_key))

    @cached_property
    def _supported(self) -> set[tuple[str, str]]:
        """The pairs whose disease is one, seen in enough cases and linked by the model at least once.

        A case with two diseases does not say which feature is whose: the model's own map does.
        """
        return {
            pair
            for pair, cases in self.extraction.together.items()
            if cases >= self.min_cases and self.extraction.mapped[pair] and self._is_disease(pair[0])
        }

    @cached_property
    def _missed(self) -> set[tuple[str, str]]:
        signs = {
            (finding.id, relation.other(finding.id))
            for finding in self.graph.findings
            for relation in self.graph.supports(finding.id)
            if finding.id != NO_FINDING
        }
        seen = self._supported | {(feature, disease) for disease, feature in self._supported}
        return signs - seen

    def _is_disease(self, concept: str) -> bool:
        return self.graph.concept(concept).kind != "normal_state"

    def _find_beside(self, row: ExtractedRelation) -> dict[str, str]:
        curated = next(
            (r for r in self.graph.relations_of(row.disease) if r.other(row.disease) == row.feature), None
        )
        if curated is None:
            excluding = self.graph.excludes(row.disease, row.feature)
            return {"status": "contradicted", "curated": excluding.key} if excluding else {}
        status: ExtractionStatus = "confirmed" if curated.relation == "positive" else "contradicted"
        return {"status": status, "curated": curated.key}

    def _make_row(self, disease: str, feature: str, status: ExtractionStatus) -> ExtractedRelation:
        extraction = self.extraction
        return ExtractedRelation(
            disease=disease,
            feature=feature,
            status=status,
            cases=extraction.together[disease, feature],
            cases_with_disease=extraction.with_disease[disease],
            cases_with_feature=extraction.with_feature[feature],
            batches_mapped=extraction.mapped[disease, feature],
        )


def _get_sort_key(row: ExtractedRelation) -> tuple[int, int, str, str]:
    """Sort rows that need a person first, those with the most cases before the others."""
    return STATUS_ORDER.index(row.status), -row.cases, row.disease, row.feature


STATUS_ORDER: tuple[ExtractionStatus, ...] = ("contradicted", "not in ours", "confirmed", "ours not seen")


def draft_graph(report: ExtractionReport, graph: ConceptGraph) -> GraphFile:
    """The curated graph as the extraction would have its signs, for `ccf-build graph diff`.

    Signs that were not seen are gone and new ones are there; exclusions and correlates, of which an
    extraction says nothing, stand as they are.
    """
    unseen = {frozenset((r.disease, r.feature)) for r in report.relations if r.status == "ours not seen"}
    signs = {relation.key for finding in graph.findings for relation in graph.supports(finding.id)}
    kept = [
        relation
        for relation in graph.file.relations
        if relation.key not in signs or frozenset((relation.source, relation.target)) not in unseen
    ]
    new = [_draft_relation(row, report) for row in report.relations if row.status == "not in ours"]
    source = Source(title=f"Extracted from {report.cases} reports by {report.model}, nobody has looked yet")
    return graph.file.model_copy(
        update={
            "version": f"{graph.version}+extracted",
            "sources": {**graph.file.sources, DRAFT_SOURCE: source},
            "relations": (*kept, *new),
        }
    )


DRAFT_SOURCE = "EXTRACTED"


def _draft_relation(row: ExtractedRelation, report: ExtractionReport) -> Relation:
    share = row.cases / max(row.cases_with_disease, 1)
    return Relation(
        source=row.disease,
        target=row.feature,
        relation="positive",
        kind="sign_of",
        scope="same_region",
        strength="strong" if share >= 0.3 else "moderate" if share >= 0.1 else "weak",
        why=f"Together in {row.cases} of {row.cases_with_disease} extracted cases of the disease.",
        sources=(DRAFT_SOURCE,),
        review="cited",
    )
