"""Samples that depend on the rows and a seed alone: not on their order, their number of shards or workers."""

from __future__ import annotations

import hashlib
import heapq
import itertools
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


def draw(seed: int, key: str) -> int:
    """The number that a row draws in the lottery."""
    return int.from_bytes(hashlib.blake2b(f"{seed}\x1f{key}".encode(), digest_size=8).digest(), "big")


class Sample(Generic[T]):
    """The `size` rows that drew the lowest numbers."""

    def __init__(self, size: int, seed: int) -> None:
        self._size = size
        self._seed = seed
        self._kept: list[tuple[int, str, T]] = []

    def add(self, key: str, value: T) -> None:
        # A heap gives its smallest: with numbers turned round, the row that is to go first.
        entry = (-draw(self._seed, key), key, value)
        if len(self._kept) < self._size:
            heapq.heappush(self._kept, entry)
        elif self._size and entry[:2] > self._kept[0][:2]:
            heapq.heapreplace(self._kept, entry)

    def values(self) -> list[T]:
        """In the order of the lottery."""
        return [value for _, _, value in sorted(self._kept, key=lambda entry: (-entry[0], entry[1]))]


class StratifiedSample(Generic[T]):
    """Up to `each` rows of every kind, the rare kinds as well as the common ones."""

    def __init__(self, each: int, seed: int) -> None:
        self._each = each
        self._seed = seed
        self._strata: dict[Hashable, Sample[T]] = {}

    def add(self, kind: Hashable, key: str, value: T) -> None:
        if kind not in self._strata:
            self._strata[kind] = Sample(self._each, self._seed)
        self._strata[kind].add(key, value)

    def in_turns(self) -> Iterator[T]:
        """One of each kind, then a second of each: wherever one stops, no kind is favoured."""
        columns = [self._strata[kind].values() for kind in sorted(self._strata, key=str)]
        for turn in itertools.zip_longest(*columns):
            yield from (value for value in turn if value is not None)
