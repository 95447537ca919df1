"""From a corpus to Study Parquet, a quarantine with reasons, and a funnel that loses nothing."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from ccf_pipeline.corpora import corpus_terms, images_root, read_corpus
from ccf_pipeline.corpora.ingested import ingest_paths
from ccf_pipeline.corpora.mimic_layout import list_homes
from ccf_pipeline.corpora.packed_files import Survey
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.files.arrow import read_row_count, write_nouns
from ccf_pipeline.files.disk import PRIVATE_FOLDER, disk_error, write_text
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.records import Funnel, KnownTotal, ReasonCount, Skipped, Study
from ccf_pipeline.settings import CorpusSettings

# MIMIC-CXR 2.0.0 and later, as its release notes and its split table count them.
MIMIC_STUDIES, MIMIC_IMAGES = 227_835, 377_110
MIMIC_SPLITS = {"train": 222_758, "validate": 1_808, "test": 3_269}
SUMS = "SHA256SUMS.txt"
MOST_NAMED = 5


def ingest(settings: CorpusSettings, out: Path, progress: Callable[[int], None] | None = None) -> Funnel:
    """Write the studies of a corpus; the funnel comes last and is read back against the files."""
    studies_path, quarantine_path, funnel_path = ingest_paths(out)
    if settings.kind == "studies":
        raise BuildConflict(f"{settings.path}: is an ingest already", hint="Give it to `ccf-build run`.")
    make_private(studies_path.parent)
    funnel_path.unlink(missing_ok=True)
    survey = Survey()
    tally = _Tally()
    skipped: list[Skipped] = []

    def usable() -> Iterator[Study]:
        for number, found in enumerate(read_corpus(settings, survey), 1):
            if progress is not None:
                progress(number)
            if isinstance(found, Skipped):
                skipped.append(found)
            else:
                tally.add(found)
                yield found

    used = write_nouns(studies_path, usable(), Study)
    write_nouns(quarantine_path, skipped, Skipped)
    reasons = Counter(entry.reason for entry in skipped)
    if settings.kind == "mimic":
        survey.remarks += listed_but_missing(settings.path)
    funnel = Funnel(
        terms=corpus_terms(settings),
        images_root=str(images_root(settings).resolve()),
        found=used + len(skipped),
        used=used,
        skipped=_rank_reasons(reasons),
        read_from=_rank_reasons(tally.read_from),
        label_sources=_rank_reasons(tally.label_sources),
        splits=_rank_reasons(tally.splits),
        views=_rank_reasons(tally.views),
        without_image=_rank_reasons(tally.without_image),
        notes=_rank_reasons(tally.notes),
        known_totals=_compare_known_totals(settings, used + len(skipped), survey, tally, reasons),
        remarks=tuple(survey.remarks),
    )
    refuse_lost_studies(funnel, studies_path, quarantine_path)
    write_text(funnel_path, funnel.model_dump_json(indent=1) + "\n")
    for path in (studies_path, quarantine_path):
        path.chmod(0o600)
    return funnel


def make_private(folder: Path) -> None:
    """Make a folder that only its owner enters; one that is there already is left as it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    except OSError as error:
        raise disk_error(folder, error) from error


def refuse_lost_studies(funnel: Funnel, studies: Path, quarantine: Path) -> None:
    """Raise an error unless every study that was found lies in one of the two files."""
    kept, set_aside = read_row_count(studies), read_row_count(quarantine)
    with_reason = sum(entry.count for entry in funnel.skipped)
    if (kept, set_aside) != (funnel.used, with_reason) or funnel.found != kept + set_aside:
        raise StorageError(
            f"{studies}: {funnel.found} studies were found, {kept + set_aside} are in the files"
        )


class _Tally:
    """Counts by reason, so that no study is kept in memory."""

    def __init__(self) -> None:
        self.read_from: Counter[str] = Counter()
        self.label_sources: Counter[str] = Counter()
        self.splits: Counter[str] = Counter()
        self.views: Counter[str] = Counter()
        self.without_image: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()

    def add(self, study: Study) -> None:
        self.read_from[study.read_from] += 1
        self.label_sources[study.label_source or "none: the reader will label"] += 1
        self.splits[study.split] += 1
        if study.image is None:
            self.without_image[study.image_missing or "unknown"] += 1
        else:
            self.views[study.image.view or "not given"] += 1
        self.notes.update(study.notes)


def _compare_known_totals(
    settings: CorpusSettings, found: int, survey: Survey, tally: _Tally, reasons: Counter[str]
) -> tuple[KnownTotal, ...]:
    """Return how this copy compares with the published whole; only where all of it was read."""
    if settings.kind != "mimic" or settings.limit is not None:
        return ()
    with_report = found - reasons["no_report"] - reasons["duplicate_study"]
    totals = [
        KnownTotal(what="studies", expected=MIMIC_STUDIES, found=found - reasons["duplicate_study"]),
        KnownTotal(what="studies with a report", expected=MIMIC_STUDIES, found=with_report),
    ]
    if survey.images_listed is not None:
        totals.append(KnownTotal(what="images listed", expected=MIMIC_IMAGES, found=survey.images_listed))
    if survey.split_sizes:
        totals += [
            KnownTotal(what=f"studies in {split}", expected=expected, found=survey.split_sizes[split])
            for split, expected in MIMIC_SPLITS.items()
        ]
    return tuple(totals)


def listed_but_missing(path: Path) -> list[str]:
    """What SHA256SUMS.txt lists and is not there, or has other bytes; files of patients are counted."""
    remarks = []
    for home in list_homes(path) if path.is_dir() else [path.parent]:
        if (home / SUMS).is_file():
            remarks += _compare_with_sums(home)
    return remarks


def _compare_with_sums(home: Path) -> list[str]:
    missing: list[str] = []
    other: list[str] = []
    absent_files = listed_files = 0
    with (home / SUMS).open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            digest, _, name = line.strip().partition(" ")
            name = name.strip().removeprefix("*").removeprefix("./")
            if not name or name.startswith("/") or ".." in name.split("/"):
                continue
            file = home / name
            if name.startswith("files/"):
                listed_files += 1
                absent_files += not file.is_file()
            elif not file.is_file():
                missing.append(name)
            elif _digest(file) != digest.lower():
                other.append(name)
    remarks = []
    if missing:
        remarks.append(f"{SUMS} lists {_format_names(missing)}, not here")
    if other:
        remarks.append(f"{SUMS} gives another checksum for {_format_names(other)}: fetch it again")
    if absent_files:
        remarks.append(f"{SUMS} lists {listed_files} files below files/, {absent_files} of them are not here")
    return remarks


def _digest(path: Path) -> str:
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _format_names(names: list[str]) -> str:
    first = ", ".join(itertools.islice(names, MOST_NAMED))
    return first if len(names) <= MOST_NAMED else f"{first} and {len(names) - MOST_NAMED} more"


def _rank_reasons(counts: Counter[str]) -> tuple[ReasonCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(ReasonCount(reason=reason, count=count) for reason, count in ordered)
