"""Sources of studies: each reader turns what lies on disk into Study or Skipped, in a fixed order."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import Skipped, Study
from ccf_pipeline.settings import CorpusSettings


def read_corpus(settings: CorpusSettings) -> Iterator[Study | Skipped]:
    """Every study of the corpus that the settings name."""
    from ccf_pipeline.io.corpora.mimic import read_mimic

    # The demo corpus is laid out as MIMIC-CXR is; only its name, and so who may see it, differs.
    studies = read_mimic(settings.path, corpus=settings.kind)
    return itertools.islice(studies, settings.limit)


def require_corpus(settings: CorpusSettings) -> None:
    """Refuse a mistyped path before anything is written for it."""
    if not settings.path.exists():
        raise MissingInput(f"{settings.path}: there is no such corpus folder")
