"""From what a corpus holds of a study to a Study, or to the reason why it cannot be used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ccf_pipeline.corpora.decode import LONGEST_REPORT, decode, mend
from ccf_pipeline.corpora.sections import (
    MOST_SENTENCES,
    CanonicalReport,
    canonical_report,
    has_words,
    write_canonical,
)
from ccf_pipeline.records import FindingState, ImageRef, Skipped, Split, Study

SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validate": "validate",
    "validation": "validate",
    "valid": "validate",
    "val": "validate",
    "dev": "validate",
    "test": "test",
    "testing": "test",
}
OLDEST = 130


@dataclass(frozen=True, slots=True)
class Found:
    """A study as a corpus holds it: a whole report, or its sections already apart."""

    study_id: str
    subject_id: str
    report: bytes | str = ""
    findings: str = ""
    impression: str = ""
    split: str = ""
    labels: tuple[FindingState, ...] = ()
    label_source: str | None = None
    image: ImageRef | None = None
    image_missing: str | None = None
    age: str = ""
    sex: str = ""
    notes: tuple[str, ...] = ()


def make_study(corpus: str, found: Found) -> Study | Skipped:
    """A usable study, or the reason why it is not one."""
    if max(len(found.report), len(found.findings), len(found.impression)) > LONGEST_REPORT:
        return Skipped(study_id=found.study_id, reason="too_large", detail=f"over {LONGEST_REPORT} bytes")
    report, notes = _read_sections(found)
    if isinstance(report, Skipped):
        return report
    split = SPLIT_WORDS.get(found.split.strip().lower())
    if found.split.strip() and split is None:
        return Skipped(study_id=found.study_id, reason="unknown_split", detail=found.split[:40])
    return Study(
        corpus=corpus,
        study_id=found.study_id,
        subject_id=found.subject_id,
        split=split or "train",
        text=report.text,
        sentences=report.sentences,
        read_from=report.read_from,
        labels=found.labels,
        label_source=found.label_source,
        image=found.image,
        image_missing=None if found.image else found.image_missing or "no_image_listed",
        age=_parse_age(found.age),
        sex=_parse_sex(found.sex),
        notes=(*found.notes, *notes) if split else (*found.notes, *notes, "split_not_given"),
    )


def _read_sections(found: Found) -> tuple[CanonicalReport | Skipped, tuple[str, ...]]:
    notes: tuple[str, ...] = ()
    sections = []
    for name, given in (("findings", found.findings), ("impression", found.impression)):
        text, mended = mend(given)
        notes += mended
        if has_words(text):
            sections.append((name, " ".join(text.split())))
    whole = ""
    report: CanonicalReport | None = None
    if sections:
        report = write_canonical(sections, read_from="+".join(name for name, _ in sections))
    else:
        decoded = decode(found.report) if isinstance(found.report, bytes) else None
        whole, mended = mend(decoded.text if decoded else str(found.report))
        notes += (*(decoded.notes if decoded else ()), *mended)
        report = canonical_report(whole) if has_words(whole) else None
    if report is None or not has_words(report.text.partition(":")[2]):
        return _skip_without_read(found.study_id, whole), ()
    if len(report.sentences) > MOST_SENTENCES:
        return Skipped(study_id=found.study_id, reason="too_many_sentences"), ()
    return report, tuple(dict.fromkeys(notes))


def _skip_without_read(study_id: str, whole: str) -> Skipped:
    if not has_words(whole):
        return Skipped(study_id=study_id, reason="empty_report")
    return Skipped(study_id=study_id, reason="no_read", detail="no findings, impression or last paragraph")


def _parse_age(written: str) -> int | None:
    """Whole years; "045Y", "45.0" and "45" are the same."""
    match = re.match(r"\s*0*(\d{1,3})(?:\.\d*)?\s*[yY]?\s*\Z", written)
    return int(match.group(1)) if match and int(match.group(1)) <= OLDEST else None


def _parse_sex(written: str) -> str | None:
    """`F` or `M`, as MIMIC-IV writes it."""
    letter = written.strip()[:1].upper()
    return letter if letter in ("F", "M") else None
