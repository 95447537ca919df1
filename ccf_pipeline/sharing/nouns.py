"""The nouns of sharing: what leaves a build folder at each level, and what comes of it.

L0, the recipe, holds ids, labels, digests and figures. L1, the delta, adds how each text is made from
the holder's own copy of the corpus. L2 is everything.
"""

from __future__ import annotations

from typing import Literal

from ccf_pipeline.records import (
    BuildSummary,
    CorpusTerms,
    Direction,
    Label,
    Lineage,
    MatchedImage,
    Noun,
    ReasonCount,
    Record,
    Scores,
    Split,
)

ShareLevel = Literal["L0", "L1", "L2"]
Source = Literal["new", "report", "phrase"]
Form = Literal["same", "lower", "title", "upper"]
Setting = str | int | float | bool | None

SHARE_FORMAT = 2


# --- a text as what is new in it and what the holder has ----------------------------------------


class Respelling(Noun):
    """A word that is spelled otherwise in the text than where it is copied from.

    Its letters are written as `form` says; so many are kept, and the suffix follows.
    """

    word: int
    form: Form = "same"
    keep: int
    suffix: str = ""


class Piece(Noun):
    """Letters that are new, or words `first` to `first + count` of the study's report or of a phrase.

    In a share `respelled` is empty: letters tell of the words they stand in, so they are sealed with the row.
    """

    source: Source
    text: str = ""
    phrase: int = -1
    first: int = 0
    count: int = 0
    respelled: tuple[Respelling, ...] = ()


class TextDelta(Noun):
    """One text of a record, in pieces; `field` is its path, such as `steps.0.text`."""

    field: str
    pieces: tuple[Piece, ...]


class Place(Noun):
    """The place of a phrase in the corpus: from this word on of this study's report."""

    study_id: str
    first: int


class Phrase(Noun):
    """Words that the expert wrote and that some report holds too: only places are told, and a check.

    They are four in a row, three of which one is rare, or a whole sentence that was borrowed. Their numbers
    follow their check values, so that they tell nothing of the alphabet.
    """

    number: int
    words: int = 4
    check: str
    places: tuple[Place, ...]


# --- rows ---------------------------------------------------------------------------------------


class RecipeRow(Noun):
    """A row of L0: which pair was made, and how it was judged; no text."""

    record_id: str
    corpus: str
    study_id: str
    subject_id: str
    split: Split
    image_id: str | None
    image_path: str | None
    image_sha256: str | None
    view: str | None
    matched_image: MatchedImage | None
    direction: Direction
    target: str
    swap_from: tuple[str, ...]
    factual_labels: tuple[Label, ...]
    counterfactual_labels: tuple[Label, ...]
    scores: Scores
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
    source_check: str
    record_check: str


class DeltaRow(Record):
    """A row of L1: the record with its texts taken out, and how each is made again from the report.

    Whatever counts letters or tokens of a report is sealed: only who holds the reports can open it.
    """

    texts: tuple[TextDelta, ...]
    sealed: str
    source_check: str
    record_check: str


# --- the share as a whole -----------------------------------------------------------------------


class Slip(Noun):
    """The key of the check values, sealed with the reports of some studies together."""

    study_ids: tuple[str, ...]
    sealed: str


class Recipe(Noun):
    """The origin of a share; `settings` are those of the build, without paths."""

    format: int = SHARE_FORMAT
    level: ShareLevel
    terms: CorpusTerms
    permission: str = ""
    settings: dict[str, Setting]
    lineage: Lineage
    expert: str
    model: str
    rows: int
    studies: int
    left_out: tuple[ReasonCount, ...]
    summary: BuildSummary
    key_check: str = ""
    slips: tuple[Slip, ...] = ()


class SharedFile(Noun):
    """A file of a share."""

    path: str
    bytes: int
    sha256: str


class Leak(Noun):
    """Something that may not leave: what kind, and where; never the text itself."""

    kind: str
    file: str
    place: str
    count: int


class LeakReport(Noun):
    """The result of a scan for leaks."""

    files: int
    strings: int
    source_reports: int
    leaks: tuple[Leak, ...]


class ShareSummary(Noun):
    """The files of a share that were written, or would be."""

    level: ShareLevel
    rows: int
    studies: int
    phrases: int
    left_out: tuple[ReasonCount, ...]
    files: tuple[SharedFile, ...]
    scan: LeakReport


class MissingRow(Noun):
    """A row that could not be made again, and why."""

    record_id: str
    study_id: str
    reason: str


class RehydrateSummary(Noun):
    """The rows of a share: shared = rebuilt + missing by reason."""

    level: ShareLevel
    shared: int
    rebuilt: int
    missing: tuple[ReasonCount, ...]
    configs: tuple[tuple[str, int], ...]
    remarks: tuple[str, ...]


class PushSummary(Noun):
    """The files that went to the Hub, or in a dry run would go."""

    repository: str
    endpoint: str
    level: ShareLevel
    dry_run: bool
    files: tuple[SharedFile, ...]
    uploaded: int
    unchanged: int
    commit: str
    scan: LeakReport
