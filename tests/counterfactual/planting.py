"""Faults planted in good pairs, each with the codes by which the checker may name it."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ccf_pipeline.counterfactual.edit.align import same_words
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import Pair

SIDES = {"left": "right", "right": "left", "Left": "Right", "Right": "Left"}
NO = re.compile(r"\b(?:No|no|There is no|without) (?=[a-z])")
DEVICE = re.compile(
    r"\b(?:tube|catheter|PICC|pacemaker|port|line|lead|drain|wires|ETT|IABP|Dobhoff|Swan)", re.IGNORECASE
)
IMPRESSION = "\nIMPRESSION: "
# What "no acute process" excludes; a plaque or a nodule may stand beside it.
ACUTE = ("fnd_consolidation", "fnd_pneumonia", "fnd_edema", "fnd_pneumothorax", "fnd_pleural_effusion")


@dataclass(frozen=True)
class Planted:
    """A pair with one fault, and the codes that name it."""

    fault: str
    pair: Pair
    codes: frozenset[str]


def plant_faults(pair: Pair, chance: random.Random) -> Iterator[Planted]:
    """Every fault that this pair offers a place for."""
    for fault, (make, codes) in FAULTS.items():
        text = make(pair, chance)
        if text is not None and same_words(text) != same_words(pair.candidate):
            yield Planted(fault, pair.model_copy(update={"candidate": text}), frozenset(codes))


def _kept(pair: Pair) -> list[tuple[int, int]]:
    """The spans of candidate sentences that are the factual report's own."""
    own = {same_words(pair.factual[a:b]) for _, a, b in split_report(pair.factual)}
    spans = [(a, b) for _, a, b in split_report(pair.candidate)]
    return [(a, b) for a, b in spans if same_words(pair.candidate[a:b]) in own]


def _change_one(
    pair: Pair, chance: random.Random, pattern: re.Pattern[str], new: Callable[[str], str]
) -> str | None:
    places = [(a, b) for a, b in _kept(pair) if pattern.search(pair.candidate[a:b])]
    if not places:
        return None
    a, b = chance.choice(places)
    sentence = pair.candidate[a:b]
    return pair.candidate[:a] + new(sentence) + pair.candidate[b:]


def delete_no(pair: Pair, chance: random.Random) -> str | None:
    return _change_one(pair, chance, NO, lambda sentence: NO.sub("", sentence, count=1))


def flip_side(pair: Pair, chance: random.Random) -> str | None:
    pattern = re.compile(r"\b(?:left|right)\b", re.IGNORECASE)
    return _change_one(
        pair,
        chance,
        pattern,
        lambda sentence: pattern.sub(lambda m: SIDES.get(m[0], m[0]), sentence, count=1),
    )


def drop_device(pair: Pair, chance: random.Random) -> str | None:
    return _change_one(pair, chance, DEVICE, lambda sentence: "")


def leave_impression(pair: Pair, chance: random.Random) -> str | None:
    """The impression of the factual report, where the counterfactual has another one."""
    if IMPRESSION not in pair.factual or IMPRESSION not in pair.candidate:
        return None
    findings, _, new = pair.candidate.partition(IMPRESSION)
    old = pair.factual.partition(IMPRESSION)[2]
    denies = re.search(
        r"\bno (?:radiographic evidence of )?acute\b|\bunremarkable\b|\bnormal\b", old, re.IGNORECASE
    )
    if old == new or (pair.direction == "add" and not (denies and pair.target in ACUTE)):
        return None
    return findings + IMPRESSION + old


FAULTS: dict[str, tuple[Callable[[Pair, random.Random], str | None], tuple[str, ...]]] = {
    "delete no": (
        delete_no,
        ("collateral_change", "self_contradiction", "unrelated_rewrite", "exclusive_asserted"),
    ),
    "flip a side": (flip_side, ("collateral_change", "self_contradiction", "unrelated_rewrite")),
    "drop a device": (drop_device, ("collateral_change", "unrelated_rewrite")),
    "leave the impression": (
        leave_impression,
        ("target_missing", "target_denied_elsewhere", "exclusive_asserted", "self_contradiction"),
    ),
}
