"""The tables of a lexicon: what follows from a concept, and the meaning of the rules' words."""

from __future__ import annotations

from dataclasses import dataclass

from ccf_pipeline.reader.entries import FrameTable
from ccf_pipeline.records import Side, Temporality


@dataclass(frozen=True)
class Denial:
    """A concept that a normal state denies; `unless_excepted` when an exception in the sentence lifts it."""

    concept: str
    unless_excepted: bool


@dataclass(frozen=True, eq=False)
class Tables:
    """The tables of a lexicon, which the walk over a sentence looks things up in.

    `frames` say what is meant where something is said of a part of the chest. `implying` are the concepts
    that another follows from.
    """

    frames: FrameTable
    denials: dict[str, tuple[Denial, ...]]
    denial_states: dict[str, tuple[str, ...]]
    parents: dict[str, tuple[str, ...]]
    implying: frozenset[str]
    labels: dict[str, tuple[str, ...]]
    temporal_concepts: dict[str, Temporality]
    plural_of: dict[str, str]
    sided: frozenset[str]
    devices: frozenset[str]
    cancels_no_finding: frozenset[str]
    abnormal: frozenset[str]
    label_synonyms: dict[str, str]
    signs: dict[str, tuple[str, str]]
    yielding_signs: frozenset[str]
    wires_and_clips: frozenset[str]
    headings_of_history: frozenset[str]
    wider_regions: dict[str, frozenset[str]]
    sides_of_regions: dict[str, Side]
    of_bones: frozenset[str]
    topics: dict[str, str]
    enlargements: dict[str, str]
    likely: frozenset[str]
    probable: frozenset[str]
    hardly_seen: tuple[str, ...]
    alone: dict[str, str]
    pulls: frozenset[str]
    pushes: frozenset[str]
    bones: frozenset[str]
    contraries: dict[str, str]
    verdicts: dict[str, tuple[str, ...]]
