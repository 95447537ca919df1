"""The tables of MIMIC-CXR and MIMIC-CXR-JPG, kept small: 227,835 studies take some hundred megabytes."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ccf_pipeline.corpora.ids import exact_id
from ccf_pipeline.corpora.packed_files import Survey, open_text, read_table
from ccf_pipeline.corpora.studies import SPLIT_WORDS
from ccf_pipeline.errors import PatientLeakage
from ccf_pipeline.records import FINDING_LABELS, FindingState, Polarity

# Weakest first: what a radiologist labelled replaces what a program did.
LABEL_TABLES = ("negbio", "chexpert", "test-set-labeled")
CODES: dict[str, Polarity] = {"1": "present", "0": "absent", "-1": "uncertain"}
SIGNS = {"1": "+", "0": "0", "-1": "?"}
MEANING: dict[str, Polarity] = {"+": "present", "0": "absent", "?": "uncertain"}
# The labelled test set says "Airspace Opacity" for what the other tables call "Lung Opacity".
ALIASES = {"Lung Opacity": ("Airspace Opacity",)}
VIEW_OF_CODE = {"postero-anterior": "PA", "antero-posterior": "AP"}
FRONTAL_VIEWS = ("PA", "AP")
ELSEWHERE = {
    "study_id": "cxr-study-list.csv.gz",
    "subject_id": "cxr-study-list.csv.gz",
    "dicom_id": "cxr-record-list.csv.gz",
    "split": "mimic-cxr-2.0.0-split.csv.gz",
}
_IMAGE_PATH = re.compile(r"s(\d{8})/([0-9A-Za-z.\-]+)\.(?:jpg|dcm)\Z")


@dataclass
class MimicTables:
    """The MIMIC tables by study id as a number. A table that is not there leaves its part empty.

    `labels` holds a source's number and a sign for each finding, `images` the views and names of the
    frontal images ("PA/2f3c…"), `.` for another view and `?` for one that is not recorded.
    """

    found: dict[str, Path] = field(default_factory=dict)
    labels: dict[int, str] = field(default_factory=dict)
    splits: dict[int, str] = field(default_factory=dict)
    split_of_subject: dict[str, str] = field(default_factory=dict)
    images: dict[int, str] = field(default_factory=dict)
    years: dict[int, int] = field(default_factory=dict)
    patients: dict[str, tuple[str, int]] = field(default_factory=dict)
    named: set[int] = field(default_factory=set)

    def label_states(self, study: int) -> tuple[tuple[FindingState, ...], str | None]:
        """The findings' states and which table said so."""
        signs = self.labels.get(study)
        if signs is None:
            return (), None
        states = tuple(
            FindingState(finding=finding, state=MEANING[sign])
            for finding, sign in zip(FINDING_LABELS, signs[1:], strict=True)
            if sign != " "
        )
        return states, f"mimic-cxr-jpg {LABEL_TABLES[int(signs[0])]}"

    def split_of(self, study: int, subject: str) -> str:
        """The split of the study, or else of its patient; "" where neither is listed."""
        return self.splits.get(study) or self.split_of_subject.get(subject, "")

    def age_and_sex(self, study: int, subject: str) -> tuple[str, str]:
        """From MIMIC-IV's patients table, where one has put it beside."""
        sex, birth_year = self.patients.get(subject, ("", 0))
        year = self.years.get(study)
        return (str(year - birth_year) if sex and year else ""), sex


def read_tables(found: dict[str, Path], survey: Survey) -> MimicTables:
    """All tables that are there; what is wrong with them is told before any report is read."""
    tables = MimicTables(found)
    for name in LABEL_TABLES:
        if name in tables.found:
            _read_labels(tables, name, survey)
    if "split" in tables.found:
        _read_splits(tables, tables.found["split"], survey)
    if "metadata" in tables.found:
        _read_metadata(tables, tables.found["metadata"], survey)
    if "study-list" in tables.found:
        for (study,) in read_table(tables.found["study-list"], survey, ["study_id"], elsewhere=ELSEWHERE):
            _parse_study_number(tables, study, tables.found["study-list"])
    _count_images(tables, survey)
    if "patients" in tables.found:
        _read_patients(tables, tables.found["patients"], survey)
    return tables


def _parse_study_number(tables: MimicTables, written: str, path: Path) -> int | None:
    number = _parse_number(written, path)
    if number is not None:
        tables.named.add(number)
    return number


def _parse_number(written: str, path: Path) -> int | None:
    digits = exact_id(written.removeprefix("s"), where=str(path))
    return int(digits) if digits.isdigit() else None


