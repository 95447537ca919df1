"""The records of a report and of what was read in it."""

from __future__ import annotations

from ccf_pipeline.records.words import Noun, Polarity, Side, Split, Temporality


class Sentence(Noun):
    """One sentence of a study's text, numbered from 1 as the expert sees it."""

    number: int
    section: str
    start: int
    end: int
    text: str


class FindingState(Noun):
    """The state of one of the fourteen findings; a finding not spoken of has none."""

    finding: str
    state: Polarity


class ImageRef(Noun):
    """The one image a study is paired with; `sha256` binds the bytes to the text once they were read."""

    image_id: str
    path: str
    view: str | None = None
    sha256: str | None = None


class Study(Noun):
    """A report with what is known around it.

    `text` is the canonical report, `FINDINGS: …` and `IMPRESSION: …` on a line each;
    the sentences' offsets point into it. `notes` are codes of what had to be mended or assumed to read it,
    `image_missing` says why there is no image.
    """

    corpus: str
    study_id: str
    subject_id: str
    split: Split
    text: str
    sentences: tuple[Sentence, ...]
    read_from: str
    labels: tuple[FindingState, ...] = ()
    label_source: str | None = None
    image: ImageRef | None = None
    image_missing: str | None = None
    age: int | None = None
    sex: str | None = None
    notes: tuple[str, ...] = ()


class Skipped(Noun):
    """A study that could not be used, and why: it is counted, never lost."""

    study_id: str
    reason: str
    detail: str = ""


class Mention(Noun):
    """A statement of a text on one concept, and its place; offsets point into the text read."""

    concept: str
    polarity: Polarity
    start: int
    end: int
    sentence: int
    side: Side | None = None
    region: str | None = None
    severity: str | None = None
    temporality: Temporality | None = None
    cue: str | None = None
    implied_by: str | None = None
