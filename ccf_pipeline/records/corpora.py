"""The records of a corpus: its terms, and counts of reading it."""

from __future__ import annotations

from ccf_pipeline.records.words import Noun, Sensitivity


class CorpusTerms(Noun):
    """The terms of a corpus: who may see its texts, and whether what is made of them may leave."""

    kind: str
    name: str
    sensitivity: Sensitivity
    terms: str
    citation: str = ""
    adaptations_may_be_shared: bool = True


class ReasonCount(Noun):
    """A reason and its count."""

    reason: str
    count: int


class KnownTotal(Noun):
    """The published size of a whole corpus, beside what was found."""

    what: str
    expected: int
    found: int


class Funnel(Noun):
    """The studies of a corpus: found = used + skipped by reason."""

    terms: CorpusTerms
    images_root: str
    found: int
    used: int
    skipped: tuple[ReasonCount, ...]
    read_from: tuple[ReasonCount, ...]
    label_sources: tuple[ReasonCount, ...]
    splits: tuple[ReasonCount, ...]
    views: tuple[ReasonCount, ...]
    without_image: tuple[ReasonCount, ...]
    notes: tuple[ReasonCount, ...]
    known_totals: tuple[KnownTotal, ...]
    remarks: tuple[str, ...]


class TrainingImage(Noun):
    """A study's image as a model is trained on it; `sha256` is that of the bytes at `path`."""

    study_id: str
    image_id: str
    path: str
    sha256: str
    source_sha256: str
    recipe: str
    width: int
    height: int


class ImagesSummary(Noun):
    """The images of a corpus: studies = converted + as they were + refused + without image.

    A JPEG that was made smaller counts as converted.
    """

    studies: int
    converted: int
    as_they_were: int
    refused: tuple[ReasonCount, ...]
    without_image: tuple[ReasonCount, ...]
