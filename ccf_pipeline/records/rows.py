"""A row of the data set, and what a person says of it."""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records.plans import MatchedImage
from ccf_pipeline.records.verdicts import Problem, Scores, SentenceEdit
from ccf_pipeline.records.words import Direction, Element, Noun, Polarity, Split


class Lineage(Noun):
    """The versions that a whole build was made with."""

    graph_version: str
    graph_digest: str
    prompt_digest: str
    code_version: str


class Label(Noun):
    """A finding's state under its CheXpert name, as readers of the data set know it."""

    finding: str
    state: Polarity


class Borrowed(Noun):
    """A sentence that the counterfactual has from another report of the corpus.

    It stands from `start` to `end` of `counterfactual_text`, and from word `first_word` on in the report of
    `study_id`, with left and right exchanged where `is_mirrored`; so many `patients` have it.
    """

    start: int
    end: int
    study_id: str
    first_word: int
    patients: int
    is_mirrored: bool = False


class Record(Noun):
    """A row of the data set: the pair, its verdict, and where all of it came from.

    Findings go by their CheXpert names here, not by their ids in the graph. `chosen_text` is the factual
    report in the expert's own words, where it was asked for them. `borrowed` tells which of the new sentences
    are the corpus's own; the embedded expert has the others from the phrases of the graph. Tokens are those
    of all attempts together.
    """

    record_id: str
    corpus: str
    study_id: str
    subject_id: str
    split: Split
    image_id: str | None
    image_path: str | None
    image_sha256: str | None
    view: str | None
    matched_image: MatchedImage | None = None
    direction: Direction
    target: str
    swap_from: tuple[str, ...]
    element: Element | None = None
    diagnosis: str | None = None
    factual_text: str
    chosen_text: str | None = None
    counterfactual_text: str
    factual_labels: tuple[Label, ...]
    counterfactual_labels: tuple[Label, ...]
    label_source: str
    steps: tuple[SentenceEdit, ...]
    borrowed: tuple[Borrowed, ...] = ()
    accepted: bool
    problems: tuple[Problem, ...]
    scores: Scores
    why: str
    expert: str
    model: str
    strategy: str
    attempt: int
    tokens_in: int
    tokens_cached: int
    tokens_out: int
    seed: int
    graph_version: str
    graph_digest: str
    prompt_digest: str
    code_version: str


Opinion = Literal["plausible", "implausible", "unsure"]
ReviewMode = Literal["blind", "side_by_side"]
Shown = Literal["factual", "counterfactual"]


class Judgement(Noun):
    """The judgement of one reader on one report; the reader's last one on that report holds."""

    record_id: str
    reader: str
    mode: ReviewMode
    shown: Shown
    direction: Direction
    target: str
    opinion: Opinion
    reasons: tuple[str, ...] = ()
    comment: str = ""
    seconds: float = 0.0
    judged_at: str
