"""The embedded expert writes as the report at hand does."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from ccf_pipeline.experts.rules.manner import Grading, Manner, is_said, plainly_framed, reframed, with_verb

TERSE = ["Small effusion.", "Mild edema.", "Left basilar atelectasis."]
FULL = ["There is a small effusion.", "There is mild edema.", "There are rib fractures."]


def frames(text: str, sentences: list[str], *, in_impression: bool = False) -> Counter[str]:
    manner = Manner.of(sentences, in_impression=in_impression)
    return Counter(reframed(text, manner, random.Random(seed)) for seed in range(300))


def test_a_report_in_fragments_gets_fragments_and_one_in_sentences_sentences() -> None:
    text = "A small left pleural effusion is present."

    terse, full = frames(text, TERSE), frames(text, FULL)

    assert terse.most_common(1)[0][0] == "Small left pleural effusion."
    assert full.most_common(1)[0][0] == "There is a small left pleural effusion."


def test_every_frame_occurs_and_says_the_same() -> None:
    found = frames("There is a small left pleural effusion.", [])

    assert set(found) <= {
        "Small left pleural effusion.",
        "There is a small left pleural effusion.",
        *(f"A small left pleural effusion is {word}." for word in ("present", "noted", "seen", "identified")),
    }
    assert len(found) >= 4


def test_an_impression_hardly_ever_needs_a_verb() -> None:
    found = frames("There is pulmonary edema.", [], in_impression=True)

    assert found["Pulmonary edema."] > 250


def test_what_follows_a_frame_stays_with_it() -> None:
    found = frames("A rounded nodule is seen in the left upper lobe.", [])

    assert all(
        text.endswith((" in the left upper lobe.", " is seen in the left upper lobe.")) for text in found
    )
    assert "There is a rounded nodule in the left upper lobe." in found


@pytest.mark.parametrize(
    "text",
    [
        "The heart is enlarged.",
        "Linear opacities in the left lung are consistent with atelectasis.",
        "The fissures are thickened.",
    ],
)
def test_a_sentence_that_states_more_than_presence_is_left_alone(text: str) -> None:
    assert set(frames(text, TERSE)) == {text}


def test_zones_are_called_what_reports_call_them() -> None:
    found = frames("The right lower zone is opacified.", [])

    assert set(found) == {
        "The right lower lung is opacified.",
        "The right lower lung zone is opacified.",
        "The right lower zone is opacified.",
    }
    assert found.most_common(1)[0][0] == "The right lower lung is opacified."


def test_common_degrees_are_told_oftener_than_rare_ones_and_none_always() -> None:
    def times(word: str, *sentences: str) -> int:
        own = Grading.of(sentences)
        return sum(is_said(word, own, random.Random(seed)) for seed in range(1000))

    assert 400 < times("mild") < 600
    assert 0 < times("massive") < 100
    assert times("moderate", "Small effusion.", "Mild edema.") > 700
    assert times("moderate", "There is an effusion.", "Edema.") < 100


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Note is made of mild bibasilar atelectasis, unchanged.", "ild bibasilar atelectasis, unchanged"),
        ("The study demonstrates a small left effusion.", "mall left effusion"),
        ("There is evidence of pulmonary edema.", "ulmonary edema"),
    ],
)
def test_a_sentence_in_another_frame_keeps_its_own_words(text: str, words: str) -> None:
    manner = Manner.of([], in_impression=False)

    framed = {plainly_framed(text, manner, random.Random(seed)) for seed in range(40)}

    assert len(framed) > 1
    assert all(new is not None and words in new and "evidence" not in new for new in framed)


@pytest.mark.parametrize("text", ["No effusion is seen.", "The heart is enlarged.", "Nodule of 5.2 mm."])
def test_a_denial_or_a_sentence_of_another_form_is_not_reframed(text: str) -> None:
    assert plainly_framed(text, Manner.of([], in_impression=False), random.Random(1)) is None


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Left upper lobe nodule.", "There is a left upper lobe nodule."),
        ("Bilateral pleural effusions.", "There are bilateral pleural effusions."),
        ("Pulmonary edema.", "There is pulmonary edema."),
        ("The heart is enlarged.", "The heart is enlarged."),
    ],
)
def test_behind_a_sentence_without_its_stop_a_verb_is_written(text: str, whole: str) -> None:
    assert with_verb(text) == whole