def _read_labels(tables: MimicTables, name: str, survey: Survey) -> None:
    path = tables.found[name]
    source = str(LABEL_TABLES.index(name))
    disagreeing = unknown = nameless = 0
    columns = ["study_id", *FINDING_LABELS.values()]
    for written, *codes in read_table(path, survey, columns, aliases=ALIASES, elsewhere=ELSEWHERE):
        study = _parse_study_number(tables, written, path)
        if study is None:
            nameless += 1
            continue
        plain = [code.strip().removesuffix(".0") for code in codes]
        unknown += sum(1 for code in plain if code and code not in SIGNS)
        signs = sys.intern(source + "".join(SIGNS.get(code, " ") for code in plain))
        before = tables.labels.get(study)
        if before is None or before[0] != source:
            tables.labels[study] = signs
        elif before != signs:
            disagreeing += 1
    _note_remark(survey, path, disagreeing, "rows repeat a study with other labels; its first row counts")
    _note_remark(survey, path, unknown, "codes are none of 1, 0, -1 and blank; they are taken as blank")
    _note_remark(survey, path, nameless, "rows have no study id; they are left out")


def _read_splits(tables: MimicTables, path: Path, survey: Survey) -> None:
    unknown = 0
    for written, split, subject in read_table(
        path, survey, ["study_id", "split"], ["subject_id"], elsewhere=ELSEWHERE
    ):
        study = _parse_study_number(tables, written, path)
        word = SPLIT_WORDS.get(split.strip().lower())
        if study is None or word is None:
            unknown += 1
            continue
        tables.splits.setdefault(study, word)
        if subject:
            patient = exact_id(subject.removeprefix("p"), where=str(path))
            if tables.split_of_subject.setdefault(patient, word) != word:
                raise PatientLeakage(
                    f"{path}: patient {patient} is in `{tables.split_of_subject[patient]}` and in `{word}`"
                )
    survey.split_sizes.update(tables.splits.values())
    _note_remark(survey, path, unknown, "rows have no study id or no split that is known; they are left out")


def _read_metadata(tables: MimicTables, path: Path, survey: Survey) -> None:
    required = ["dicom_id", "study_id", "ViewPosition"]
    optional = ["ViewCodeSequence_CodeMeaning", "StudyDate"]
    repeated = 0
    survey.images_listed = survey.images_listed or 0
    for image_id, written, position, code, date in read_table(
        path, survey, required, optional, elsewhere=ELSEWHERE
    ):
        study = _parse_study_number(tables, written, path)
        if study is None:
            continue
        view = position.strip().upper() or VIEW_OF_CODE.get(code.strip().lower(), "?")
        listed = tables.images.get(study, "")
        if view in FRONTAL_VIEWS and f"/{image_id} " in listed:
            repeated += 1
            continue
        survey.images_listed += 1
        entry = f"{view}/{image_id} " if view in FRONTAL_VIEWS else "? " if view == "?" else ". "
        tables.images[study] = listed + entry
        if date[:4].isdigit():
            tables.years.setdefault(study, int(date[:4]))
    _note_remark(survey, path, repeated, "rows repeat an image; its first row counts")


def _count_images(tables: MimicTables, survey: Survey) -> None:
    """Without a metadata table, the lists of images still say which studies there are."""
    if "record-list" in tables.found:
        path = tables.found["record-list"]
        count = 0
        for (written,) in read_table(path, survey, ["study_id"], elsewhere=ELSEWHERE):
            count += 1
            _parse_study_number(tables, written, path)
        survey.images_listed = survey.images_listed or count
    if "IMAGE_FILENAMES" in tables.found:
        count = 0
        for study in _iter_study_numbers(tables.found["IMAGE_FILENAMES"], survey):
            count += 1
            tables.named.add(study)
        survey.images_listed = survey.images_listed or count


def _iter_study_numbers(path: Path, survey: Survey) -> Iterator[int]:
    with open_text(path, survey) as file:
        for line in file:
            if match := _IMAGE_PATH.search(line.strip()):
                yield int(match.group(1))


def _read_patients(tables: MimicTables, path: Path, survey: Survey) -> None:
    for subject, sex, age, year in read_table(
        path, survey, ["subject_id", "gender", "anchor_age", "anchor_year"]
    ):
        if age.isdigit() and year.isdigit():
            tables.patients[exact_id(subject, where=str(path))] = (sys.intern(sex), int(year) - int(age))


def _note_remark(survey: Survey, path: Path, count: int, what: str) -> None:
    if count:
        survey.remarks.append(f"{path.name}: {count} {what}")
