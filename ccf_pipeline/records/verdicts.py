"""The records of an edit and its verdict."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records.reports import Sentence
from ccf_pipeline.records.words import Direction, Level, Noun, ReasonCode


class SentenceEdit(Noun):
    """One step of an edit: replace or drop a sentence, or write a new one after it."""

    action: Literal["replace", "drop", "insert"]
    number: int
    text: str = ""


class EditScript(Noun):
    """The answer of an expert under the `edits` strategy, as JSON."""

    edits: tuple[SentenceEdit, ...]


class Edit(Noun):
    """The counterfactual report, aligned with the sentences it came from.

    `problem` says why an answer could not be applied; the text is then the factual one.
    """

    plan_id: str
    steps: tuple[SentenceEdit, ...]
    text: str
    sentences: tuple[Sentence, ...]
    origins: tuple[int, ...]
    problem: str | None = None


class Problem(Noun):
    """One reason against an edit, worded so that it can go back to the expert as an instruction.

    `relation` is the key of the relation of the graph that it rests on. From `start` to `end` stand the words
    of the counterfactual that it is about, from `factual_start` to `factual_end` those of the factual report,
    where there are such.
    """

    code: ReasonCode
    message: str
    level: Level = "block"
    sentence: int | None = None
    relation: str | None = None
    start: int | None = None
    end: int | None = None
    factual_start: int | None = None
    factual_end: int | None = None


class Scores(Noun):
    """Measures of how far an edit went."""

    sentences_kept: float
    token_distance: float
    length_ratio: float
    supports_found: int


class Verdict(Noun):
    """The checker's judgement of one edit."""

    plan_id: str
    accepted: bool
    problems: tuple[Problem, ...]
    scores: Scores


class Pair(Noun):
    """A counterfactual that somebody made: two texts, and what was asked for, by the graph's ids.

    Where nobody says what was asked for, `target` is None and the texts tell.
    """

    pair_id: str
    factual: str
    candidate: str
    target: str | None
    direction: Direction
    swap_from: tuple[str, ...] = ()


class AuditedPair(Noun):
    """The verdict on one pair of a data set; `reasons` are the codes that refuse it."""

    id: str
    accepted: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    target: str | None = None
    direction: Direction | None = None
    problems: tuple[Problem, ...] = ()
    scores: Scores | None = None
