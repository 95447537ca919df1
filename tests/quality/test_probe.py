"""The probe: films that show what was added, arms that learn from what they say, and a scorer that looks."""

from __future__ import annotations

import random
import sys
from collections import Counter

import numpy as np
import pytest

from ccf_pipeline.demo.changed_films import draw_changed_film
from ccf_pipeline.demo.images import draw_image
from ccf_pipeline.demo.studies import DemoStudy, generate_studies
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.quality.preference import measure_text_alone
from ccf_pipeline.quality.probe.pairs import SIDE_LENGTH, Film, ProbePair
from ccf_pipeline.quality.probe.run import balanced, thinking
from ccf_pipeline.quality.probe.scorer import Preference, Scorer, import_torch
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Record
from tests.shipped import LEXICON


def healthy_study() -> DemoStudy:
    """The first frontal study on which no finding and no device is drawn."""
    return next(
        study
        for study in generate_studies(2000, 7)
        if not any(fact.polarity == "present" for fact in study.case.facts)
        and not study.case.devices
        and study.images
        and study.images[0].view in ("AP", "PA")
    )


def film_of(brightness: float) -> Film:
    return np.full((SIDE_LENGTH, SIDE_LENGTH), brightness, dtype=np.float32)


@pytest.mark.parametrize(
    "sentence",
    [
        "Small left pleural effusion.",
        "Left rib fracture.",
        "Left clavicle fracture.",
        "Mild left apical pleural thickening.",
    ],
)
def test_a_changed_film_shows_what_was_added_and_is_else_the_same(sentence: str) -> None:
    study = healthy_study()
    image = study.images[0]

    same = draw_changed_film(study, image.dicom_id, (), ())
    mentions = read_facts(f"FINDINGS: {sentence}", LEXICON).mentions
    changed = draw_changed_film(study, image.dicom_id, (), mentions)

    assert np.array_equal(same, draw_image(study, image))
    differs = np.abs(changed - same) > 0.1
    assert 0.001 < differs.mean() < 0.2
    # The patient's left is on the right of the film.
    assert differs[:, differs.shape[1] // 2 :].sum() > 0.9 * differs.sum()


def test_over_the_balanced_arm_each_text_stands_as_often_on_either_side(records: list[Record]) -> None:
    pairs = [
        ProbePair(record, record.factual_text, film_of(0), film_of(1), has_mirror=number % 3 > 0, drawn=None)
        for number, record in enumerate(records[:60])
    ]

    preferences = balanced(pairs, random.Random(1))

    assert Counter(p.text for p in preferences) == Counter(p.other_text for p in preferences)
    assert len(preferences) == 80
    assert len(thinking(pairs, random.Random(1))) == 60


def test_without_torch_the_probe_says_how_it_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(MissingInput) as told:
        import_torch()

    assert "[probe]" in told.value.hint


def test_a_scorer_learns_which_text_belongs_to_a_film() -> None:
    pytest.importorskip("torch")
    bright, dark = film_of(0.4), film_of(-0.4)
    preferences = [
        Preference(bright, "all bright.", bright, "all dark."),
        Preference(dark, "all dark.", dark, "all bright."),
    ] * 64
    scorer = Scorer(seed=1)

    scorer.train(preferences, epochs=8)

    films, right, wrong = [bright, dark], ["all bright.", "all dark."], ["all dark.", "all bright."]
    assert (scorer.score(films, right) > scorer.score(films, wrong)).all()


def test_over_pairs_and_their_mirrors_an_encoder_is_right_in_half() -> None:
    pytest.importorskip("torch")
    pairs = [(f"clear lungs, rib {n}.", f"an opacity beside rib {n}.") for n in range(40)]
    mix = [row for chosen, rejected in pairs for row in ((chosen, rejected), (rejected, chosen))]
    patients = [f"p{n}" for n in range(40)]

    told = {
        one.pairs: one
        for one in measure_text_alone(mix, pairs, patients, encoder=True)
        if one.features == "encoder"
    }

    assert told["training mix"].value == 0.5
    assert (told["thinking pairs"].value or 0) > 0.9
