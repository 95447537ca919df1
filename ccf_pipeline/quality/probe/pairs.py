"""Accepted pairs with their films: the study's own, the matched one, and one that is drawn."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ccf_pipeline.corpora import images_root
from ccf_pipeline.datasets.formats.select import USES
from ccf_pipeline.datasets.write import choose_uses
from ccf_pipeline.demo.changed_films import draw_changed_film
from ccf_pipeline.demo.studies import DemoStudy, generate_studies
from ccf_pipeline.engine.export import open_finished
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Record
from ccf_pipeline.settings import settings_of

SIDE_LENGTH = 64
HELD_OUT = 5
"""One patient in so many is kept from training."""

Film = NDArray[np.float32]


@dataclass(frozen=True)
class ProbePair:
    """A pair with its films.

    `matched` is another patient's; `has_mirror` if the pair stands in the training mix with it. `drawn` is
    the study's own film as it would be if the counterfactual were true.
    """

    record: Record
    chosen: str
    film: Film
    matched: Film | None
    has_mirror: bool
    drawn: Film | None

    @property
    def is_held_out(self) -> bool:
        return is_held_out(self.record)


def is_held_out(record: Record) -> bool:
    """True if the patient is one of those that nothing is learnt from."""
    return hashlib.sha256(record.subject_id.encode()).digest()[0] % HELD_OUT == 0


def read_probe_pairs(build: Path, lexicon: Lexicon, *, most: int, seed: int) -> list[ProbePair]:
    """Read the pairs to train on, mirrored or not, at most so many, drawn by lot; films are read once.

    Pairs whose sides name one diagnosis are left out, as they are of the training mix.

    Args:
        seed: that of the demo corpus, whose films are drawn anew; of another corpus none are.
    """
    folder, plan, begun = open_finished(build)
    settings = settings_of(begun, out=build, graph=None)
    root = images_root(settings.corpus)
    accepted = [r for r in folder.accepted_records(plan.shards) if _is_picture(r.image_path)]
    uses = choose_uses([("accepted", accepted)], settings.dataset.model_copy(update={"even": False}))
    records = [r for r in accepted if uses[r.record_id] in USES]
    records = sorted(records, key=lambda r: hashlib.sha256(r.record_id.encode()).digest())[:most]
    if not records:
        raise MissingInput(
            f"{build}: no accepted pair has a film that is a JPEG or a PNG",
            hint="Convert DICOM with `ccf-build images`, and build with `corpus.images`.",
        )
    is_demo = settings.corpus.kind == "demo"
    studies = _find_studies(filter(is_held_out, records), seed) if is_demo else {}
    films: dict[str, Film] = {}

    def film_at(path: str) -> Film:
        if path not in films:
            films[path] = read_film(root / path)
        return films[path]

    def pairs() -> Iterator[ProbePair]:
        for record in records:
            match = record.matched_image
            yield ProbePair(
                record=record,
                chosen=record.chosen_text or record.factual_text,
                film=film_at(record.image_path or ""),
                matched=film_at(match.path) if match and _is_picture(match.path) else None,
                has_mirror=uses[record.record_id] == "mirrored",
                drawn=_draw_film(record, studies.get(record.study_id), lexicon),
            )

    return list(pairs())


def _is_picture(path: str | None) -> bool:
    return path is not None and path.lower().endswith((".jpg", ".jpeg", ".png"))


def read_film(path: Path) -> Film:
    """Read an image as brightness around 0, small."""
    try:
        with Image.open(path) as image:
            return _shrink_film(image)
    except OSError as error:
        raise MissingInput(f"{path}: cannot be read as an image ({error.__class__.__name__})") from error


def _shrink_film(image: Image.Image) -> Film:
    grey = image.convert("L").resize((SIDE_LENGTH, SIDE_LENGTH), Image.Resampling.BILINEAR)
    return (np.asarray(grey, dtype=np.float32) / np.float32(255) - np.float32(0.5)).astype(np.float32)


def _find_studies(records: Iterable[Record], seed: int) -> Mapping[str, DemoStudy]:
    """The invented studies of these records; none where the corpus was invented with another seed."""
    wanted = {record.study_id: record.factual_text for record in records}
    found: dict[str, DemoStudy] = {}
    for number in range(0, 1_000_000, 500):
        fresh = list(generate_studies(range(number, number + 500), seed))
        found.update((s.study_id, s) for s in fresh if s.study_id in wanted)
        if len(found) == len(wanted) or not any(s.study_id in wanted for s in fresh):
            break
    is_same = all(_read_last_words(wanted[name]) in " ".join(s.text.split()) for name, s in found.items())
    return found if is_same else {}


def _read_last_words(text: str) -> str:
    return " ".join(text.split()[-3:])


def _draw_film(record: Record, study: DemoStudy | None, lexicon: Lexicon) -> Film | None:
    if study is None or record.image_id is None:
        return None
    before = read_facts(record.factual_text, lexicon).mentions
    after = read_facts(record.counterfactual_text, lexicon).mentions
    pixels = draw_changed_film(study, record.image_id, before, after)
    return _shrink_film(Image.fromarray((pixels * 255).astype(np.uint8)))
