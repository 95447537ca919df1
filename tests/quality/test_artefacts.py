"""The artefact test finds what was planted, and tells the kinds of artefact apart.

The clean pairs are two reports each from the same writer, so that nothing but the plant can tell the
sides apart.
"""

from __future__ import annotations

import random

import pytest

from ccf_pipeline.counterfactual.masking import mask_findings, wrapper_of
from ccf_pipeline.quality.artefacts import Sides, measure_view
from ccf_pipeline.quality.figures import ArtefactView
from ccf_pipeline.quality.measuring import Rules, measure_artefacts, read_pairs
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Label, Record


@pytest.fixture(scope="module")
def clean(records: list[Record]) -> list[Record]:
    """Pairs of two factual reports; the second is another patient's and stands as the rejected side."""
    # Every text stands on one side only: seen on both, in two folds, it would mislead the model.
    by_study = list({record.study_id: record for record in records}.values())
    random.Random(3).shuffle(by_study)
    half = len(by_study) // 2
    return [
        one.model_copy(
            update={
                "counterfactual_text": other.factual_text,
                "counterfactual_labels": other.factual_labels,
            }
        )
        for one, other in zip(by_study[:half], by_study[half : 2 * half], strict=True)
    ]


def views_of(pairs: list[Record], rules: Rules) -> dict[str, ArtefactView]:
    return {view.view: view for view in measure_artefacts(read_pairs(pairs, rules), rules)}


def auc(view: ArtefactView) -> float:
    assert view.auc is not None
    return view.auc


@pytest.mark.slow
def test_pairs_from_one_writer_are_not_told_apart(clean: list[Record], rules: Rules) -> None:
    views = views_of(clean, rules)

    assert auc(views["wrapper alone"]) == 0.5
    for name in ("raw words", "findings masked", "length and punctuation"):
        assert 0.4 < auc(views[name]) < 0.6, name


@pytest.mark.slow
def test_a_word_in_one_wrapper_is_found_in_the_wrapper_alone(clean: list[Record], rules: Rules) -> None:
    rejected = {pair.counterfactual_text for pair in clean} - {pair.factual_text for pair in clean}

    def wrap(text: str, labels: tuple[Label, ...]) -> str:
        return f"{rules.wrap(text, labels)}{' Therefore.' if text in rejected else ''}"

    planted = Rules(rules.graph, rules.lexicon, wrap, rules.question, rules.seed)

    views = views_of(clean, planted)

    assert auc(views["wrapper alone"]) > 0.95
    assert auc(views["findings masked"]) < 0.6
    assert any("here" in word.word for word in views["wrapper alone"].words)


def test_a_tell_phrase_in_most_rejected_texts_is_found_and_named(clean: list[Record], rules: Rules) -> None:
    chance = random.Random(4)
    planted = [
        pair.model_copy(
            update={"counterfactual_text": pair.counterfactual_text + " Clinical correlation advised."}
        )
        if chance.random() < 0.6
        else pair
        for pair in clean
    ]

    views = views_of(planted, rules)

    # The plant alone gives 0.6 + 0.4 / 2.
    assert 0.7 < auc(views["raw words"]) < 0.9
    assert 0.7 < auc(views["findings masked"]) < 0.9
    assert auc(views["wrapper alone"]) == 0.5
    assert {"advised", "correlation", "clinical"} & {word.word for word in views["findings masked"].words[:6]}
    assert views["findings masked"].words[0].side == "rejected"


@pytest.mark.slow
def test_a_skewed_mix_of_diseases_shows_in_the_raw_words_and_goes_with_the_mask(
    clean: list[Record], rules: Rules
) -> None:
    sick = "There is a pneumothorax."
    well = "There is a pleural effusion."
    planted = [
        pair.model_copy(
            update={
                "factual_text": f"{pair.factual_text} {well if number % 5 else sick}",
                "chosen_text": None,
                "counterfactual_text": f"{pair.counterfactual_text} {sick if number % 5 else well}",
            }
        )
        for number, pair in enumerate(clean)
    ]

    views = views_of(planted, rules)

    assert auc(views["raw words"]) > 0.65
    assert auc(views["findings masked"]) < 0.6


def test_longer_rejected_texts_show_in_length_and_not_in_words() -> None:
    words = [f"FINDINGS: The heart is normal. {'The lungs are clear. ' * (1 + n % 3)}" for n in range(200)]
    longer = [f"{text}{'The lungs are clear. ' * 3}" for text in words]
    patients = [str(number) for number in range(200)]

    by_shape = measure_view(Sides("length and punctuation", "shape", words, longer, patients), seed=1)

    assert auc(by_shape) > 0.9


def test_a_model_judges_only_patients_it_never_saw() -> None:
    """Texts that only their patient's name tells apart are told apart by nobody."""
    names = ["".join(chr(97 + int(digit)) for digit in str(number)) for number in range(100, 140)]
    chosen = [f"Report with the marker {names[number // 10]}" for number in range(200)]
    rejected = [f"Report with the marker {names[20 + number // 10]}" for number in range(200)]
    patients = [str(number // 10) for number in range(200)]

    view = measure_view(Sides("raw words", "words", chosen, rejected, patients), seed=1)

    assert view.auc == 0.5
    assert view.preference == 0.5


def test_too_few_patients_are_not_measured() -> None:
    texts = [f"text {number}" for number in range(60)]

    view = measure_view(Sides("raw words", "words", texts, texts, ["one patient"] * 60), seed=1)

    assert view.auc is None


@pytest.mark.slow
def test_the_same_seed_gives_the_same_figures(clean: list[Record], rules: Rules) -> None:
    assert views_of(clean[:100], rules) == views_of(clean[:100], rules)


# --- masking ------------------------------------------------------------------------------


def test_findings_are_blotted_out_and_their_manner_stays(rules: Rules) -> None:
    text = "There is a small left pleural effusion. No pneumothorax."

    masked = mask_findings(text, read_facts(text, rules.lexicon).mentions)

    assert "effusion" not in masked
    assert "pneumothorax" not in masked
    assert masked.startswith("There is a small")


def test_a_wrapper_holds_neither_the_report_nor_the_number_of_diseases(rules: Rules) -> None:
    one = (Label(finding="Edema", state="present"),)
    three = tuple(Label(finding=name, state="present") for name in ("Edema", "Fracture", "Pneumonia"))

    wrappers = [
        wrapper_of(rules.wrap(text, labels), text) for text, labels in (("a\nb", one), ("c d", three))
    ]

    assert wrappers[0] == wrappers[1]
    assert "a b" not in wrappers[0]
    assert "Edema" not in wrappers[0]
