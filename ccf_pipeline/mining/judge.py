"""From counts to relations: which pairs have evidence, and how that stands beside the curated graph."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ccf_pipeline.graph import ConceptGraph, Relation
from ccf_pipeline.graph.words import describe_condition
from ccf_pipeline.mining.counts import Tally
from ccf_pipeline.mining.explaining_away import Explanations
from ccf_pipeline.mining.mined import Evidence, MinedRelation, Status, Thresholds
from ccf_pipeline.mining.odds import Numbers, Odds, pooled_odds, singles, two_sided_p
from ccf_pipeline.records import NO_FINDING

Pair = tuple[int, int]
SAME_WORDS = "the same words"
ORDER: dict[Status, int] = {
    "contradicted": 0,
    "proposed": 1,
    "explained": 2,
    "confirmed": 3,
    "unseen": 4,
    "by definition": 5,
}


def judge_pairs(tally: Tally, graph: ConceptGraph, thresholds: Thresholds) -> tuple[MinedRelation, ...]:
    """Every pair that the graph relates or the reports do, what needs a person's eye first."""
    if not tally.studies.sum():
        return ()
    measured = Measured.of(tally, graph, thresholds)
    curated = curated_relations(graph, tally.concepts)
    explanations = Explanations.of(tally)
    rows = []
    # "No Finding" is what is left when nothing else is: it explains relations and has none.
    said = [number for number, concept in enumerate(tally.concepts) if concept != NO_FINDING]
    for pair in combinations(said, 2):
        row = _judge(measured, explanations, curated.get(pair), pair)
        if row is not None:
            rows.append(row)
    return tuple(
        sorted(rows, key=lambda r: (ORDER[r.status], -abs(math.log(r.odds_ratio)), r.concept_a, r.concept_b))
    )


def pairs_tested(tally: Tally, thresholds: Thresholds) -> int:
    """Return how many pairs are asked about: those of concepts that are asserted often enough."""
    frequent = int((_count_studies(tally) >= thresholds.min_support).sum())
    return frequent * (frequent - 1) // 2


@dataclass(frozen=True)
class Curated:
    """A relation of the graph that speaks of a pair, directly or because a kind takes it over."""

    relation: Relation
    inherited: bool

    @property
    def holds_by_definition(self) -> bool:
        # The reader calls a nodule a lung lesion because the graph does; raw labels do not obey the
        # hierarchy either. Counting could only echo the one or blame the other.
        return self.relation.kind in ("is_a", "label_logic")


def curated_relations(graph: ConceptGraph, concepts: tuple[str, ...]) -> Mapping[Pair, Curated]:
    """By pair, the relation that decides: is-a first, then what is written of the pair, then inheritance."""
    index = {concept: number for number, concept in enumerate(concepts)}

    def pair(a: str, b: str) -> Pair | None:
        if a not in index or b not in index:
            return None
        return min(index[a], index[b]), max(index[a], index[b])

    found: dict[Pair, Curated] = {}
    by_standing = sorted(graph.file.relations, key=lambda relation: relation.kind != "is_a")
    for relation in by_standing:
        if (here := pair(relation.source, relation.target)) is not None:
            found.setdefault(here, Curated(relation, inherited=False))
    for concept in concepts:
        for above in graph.ancestors(concept):
            if (here := pair(concept, above)) is not None and here not in found:
                step = next(
                    r for r in graph.relations_of(concept) if r.kind == "is_a" and r.source == concept
                )
                found[here] = Curated(step, inherited=True)
        for other, relation in graph.excluded(concept).items():
            if (here := pair(concept, other)) is not None:
                found.setdefault(here, Curated(relation, inherited=True))
    return found


@dataclass(frozen=True)
class Measured:
    """The odds of every pair, and what counts as evidence."""

    tally: Tally
    thresholds: Thresholds
    odds: Odds
    q_values: Numbers
    """nan for pairs that are too rare to be tested."""
    studies_with: Numbers

    @classmethod
    def of(cls, tally: Tally, graph: ConceptGraph, thresholds: Thresholds) -> Measured:
        odds = _compute_odds_by_side(tally, graph)
        studies_with = _count_studies(tally)
        frequent = studies_with >= thresholds.min_support
        tested = np.triu(frequent[:, None] & frequent[None, :], 1)
        q_values = np.full(tested.shape, np.nan)
        if tested.any():
            from scipy.stats import false_discovery_control

            # Benjamini and Hochberg's q-values: the false discovery rate at which each pair would just pass.
            q_values[tested] = false_discovery_control(two_sided_p(odds.z[tested]))
        return cls(tally, thresholds, odds, q_values, studies_with)

    def is_significant(self, pair: Pair) -> bool:
        return bool(self.q_values[pair] <= self.thresholds.fdr)

    def is_wording(self, pair: Pair) -> bool:
        """True if two concepts go together because most often the same words say both."""
        return bool(2 * self.tally.same_words[pair] >= self.tally.pairs[:, pair[0], pair[1]].sum())

    def evidence(self, pair: Pair) -> Evidence:
        """Return what the reports alone say of a pair, if they say it clearly."""
        chosen, odds = self.thresholds, self.odds
        if not self.is_significant(pair):
            return "none"
        if odds.together[pair] >= chosen.min_support and odds.low[pair] >= math.log(chosen.min_ratio):
            return "positive"
        if odds.expected[pair] >= chosen.min_expected and odds.high[pair] <= math.log(chosen.max_ratio):
            return "exclusive"
        return "none"

    def status(self, pair: Pair, relation: Relation) -> Status:
        """Return how the reports stand to a curated relation.

        To confirm a sign it is enough that the two go together; an exclusion must be kept, and is
        contradicted where two concepts stand together about as often as chance has it.
        """
        odds, chosen = self.odds, self.thresholds
        rarely = math.log(chosen.max_ratio)
        if relation.relation == "positive":
            if self.is_significant(pair) and odds.low[pair] > 0 and odds.together[pair] >= chosen.min_support:
                return "confirmed"
            against = self.is_significant(pair) and odds.high[pair] < 0 and odds.log_ratio[pair] <= rarely
            return "contradicted" if against else "unseen"
        if self.is_significant(pair) and odds.log_ratio[pair] <= rarely and odds.high[pair] < 0:
            return "confirmed"
        expected_enough = (
            odds.expected[pair] >= chosen.min_expected and odds.together[pair] >= chosen.min_support
        )
        return "contradicted" if expected_enough and odds.low[pair] >= rarely else "unseen"


