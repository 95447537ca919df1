"""Counting: which studies assert, deny or doubt which concepts together, and on which side.

A `Tally` holds counts only. It grows with the square and the cube of the number of concepts, never with
the number of studies, and adding sightings in another order or other portions gives the same tally.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import CCF, Lexicon, read_labels, read_text
from ccf_pipeline.reader.facts import is_asserted, spans_meet
from ccf_pipeline.records import NO_FINDING, Mention

Integers = NDArray[np.int64]
Rows = NDArray[np.float32]
Bits = NDArray[np.uint8]

# A long report mentions more of everything, so all concepts seem to go together; reports are compared
# with those of their own length only. Sentences that a report has at least, per stratum.
LENGTHS = (3, 5, 7, 10)
STRATA = len(LENGTHS) + 1


class Report(NamedTuple):
    """A study's text and its number of sentences."""

    text: str
    sentence_count: int


def minable_concepts(graph: ConceptGraph, lexicon: Lexicon) -> tuple[str, ...]:
    """All but temporal words, which go with any finding."""
    return tuple(concept for concept in graph.concepts if concept not in lexicon.temporal_concepts)


@dataclass(frozen=True)
class Sightings:
    """Some studies, a row of bits each, a bit per concept: small enough to pass between processes."""

    strata: Bits
    left: Bits
    right: Bits
    denied: Bits
    doubted: Bits
    overlapping: NDArray[np.int32]
    """By pair, in how many of the studies both are asserted in places that overlap."""
    same_words: NDArray[np.int32]
    """By pair, in how many the same words assert both: "nodules" are a nodule and multiple nodules."""


def sight_concepts(
    reports: Sequence[Report], graph: ConceptGraph, lexicon: Lexicon, concepts: Sequence[str]
) -> Sightings:
    """Read reports for what they assert now, deny in so many words, and doubt."""
    index = {concept: number for number, concept in enumerate(concepts)}
    left, right, denied, doubted = (np.zeros((len(reports), len(concepts)), np.bool_) for _ in range(4))
    overlapping, same_words = (np.zeros((len(concepts), len(concepts)), np.int32) for _ in range(2))
    for row, report in enumerate(reports):
        mentions = read_text(report.text, lexicon, CCF)
        seen: dict[int, list[Mention]] = {}
        for mention in mentions:
            number = index.get(mention.concept)
            if number is None:
                continue
            if is_asserted(mention):
                seen.setdefault(number, []).append(mention)
                left[row, number] |= mention.side != "right"
                right[row, number] |= mention.side != "left"
            elif _is_denied(mention):
                denied[row, number] = True
            elif mention.polarity == "uncertain":
                doubted[row, number] = True
        if NO_FINDING in index and NO_FINDING in read_labels(mentions, lexicon, CCF):
            left[row, index[NO_FINDING]] = right[row, index[NO_FINDING]] = True
        for a, b in combinations(seen, 2):
            pairs = list(product(seen[a], seen[b]))
            if any(graph.overlaps((x.side, x.region), (y.side, y.region)) for x, y in pairs):
                overlapping[a, b] += 1
            if any(spans_meet(x, [(y.start, y.end)]) for x, y in pairs):
                same_words[a, b] += 1
    asserted = left | right
    lengths = [report.sentence_count for report in reports]
    return Sightings(
        strata=np.searchsorted(LENGTHS, lengths, side="right").astype(np.uint8),
        left=np.packbits(left, axis=1),
        right=np.packbits(right, axis=1),
        denied=np.packbits(denied & ~asserted & ~doubted, axis=1),
        doubted=np.packbits(doubted & ~asserted, axis=1),
        overlapping=overlapping + overlapping.T,
        same_words=same_words + same_words.T,
    )


def _is_denied(mention: Mention) -> bool:
    # "Lungs are clear" denies a consolidation because the graph says so: no evidence for the graph.
    return mention.polarity == "absent" and mention.implied_by is None


class Tally:
    """Counts of concepts, pairs and triples over any number of studies."""

    def __init__(self, concepts: Sequence[str]) -> None:
        count = len(concepts)
        self.concepts = tuple(concepts)
        self.studies: Integers = np.zeros(STRATA, np.int64)
        self.pairs: Integers = np.zeros((STRATA, count, count), np.int64)
        """Studies asserting both; on the diagonal, studies asserting the concept."""
        self.pairs_by_side: Integers = np.zeros((STRATA, count, count), np.int64)
        """The same for the left side and the right side added up."""
        self.triples: NDArray[np.int32] = np.zeros((STRATA, count, count, count), np.int32)
        self.overlapping: Integers = np.zeros((count, count), np.int64)
        self.same_words: Integers = np.zeros((count, count), np.int64)
        self.present_denied: Integers = np.zeros((count, count), np.int64)
        """Studies asserting the first and denying the second."""
        self.both_denied: Integers = np.zeros((count, count), np.int64)
        self.one_in_doubt: Integers = np.zeros((count, count), np.int64)

    @classmethod
    def of(cls, concepts: Sequence[str], sightings: Iterable[Sightings] = ()) -> Tally:
        tally = cls(concepts)
        for some in sightings:
            tally.add(some)
        return tally

    def add(self, seen: Sightings) -> None:
        """Count some more studies."""
        left, right, denied, doubted = (
            self._make_rows(bits) for bits in (seen.left, seen.right, seen.denied, seen.doubted)
        )
        asserted = np.maximum(left, right)
        for stratum in range(STRATA):
            rows = seen.strata == stratum
            self.studies[stratum] += np.count_nonzero(rows)
            self.pairs[stratum] += _count_pairs(asserted[rows], asserted[rows])
            self.pairs_by_side[stratum] += _count_pairs(left[rows], left[rows])
            self.pairs_by_side[stratum] += _count_pairs(right[rows], right[rows])
            for concept in np.flatnonzero(asserted[rows].any(axis=0)):
                with_concept = asserted[rows & (asserted[:, concept] > 0)]
                self.triples[stratum, concept] += _count_pairs(with_concept, with_concept)
        self.overlapping += seen.overlapping
        self.same_words += seen.same_words
        self.present_denied += _count_pairs(asserted, denied)
        self.both_denied += _count_pairs(denied, denied)
        doubts = _count_pairs(doubted, asserted)
        self.one_in_doubt += doubts + doubts.T + _count_pairs(doubted, doubted)

    def _make_rows(self, bits: Bits) -> Rows:
        return np.unpackbits(bits, axis=1, count=len(self.concepts)).astype(np.float32)


def _count_pairs(a: Rows, b: Rows) -> NDArray[np.int32]:
    # Whole numbers are exact in float32 up to 16 million, and no portion has as many studies.
    return (a.T @ b).astype(np.int32)
