"""Studies of the demo corpus, one after the other; each depends on the seed and its number only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ccf_pipeline.demo.cases import Case, draw_case
from ccf_pipeline.demo.patients import DemoImage, check_study_numbers, draw_visit, seeded_random
from ccf_pipeline.demo.report import write_report
from ccf_pipeline.demo.statements import TruthStatement
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Polarity, Split

CODES: dict[Polarity, float] = {"present": 1.0, "absent": 0.0, "uncertain": -1.0}


@dataclass(frozen=True, slots=True)
class DemoStudy:
    """An invented study with its report and what is true of it.

    `labels` are in CheXpert's form, by label name, from `read_from` alone as the real ones are: 1.0
    positive, 0.0 negative, -1.0 uncertain, left out when not mentioned. `truth` covers the whole report.
    """

    number: int
    subject_id: str
    study_id: str
    split: Split
    age: int
    sex: str
    view: str
    date: str
    time: str
    text: str
    sections: tuple[str, ...]
    read_from: str
    labels: Mapping[str, float]
    truth: tuple[TruthStatement, ...]
    images: tuple[DemoImage, ...]
    case: Case

    @property
    def folder(self) -> str:
        """Return where its images lie, and its report beside it: `files/p10/p10000032/s50414267`."""
        return f"files/p{self.subject_id[:2]}/p{self.subject_id}/s{self.study_id}"


def generate_studies(studies: int | range, seed: int) -> Iterator[DemoStudy]:
    """Studies 0 to `studies`, or those of a range, without writing anything."""
    numbers = range(studies) if isinstance(studies, int) else studies
    check_study_numbers(numbers)
    for number in numbers:
        yield _invent_study(seed, number)


def _invent_study(seed: int, number: int) -> DemoStudy:
    rng = seeded_random(seed, number)
    visit = draw_visit(seed, number, rng)
    case = draw_case(visit, rng)
    report = write_report(case, rng)
    return DemoStudy(
        number=number,
        subject_id=visit.patient.subject_id,
        study_id=visit.study_id,
        split=visit.patient.split,
        age=visit.age,
        sex=visit.patient.sex,
        view=visit.view,
        date=visit.date,
        time=visit.time,
        text=report.text,
        sections=report.sections,
        read_from=report.read_from,
        labels=_code_labels(case),
        truth=report.truth,
        images=visit.images,
        case=case,
    )


def _code_labels(case: Case) -> dict[str, float]:
    labels = {
        label: CODES[case.states[finding]]
        for finding, label in FINDING_LABELS.items()
        if finding in case.states
    }
    if not case.is_abnormal:
        labels[FINDING_LABELS[NO_FINDING]] = 1.0
    return labels
