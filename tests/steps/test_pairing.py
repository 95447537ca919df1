"""Which image of another patient stands beside a text."""

from __future__ import annotations

from ccf_pipeline.records import ImageRef, Polarity, Split, Study
from ccf_pipeline.steps.pairing import match_image

FLUID = "fnd_pleural_effusion"
States = dict[str, Polarity]


def study(name: str, patient: str, *, view: str = "PA", split: Split = "train", age: int = 60) -> Study:
    return Study(
        corpus="demo",
        study_id=name,
        subject_id=patient,
        split=split,
        text="",
        sentences=(),
        read_from="",
        image=ImageRef(image_id=f"i{name}", path="x", view=view),
        age=age,
        sex="F",
    )


MINE = study("1", "a")
HAS: States = {FLUID: "present"}


def test_the_nearest_patient_with_the_target_is_chosen_in_whatever_order_they_come() -> None:
    others = [(study("2", "b", age=20), HAS), (study("3", "c", age=61), HAS), (study("4", "d"), {})]

    forth = match_image(MINE, {}, FLUID, "add", others, seed=7)
    back = match_image(MINE, {}, FLUID, "add", reversed(others), seed=7)

    assert forth == back
    assert forth is not None
    assert forth.matched_study_id == "3"
    assert 0.9 < forth.quality <= 1


def test_never_the_same_patient_another_view_or_another_split() -> None:
    others = [
        (study("2", "a"), HAS),
        (study("3", "b", view="AP"), HAS),
        (study("4", "c", split="test"), HAS),
    ]

    assert match_image(MINE, {}, FLUID, "add", others, seed=7) is None


def test_for_a_removal_the_other_image_lacks_the_finding_without_doubt() -> None:
    doubted: States = {FLUID: "uncertain"}
    others = [(study("2", "b"), HAS), (study("3", "c"), doubted), (study("4", "d"), {})]

    match = match_image(MINE, HAS, FLUID, "remove", others, seed=7)

    assert match is not None
    assert (match.matched_study_id, match.shows) == ("4", "lacks the finding")
