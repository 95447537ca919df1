"""Draw changes of a study: by their worth, by the weights of findings, and by lot.

Everything is counted in whole thousandths of a unit of log-odds, so that every machine draws the same.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

UNIT = 1000
LOTS = 1 << 14
_WORD = (1 << 64) - 1

C = TypeVar("C")


@dataclass(frozen=True)
class Option(Generic[C]):
    """A change that a study is open to.

    Args:
        key: what no two of a study's changes may share, its target.
        code: stands for the change in the draw.
        pull: what it is worth before weights and lot.
    """

    change: C
    key: str
    code: int
    pull: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def choose(
    options: Sequence[Option[C]], study_lot: int, weights: Mapping[str, int], count: int
) -> list[Option[C]]:
    """The best so many options by pull, weights and lot, each with another key."""
    worth = [
        option.pull
        + option_lot(study_lot, option.code)
        + sum(weights.get(finding, 0) for finding in option.gained)
        - sum(weights.get(finding, 0) for finding in option.lost)
        for option in options
    ]
    # Sorting is stable and the worth a whole number: of equals the first stands, on every machine.
    ranked = sorted(range(len(options)), key=lambda number: -worth[number])
    chosen: dict[str, Option[C]] = {}
    for number in ranked:
        if len(chosen) == count:
            break
        chosen.setdefault(options[number].key, options[number])
    return list(chosen.values())


def in_units(odds: float) -> int:
    """Odds as thousandths of a unit of log-odds."""
    return round(UNIT * math.log(odds))


def lot(seed: int, *names: str) -> int:
    """A number of 64 bits that depends on nothing but what is named."""
    text = "\x1f".join((str(seed), *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def option_lot(study_lot: int, code: int) -> int:
    """Return what chance adds to an option, drawn so that odds decide how often it comes first."""
    # The upper fourteen bits of the stirred word choose one of 16,384 quantiles.
    return lot_values()[mix(study_lot ^ code) >> 50]


@lru_cache(maxsize=1)
def lot_values() -> tuple[int, ...]:
    """The quantiles of Gumbel's distribution: the best of scores so shaken is drawn by its odds."""
    return tuple(round(-UNIT * math.log(-math.log((number + 0.5) / LOTS))) for number in range(LOTS))


def mix(word: int) -> int:
    """Stir 64 bits (the finalizer of SplitMix64)."""
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & _WORD
    return word ^ (word >> 31)
