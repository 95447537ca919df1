"""Invent patients and visits: ids, splits, dates and views.

Studies come in blocks of 35, shared out among 10 patients (MIMIC-CXR: 227,835 among 65,379), so that
any study is known from the seed and its number alone.
"""

from __future__ import annotations

import hashlib
import random
from functools import lru_cache
from typing import NamedTuple

from ccf_pipeline.demo.figures import AP_SHARE
from ccf_pipeline.errors import SettingsError
from ccf_pipeline.records import Split

BLOCK_STUDIES = 35
BLOCK_PATIENTS = 10

# The largest prime below the ten million numbers that eight digits with a fixed first one leave:
# multiplying modulo a prime never meets the same id twice.
ID_SPACE = 9_999_991
MOST_STUDIES = ID_SPACE


class Patient(NamedTuple):
    """A person, with the first of her studies."""

    number: int
    subject_id: str
    split: Split
    sex: str
    age: int
    first_study: int
    study_count: int


class DemoImage(NamedTuple):
    """One exposure: its id, the view it shows and whether the metadata say so."""

    dicom_id: str
    view: str
    view_is_recorded: bool
    is_dicom: bool


class Visit(NamedTuple):
    """A study before anyone has read the film."""

    number: int
    study_id: str
    patient: Patient
    age: int
    view: str
    is_supine: bool
    has_prior: bool
    date: str
    time: str
    images: tuple[DemoImage, ...]


def seeded_random(*names: object) -> random.Random:
    """A source of chance that depends on the names only, not on the process."""
    return random.Random(int.from_bytes(digest(*names)[:8], "big"))


def digest(*names: object) -> bytes:
    """Bytes that depend on the names only."""
    return hashlib.sha256("/".join(map(str, names)).encode()).digest()


def check_study_numbers(numbers: range) -> None:
    """Refuse numbers that no eight-digit id can be made for."""
    if numbers and (min(numbers) < 0 or max(numbers) >= MOST_STUDIES):
        raise SettingsError(
            f"the demo corpus has studies 0 to {MOST_STUDIES - 1:,}, not {numbers}",
            hint="Ask for fewer studies.",
        )


def draw_visit(seed: int, number: int, rng: random.Random) -> Visit:
    """Say who comes, how the films are taken and what they are called."""
    patient = _find_patient(seed, number)
    view = "AP" if rng.random() < AP_SHARE else "PA"
    nth = number - patient.first_study
    year, day = divmod(int(patient.subject_id) % 25_000 + nth * 97 + rng.randrange(60), 336)
    return Visit(
        number=number,
        study_id=_map_number(seed, "study", number, 50_000_000),
        patient=patient,
        age=min(patient.age + nth * 97 // 365, 91),
        view=view,
        is_supine=view == "AP" and rng.random() < 0.4,
        has_prior=rng.random() < (0.85 if nth else 0.4),
        date=f"{2110 + year}{day // 28 + 1:02d}{day % 28 + 1:02d}",
        time=f"{rng.randrange(24):02d}{rng.randrange(60):02d}{rng.randrange(60):02d}.{rng.randrange(1000):03d}",
        images=_draw_images(seed, number, view, rng),
    )


def _draw_images(seed: int, number: int, view: str, rng: random.Random) -> tuple[DemoImage, ...]:
    if rng.random() < 0.02:
        return ()
    views = [view]
    if rng.random() < (0.85 if view == "PA" else 0.12):
        views.append("LATERAL" if rng.random() < 0.7 else "LL")
    elif rng.random() < 0.15:
        views.append(view)
    return tuple(
        DemoImage(
            dicom_id=_make_dicom_id(seed, number, nth),
            view=one,
            view_is_recorded=rng.random() >= 0.042,
            is_dicom=rng.random() < 0.12,
        )
        for nth, one in enumerate(views)
    )


def _make_dicom_id(seed: int, number: int, nth: int) -> str:
    text = digest(seed, "image", number, nth).hex()[:40]
    return "-".join(text[at : at + 8] for at in range(0, 40, 8))


def _find_patient(seed: int, study_number: int) -> Patient:
    block, place = divmod(study_number, BLOCK_STUDIES)
    return _sort_patients(seed, block)[place]


@lru_cache(maxsize=16)
def _sort_patients(seed: int, block: int) -> tuple[Patient, ...]:
    rng = seeded_random(seed, "block", block)
    counts = [1] * BLOCK_PATIENTS
    for _ in range(BLOCK_STUDIES - BLOCK_PATIENTS):
        # Squared, so that few patients come often and many come once.
        counts[int(BLOCK_PATIENTS * rng.random() ** 2)] += 1
    rng.shuffle(counts)
    patients: list[Patient] = []
    first = block * BLOCK_STUDIES
    for nth, count in enumerate(counts):
        number = block * BLOCK_PATIENTS + nth
        patient = Patient(
            number=number,
            subject_id=_map_number(seed, "subject", number, 10_000_000),
            split=split_of_patient(number),
            sex="F" if rng.random() < 0.48 else "M",
            age=min(91, max(18, round(rng.gauss(62, 17)))),
            first_study=first,
            study_count=count,
        )
        patients.extend([patient] * count)
        first += count
    return tuple(patients)


def split_of_patient(number: int) -> Split:
    """Share patients out like the official 222,758 / 1,808 / 3,269 studies, each split early on.

    The two residues never meet: 126 and 70 share the factor 14, and 7 and 3 differ modulo 14.
    """
    if number % 126 == 7:
        return "validate"
    if number % 70 == 3:
        return "test"
    return "train"


@lru_cache(maxsize=8)
def _choose_spreading(seed: int, kind: str) -> tuple[int, int]:
    noise = digest(seed, kind)
    factor = int.from_bytes(noise[:4], "big") % (ID_SPACE - 1) + 1
    return factor, int.from_bytes(noise[4:8], "big") % ID_SPACE


def _map_number(seed: int, kind: str, number: int, base: int) -> str:
    factor, offset = _choose_spreading(seed, kind)
    return str(base + (number * factor + offset) % ID_SPACE)
