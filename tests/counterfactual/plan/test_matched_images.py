"""Which image of another patient stands beside a text."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.plan.matched_images import Wanted, index_images
from ccf_pipeline.records import ImageRef, Polarity, Split, Study

FLUID, AIR = "fnd_pleural_effusion", "fnd_pneumothorax"
States = dict[str, Polarity]
HAS_FLUID, LACKS_FLUID = Wanted(FLUID, "has the target"), Wanted(FLUID, "lacks the finding")


def study(
    name: str,
    patient: str,
    *,
    view: str | None = "PA",
    split: Split = "train",
    age: int | None = 60,
    sex: str | None = "F",
) -> Study:
    return Study(
        corpus="demo",
        study_id=name,
        subject_id=patient,
        split=split,
        text="",
        sentences=(),
        read_from="",
        image=ImageRef(image_id=f"i{name}", path=f"{name}.jpg", view=view),
        age=age,
        sex=sex,
    )


MINE = study("1", "a")
HAS: States = {FLUID: "present"}


def test_the_nearest_patient_with_the_target_is_chosen() -> None:
    others = [(study("2", "b", age=20), HAS), (study("3", "c", age=61), HAS), (study("4", "d"), {})]

    match = index_images(7, others).match(MINE, {}, HAS_FLUID)

    assert match is not None
    assert (match.study_id, match.image_id, match.path, match.shows) == ("3", "i3", "3.jpg", "has the target")
    assert 0.9 < match.quality < 1


def test_a_patient_who_shares_the_other_findings_is_nearer() -> None:
    others = [(study("2", "b"), HAS), (study("3", "c"), {**HAS, AIR: "present"})]

    match = index_images(7, others).match(MINE, {AIR: "present"}, HAS_FLUID)

    assert match is not None
    assert (match.study_id, match.quality) == ("3", 1.0)


def test_never_the_same_patient_another_view_or_another_split() -> None:
    others = [
        (study("2", "a"), HAS),
        (study("3", "b", view="AP"), HAS),
        (study("4", "c", split="test"), HAS),
        (study("5", "d", view=None), HAS),
    ]

    assert index_images(7, others).match(MINE, {}, HAS_FLUID) is None


def test_for_a_removal_the_other_image_lacks_the_finding_without_doubt() -> None:
    doubted: States = {FLUID: "uncertain"}
    others = [(study("2", "b"), HAS), (study("3", "c"), doubted), (study("4", "d"), {})]

    match = index_images(7, others).match(MINE, HAS, LACKS_FLUID)

    assert match is not None
    assert (match.study_id, match.shows) == ("4", "lacks the finding")


def test_a_study_without_an_image_has_no_match() -> None:
    blind = MINE.model_copy(update={"image": None})

    assert index_images(7, [(study("2", "b"), HAS)]).match(blind, {}, HAS_FLUID) is None


def test_a_patient_who_fills_the_neighbourhood_does_not_hide_the_others() -> None:
    many = [(study(f"a{number}", "a"), HAS) for number in range(600)]

    match = index_images(7, [*many, (study("2", "b"), HAS)]).match(MINE, {}, HAS_FLUID)

    assert match is not None
    assert match.study_id == "2"


states = st.dictionaries(
    st.sampled_from([FLUID, AIR, "fnd_edema", "fnd_no_finding"]),
    st.sampled_from(["present", "absent", "uncertain"]),
)
corpora = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from(["PA", "AP", None]),
        st.sampled_from(["train", "test"]),
        st.one_of(st.none(), st.integers(18, 95)),
        st.sampled_from(["F", "M", None]),
        states,
    ),
    min_size=1,
    max_size=30,
)
wants = st.builds(
    Wanted,
    st.sampled_from([FLUID, AIR, "fnd_no_finding"]),
    st.sampled_from(["has the target", "lacks the finding"]),
)


@given(corpora, wants, st.integers(0, 99), st.randoms())
def test_a_match_obeys_the_laws_in_whatever_order_studies_come(
    drawn: list[tuple[str, str | None, Split, int | None, str | None, States]],
    wanted: Wanted,
    seed: int,
    chance: random.Random,
) -> None:
    corpus = [
        (study(str(number), patient, view=view, split=split, age=age, sex=sex), said)
        for number, (patient, view, split, age, sex, said) in enumerate(drawn)
    ]
    index = index_images(seed, corpus)
    shuffled = list(corpus)
    chance.shuffle(shuffled)
    again = index_images(seed, shuffled)
    known = {one.study_id: (one, said) for one, said in corpus}

    for one, said in corpus:
        match = index.match(one, said, wanted)

        assert match == again.match(one, said, wanted)
        if match is None:
            continue
        other, shown = known[match.study_id]
        assert other.subject_id != one.subject_id
        assert other.split == one.split
        assert one.image is not None
        assert other.image is not None
        assert other.image.view == one.image.view is not None
        state = shown.get(wanted.finding)
        assert state == "present" if wanted.shows == "has the target" else state in ("absent", None)
        assert 0 <= match.quality <= 1
