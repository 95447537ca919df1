"""Measure how often texts alone prefer the right side: of the rows trained on, and of thinking pairs.

Of the training mix it is 0.5 by construction, and measured all the same from the rows as they were written:
a figure that is computed from what was meant to be written would not see a fault of the export.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np

from ccf_pipeline.quality.artefacts import Kind, Sides, measure_preference, split_patients
from ccf_pipeline.quality.figures import TextAlone
from ccf_pipeline.quality.rates import rounded

MIX: Literal["training mix"] = "training mix"
THINKING: Literal["thinking pairs"] = "thinking pairs"
Features = Literal["words", "characters", "encoder"]
MOST_ROWS: dict[Features, int] = {"words": 6000, "characters": 2000, "encoder": 2000}
_KINDS: dict[Features, Kind] = {"words": "words", "characters": "common characters"}

TextPair = tuple[str, str]
"""The chosen and the rejected text of a row."""


def measure_text_alone(
    mix: Sequence[TextPair], thinking: Sequence[TextPair], patients: Sequence[str], *, encoder: bool = False
) -> Iterator[TextAlone]:
    """Measure the preference by text alone, by words, by characters and, if asked for, by an encoder.

    Args:
        mix: rows of the training configs, those of a pair and its mirror together.
        thinking: pairs as they were judged, the factual text chosen.
        patients: whose the thinking pairs are.
    """
    for features, most in MOST_ROWS.items():
        if features == "encoder" and not encoder:
            continue
        yield _measure(MIX, features, *_take_groups(mix, text_groups(mix), most))
        yield _measure(THINKING, features, list(thinking[:most]), list(patients[:most]))


def text_groups(rows: Iterable[TextPair]) -> list[str]:
    """Return a name for each row, the same for all rows that share a text with each other by any chain.

    Rows of one group are learnt from together or judged together: a text that was seen on one side would be
    known on the other.
    """
    above: dict[int, int] = {}

    def top(number: int) -> int:
        while above.setdefault(number, number) != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    numbers: dict[str, int] = {}
    ends = [tuple(numbers.setdefault(text, len(numbers)) for text in row) for row in rows]
    for chosen, rejected in ends:
        above[top(chosen)] = top(rejected)
    return [str(top(chosen)) for chosen, _ in ends]


def _take_groups(
    rows: Sequence[TextPair], groups: Sequence[str], most: int
) -> tuple[list[TextPair], list[str]]:
    """Return whole groups until there are so many rows."""
    if len(rows) <= most:
        return list(rows), list(groups)
    sizes: dict[str, int] = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    room, kept = most, set()
    for group, size in sizes.items():
        if size <= room:
            kept.add(group)
            room -= size
    chosen = [(row, group) for row, group in zip(rows, groups, strict=True) if group in kept]
    return [row for row, _ in chosen], [group for _, group in chosen]


def _measure(
    pairs: Literal["training mix", "thinking pairs"],
    features: Features,
    rows: Sequence[TextPair],
    groups: Sequence[str],
) -> TextAlone:
    chosen, rejected = [c for c, _ in rows], [r for _, r in rows]
    if features == "encoder":
        value = _measure_by_encoder(chosen, rejected, groups)
    else:
        value = measure_preference(Sides(pairs, _KINDS[features], chosen, rejected, groups))
    return TextAlone(pairs=pairs, features=features, rows=len(rows), value=value)


def _measure_by_encoder(
    chosen: Sequence[str], rejected: Sequence[str], groups: Sequence[str]
) -> float | None:
    """Return how often a small transformer prefers the chosen text; to save time, of one fold only."""
    from ccf_pipeline.quality.probe.encoder import Encoder

    split = split_patients(groups)
    if split is None:
        return None
    learnt, judged = split
    encoder = Encoder()
    encoder.train([chosen[n] for n in learnt], [rejected[n] for n in learnt])
    right = encoder.score([chosen[n] for n in judged])
    wrong = encoder.score([rejected[n] for n in judged])
    return rounded(float(np.mean((right > wrong) + 0.5 * (right == wrong))))
