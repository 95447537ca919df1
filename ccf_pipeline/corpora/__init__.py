"""Read corpora: each reader turns what lies on disk into Study or Skipped, in a fixed order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import is_zipfile

from ccf_pipeline.corpora.mimic_layout import find_layout
from ccf_pipeline.corpora.packed_files import Survey
from ccf_pipeline.corpora.terms import TERMS
from ccf_pipeline.errors import MissingInput, PatientLeakage, UnreadableInput
from ccf_pipeline.files.plugins import load_plugins
from ccf_pipeline.records import CorpusTerms, Skipped, Study, TrainingImage
from ccf_pipeline.settings import CorpusSettings

TABLES_NEEDED = {"split": "split", "image": "metadata"}


def read_corpus(settings: CorpusSettings, survey: Survey | None = None) -> Iterator[Study | Skipped]:
    """Every study of the corpus that the settings name: no id twice, no patient in two splits.

    Args:
        survey: takes down what is noticed on the way: damage, what is missing, how many images are listed.
    """
    require_corpus(settings)
    survey = survey or Survey()
    survey.skip_bad = settings.skip_bad
    studies = _drop_repeated(known_corpora()[settings.kind].read(settings, survey))
    bound = _read_bound_hashes(settings)
    return itertools.islice((_bind(study, bound) for study in studies) if bound else studies, settings.limit)


def require_corpus(settings: CorpusSettings) -> None:
    """Refuse a mistyped path before anything is written for it."""
    try:
        if not settings.path.exists():
            raise MissingInput(f"{settings.path}: there is no such file or folder")
        if not (settings.path.is_file() or settings.path.is_dir()):
            raise UnreadableInput(f"{settings.path}: is a pipe, a socket or a device, no file or folder")
        if settings.images is not None and not settings.images.is_dir():
            raise MissingInput(f"{settings.images}: there is no such folder of images")
        if settings.tables is not None and not settings.tables.is_dir():
            raise MissingInput(f"{settings.tables}: there is no such folder of tables")
    except PermissionError as error:
        raise UnreadableInput(
            f"{error.filename}: you may not look into its folder",
            hint="Ask its owner, or run this as a user who may read it.",
        ) from error


def require_tables(settings: CorpusSettings) -> None:
    """Refuse MIMIC-CXR without its tables: test patients would be trained on, and no image be found."""
    if settings.kind != "mimic" or settings.allow_missing_tables:
        return
    layout = find_layout(settings.path, tables=settings.tables, images=settings.images)
    if not layout.report_folders and not (layout.archive and is_zipfile(layout.archive)):
        return  # Not even reports are here: whoever reads them says so.
    lacking = [f"no {name} table" for name, key in TABLES_NEEDED.items() if key not in layout.tables]
    if lacking:
        raise MissingInput(
            f"{settings.path}: {' and '.join(lacking)} of MIMIC-CXR-JPG here or beside it",
            hint="Name the folder of mimic-cxr-jpg: --tables DIR. Or go on without, all patients in `train`"
            " or no images: --allow-missing-tables.",
        )


def corpus_terms(settings: CorpusSettings) -> CorpusTerms:
    """Return who may see what comes from this corpus; only a table of one's own may be declared open."""
    terms = known_corpora()[settings.kind].terms
    if settings.kind == "studies":
        from ccf_pipeline.corpora.ingested import read_funnel

        funnel = read_funnel(settings.path)
        terms = _read_terms(funnel.terms) if funnel else terms
    if settings.sensitivity == "credentialed" or (settings.kind == "table" and settings.sensitivity):
        return terms.model_copy(update={"sensitivity": settings.sensitivity})
    return terms


def _read_terms(told: CorpusTerms) -> CorpusTerms:
    """Return what a funnel tells, but for what may leave: an older one does not tell that."""
    known = TERMS.get(told.kind, TERMS["studies"])
    return told.model_copy(update={"adaptations_may_be_shared": known.adaptations_may_be_shared})


