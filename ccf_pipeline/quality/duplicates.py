"""Rows that say nearly the same: MinHash finds candidates, the shingles themselves decide."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ccf_pipeline.quality.figures import DuplicateFigures
from ccf_pipeline.quality.rates import rate

WORDS_PER_SHINGLE = 4
NEARLY = 0.9  # Jaccard similarity of two reports' shingles
BANDS, ROWS = 12, 5  # a pair at 0.9 shares a band with probability 0.9999, one at 0.5 with 0.3
LOOKED_AT = 50  # of a bucket: one near duplicate is enough
_WORD = re.compile(r"\w+")
_MERSENNE = (1 << 61) - 1

Shingles = frozenset[int]


def near_duplicates(texts: Sequence[str], owners: Sequence[str]) -> list[bool]:
    """For each text, whether another owner has one nearly the same."""
    shingles = [_split_shingles(text) for text in texts]
    found = [False] * len(texts)
    signatures = _compute_signatures(shingles)
    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for number, signature in enumerate(signatures):
            buckets[signature[band * ROWS : (band + 1) * ROWS].tobytes()].append(number)
        for members in buckets.values():
            for number in members if len(members) > 1 else ():
                found[number] = found[number] or _is_twin(number, members, shingles, owners)
    return found


def measure_duplicates(
    factual: Sequence[str], counterfactual: Sequence[str], studies: Sequence[str]
) -> DuplicateFigures:
    """Near duplicates among studies on either side, and those that the counterfactuals brought in."""
    before, after = near_duplicates(factual, studies), near_duplicates(counterfactual, studies)
    made = sum(now and not then for then, now in zip(before, after, strict=True))
    pairs = len(studies)
    return DuplicateFigures(
        pairs=pairs,
        factual=rate(sum(before), pairs),
        counterfactual=rate(sum(after), pairs),
        made=rate(made, pairs),
    )


def _is_twin(
    number: int, members: Sequence[int], shingles: Sequence[Shingles], owners: Sequence[str]
) -> bool:
    others = (other for other in members[:LOOKED_AT] if owners[other] != owners[number])
    return any(_compute_similarity(shingles[number], shingles[other]) >= NEARLY for other in others)


def _compute_similarity(a: Shingles, b: Shingles) -> float:
    union = len(a | b)
    return len(a & b) / union if union else 1.0


def _split_shingles(text: str) -> Shingles:
    words = _WORD.findall(text.lower())
    runs = range(max(1, len(words) - WORDS_PER_SHINGLE + 1))
    return frozenset(_hash_shingle(" ".join(words[at : at + WORDS_PER_SHINGLE])) for at in runs)


@lru_cache(maxsize=200_000)
def _hash_shingle(shingle: str) -> int:
    """The same on every machine and in every process, unlike `hash`."""
    return int.from_bytes(hashlib.blake2b(shingle.encode(), digest_size=4).digest(), "big")


def _compute_signatures(shingles: Sequence[Shingles]) -> list[NDArray[np.uint64]]:
    chance = np.random.default_rng(20)
    count = BANDS * ROWS
    factors = chance.integers(1, 1 << 28, size=(count, 1), dtype=np.uint64)
    shifts = chance.integers(0, 1 << 60, size=(count, 1), dtype=np.uint64)
    return [
        ((factors * np.fromiter(sorted(one), dtype=np.uint64) + shifts) % np.uint64(_MERSENNE)).min(axis=1)
        for one in shingles
    ]