def _count_studies(tally: Tally) -> Numbers:
    alone: Numbers = np.einsum("sii->i", tally.pairs).astype(np.float64)
    return alone


def _compute_odds_by_side(tally: Tally, graph: ConceptGraph) -> Odds:
    """Of two concepts with sides, each side of a chest is half a study; else the study is one."""
    sided = np.array([graph.concept(concept).sides != "none" for concept in tally.concepts])
    both_sided = sided[:, None] & sided[None, :]
    whole, halves = tally.pairs.astype(np.float64), tally.pairs_by_side / 2
    both = np.where(both_sided, halves, whole)
    with_a = np.where(both_sided, singles(halves), singles(whole))
    return pooled_odds(
        both, with_a, with_a.transpose(0, 2, 1), tally.studies[:, None, None].astype(np.float64)
    )


def _judge(
    measured: Measured, explanations: Explanations, curated: Curated | None, pair: Pair
) -> MinedRelation | None:
    evidence = measured.evidence(pair)
    if curated is None:
        if evidence == "none":
            return None
        return _make_uncurated_relation(measured, explanations, pair, evidence)
    relation = curated.relation
    status: Status = "by definition" if curated.holds_by_definition else measured.status(pair, relation)
    if curated.inherited and (status in ("unseen", "by definition")):
        return None
    return _make_mined_relation(measured, pair, status, evidence).model_copy(
        update={
            "curated": relation.key,
            "curated_as": f"{relation.relation} {relation.kind}",
            "inherited": curated.inherited,
            "condition": describe_condition(relation.when),
        }
    )


def _make_uncurated_relation(
    measured: Measured, explanations: Explanations, pair: Pair, evidence: Evidence
) -> MinedRelation:
    if evidence == "positive" and measured.is_wording(pair):
        return _make_mined_relation(measured, pair, "explained", evidence).model_copy(
            update={"explained_by": SAME_WORDS}
        )
    explained = explanations.of_pair(pair, measured.thresholds)
    if explained is None:
        return _make_mined_relation(measured, pair, "proposed", evidence)
    return _make_mined_relation(measured, pair, "explained", evidence).model_copy(
        update={
            "explained_by": measured.tally.concepts[explained.concept],
            "odds_ratio_given_explanation": _round_ratio(math.exp(explained.log_ratio)),
        }
    )


def _make_mined_relation(measured: Measured, pair: Pair, status: Status, evidence: Evidence) -> MinedRelation:
    tally, odds = measured.tally, measured.odds
    a, b = pair
    q_value = float(measured.q_values[pair])
    return MinedRelation(
        concept_a=tally.concepts[a],
        concept_b=tally.concepts[b],
        status=status,
        evidence=evidence,
        studies_a=int(measured.studies_with[a]),
        studies_b=int(measured.studies_with[b]),
        together=float(odds.together[pair]),
        expected=_round_ratio(odds.expected[pair]),
        overlapping=int(tally.overlapping[pair]),
        same_words=int(tally.same_words[pair]),
        odds_ratio=_round_ratio(math.exp(odds.log_ratio[pair])),
        odds_low=_round_ratio(math.exp(odds.low[pair])),
        odds_high=_round_ratio(math.exp(odds.high[pair])),
        q_value=None if math.isnan(q_value) else _round_ratio(q_value),
        a_present_b_denied=int(tally.present_denied[a, b]),
        b_present_a_denied=int(tally.present_denied[b, a]),
        both_denied=int(tally.both_denied[a, b]),
        one_in_doubt=int(tally.one_in_doubt[a, b]),
    )


def _round_ratio(value: float) -> float:
    """Four digits: all that the counts bear, and the same on every machine."""
    return float(f"{value:.4g}")