def images_root(settings: CorpusSettings) -> Path:
    """The folder that the studies' image paths start from."""
    if settings.images is not None:
        return settings.images
    if settings.kind == "studies":
        from ccf_pipeline.corpora.ingested import read_funnel

        funnel = read_funnel(settings.path)
        if funnel is not None:
            return Path(funnel.images_root)
    if settings.kind in ("mimic", "demo") and settings.path.exists():
        return find_layout(settings.path, tables=settings.tables).image_root
    return settings.path if settings.path.is_dir() else settings.path.parent


@dataclass(frozen=True)
class CorpusRow:
    """A kind of corpus: its terms, and the function that reads it."""

    terms: CorpusTerms
    read: Callable[[CorpusSettings, Survey], Iterable[Study | Skipped]]


def known_corpora() -> dict[str, CorpusRow]:
    """Return every kind of corpus: those of the package, then those of installed plug-ins."""
    readers = {
        "openi": _read_openi,
        "chexpert_plus": _read_chexpert_plus,
        "table": _read_table,
        "studies": _read_studies,
        "mimic": _read_mimic,
        "demo": _read_mimic,
    }
    shipped = {kind: CorpusRow(TERMS[kind], read) for kind, read in readers.items()}
    return shipped | load_plugins("ccf_pipeline.corpora", CorpusRow)


def _read_openi(settings: CorpusSettings, survey: Survey) -> Iterable[Study | Skipped]:
    from ccf_pipeline.corpora.openi import read_openi

    return read_openi(settings.path, survey, images=settings.images)


def _read_chexpert_plus(settings: CorpusSettings, survey: Survey) -> Iterable[Study | Skipped]:
    from ccf_pipeline.corpora.chexpert_plus import read_chexpert_plus

    return read_chexpert_plus(settings.path, survey, images=settings.images)


def _read_table(settings: CorpusSettings, survey: Survey) -> Iterable[Study | Skipped]:
    from ccf_pipeline.corpora.tables import read_tables

    return read_tables(settings.path, survey, settings.columns, images=settings.images)


def _read_studies(settings: CorpusSettings, survey: Survey) -> Iterable[Study | Skipped]:
    from ccf_pipeline.corpora.ingested import read_ingested

    return read_ingested(settings.path)


def _read_mimic(settings: CorpusSettings, survey: Survey) -> Iterable[Study | Skipped]:
    """Read MIMIC-CXR, or the demo corpus, which is laid out alike: only who may see it differs."""
    from ccf_pipeline.corpora.mimic import read_mimic

    kind: Literal["mimic", "demo"] = "demo" if settings.kind == "demo" else "mimic"
    return read_mimic(
        settings.path, survey, corpus=kind, images=settings.images, tables_folder=settings.tables
    )


def _read_bound_hashes(settings: CorpusSettings) -> dict[str, bytes]:
    """Return which bytes `ccf-build images` made of each study, where it made the folder of images."""
    made = settings.images / "images.parquet" if settings.images else None
    if made is None or not made.is_file():
        return {}
    from ccf_pipeline.files.arrow import read_nouns

    return {image.study_id: bytes.fromhex(image.sha256) for image in read_nouns(made, TrainingImage)}


def _bind(study: Study | Skipped, bound: dict[str, bytes]) -> Study | Skipped:
    """Name the bytes that belong to the study; an image that was not made for it is none."""
    if isinstance(study, Skipped) or study.image is None:
        return study
    digest = bound.get(study.study_id)
    if digest is None:
        return study.model_copy(update={"image": None, "image_missing": "image_not_made_for_it"})
    image = study.image.model_copy(update={"sha256": digest.hex()})
    return study.model_copy(update={"image": image})


def _drop_repeated(studies: Iterable[Study | Skipped]) -> Iterator[Study | Skipped]:
    """The first study of an id counts. A patient in two splits stops everything: it leaks."""
    seen: set[str] = set()
    split_of: dict[str, str] = {}
    for study in studies:
        if isinstance(study, Skipped):
            yield study
            continue
        if study.study_id in seen:
            yield Skipped(
                study_id=study.study_id, reason="duplicate_study", detail="its first occurrence counts"
            )
            continue
        seen.add(study.study_id)
        before = split_of.setdefault(study.subject_id, study.split)
        if before != study.split:
            raise PatientLeakage(f"patient {study.subject_id} is in `{before}` and in `{study.split}`")
        yield study
