"""Relations that a corpus shows: mined by counting, or extracted by a language model."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ccf_pipeline.graph.model import MinedEvidence
from ccf_pipeline.records import Noun, ReasonCount

Status = Literal["confirmed", "unseen", "contradicted", "proposed", "explained", "by definition"]
ExtractionStatus = Literal["confirmed", "not in ours", "contradicted", "ours not seen"]
Evidence = Literal["positive", "exclusive", "none"]


class Thresholds(Noun):
    """The evidence that a relation needs. A corpus of 200,000 reports makes every trifle significant."""

    min_support: int = Field(default=5, ge=1, description="Studies that must assert a concept, or a pair.")
    fdr: float = Field(default=0.05, gt=0, lt=1, description="Share of false discoveries to put up with.")
    min_ratio: float = Field(default=2.0, gt=1, description="Odds ratio that a positive pair surely reaches.")
    max_ratio: float = Field(
        default=0.5, gt=0, lt=1, description="One that an exclusive pair surely stays under."
    )
    min_expected: float = Field(
        default=8.0, gt=0, description="Chance co-assertions an exclusive pair must lack."
    )


class MinedRelation(Noun):
    """A pair of concepts: how often the reports assert them together, and what the graph says of it."""

    concept_a: str
    concept_b: str
    status: Status
    evidence: Evidence
    curated: str | None = Field(default=None, description="The key of the graph's relation.")
    curated_as: str | None = Field(default=None, description="Its relation and kind.")
    inherited: bool = Field(default=False, description="Whether the pair takes that relation over.")
    condition: str = Field(default="", description="When that relation holds; mining does not look.")
    explained_by: str | None = Field(
        default=None, description="The concept that the association runs through."
    )
    studies_a: int
    studies_b: int
    together: float = Field(
        description="Studies asserting both; where both have sides, half a study per side."
    )
    expected: float = Field(description="The same by chance, among reports of the same length.")
    overlapping: int = Field(description="Studies asserting both where their places overlap.")
    same_words: int = Field(description="Studies where the same words assert both: no independent evidence.")
    odds_ratio: float
    odds_low: float
    odds_high: float
    q_value: float | None = Field(default=None, description="None for a pair too rare to be tested.")
    odds_ratio_given_explanation: float | None = None
    a_present_b_denied: int
    b_present_a_denied: int
    both_denied: int
    one_in_doubt: int = Field(description="Studies that doubt one and assert or doubt the other.")


class MiningReport(Noun):
    """The result of mining: counts, measures, and every pair worth a line."""

    corpus: str
    graph_version: str
    graph_digest: str
    thresholds: Thresholds
    studies_read: int
    studies_skipped: tuple[ReasonCount, ...]
    concepts: int
    pairs_tested: int
    relations: tuple[MinedRelation, ...]


class ExtractedRelation(Noun):
    """A disease and a feature that a model found together in cases, and what the graph says of them."""

    disease: str
    feature: str
    status: ExtractionStatus
    curated: str | None = Field(default=None, description="The key of the graph's relation.")
    cases: int = Field(description="Reports for which the model named both.")
    cases_with_disease: int
    cases_with_feature: int
    batches_mapped: int = Field(description="Batches in which the model mapped the feature to the disease.")


class ExtractionReport(Noun):
    """The result of an extraction: what was asked, what came back, and how it compares with the graph."""

    corpus: str
    model: str
    graph_version: str
    graph_digest: str
    prompt_digest: str
    min_cases: int
    studies_read: int
    studies_skipped: tuple[ReasonCount, ...]
    studies_unreadable: int = Field(description="Studies whose answer was cut off or held to no form.")
    studies_left_out: int = Field(description="Studies that an answer passed over.")
    cases: int
    answers_kept_before: int
    answers_paid_for: int
    tokens_in: int
    tokens_out: int
    unknown_terms: tuple[ReasonCount, ...] = Field(description="Terms that no form of the graph knows.")
    relations: tuple[ExtractedRelation, ...]


def collect_evidence(report: MiningReport, corpus: str) -> dict[str, MinedEvidence]:
    """Return the counts of the graph's own relations that the corpus confirms or contradicts, by key."""
    return {
        row.curated: MinedEvidence(
            corpus=corpus,
            studies=report.studies_read,
            together=row.together,
            expected=round(row.expected, 1),
            odds=_round_ratio(row.odds_ratio),
            low=_round_ratio(row.odds_low),
            high=_round_ratio(row.odds_high),
        )
        for row in report.relations
        if row.curated and not row.inherited and row.status in ("confirmed", "contradicted")
    }


def _round_ratio(ratio: float) -> float:
    return float(f"{ratio:.3g}")
