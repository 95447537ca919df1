"""Which image of another patient stands beside a text."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.plan.films import (
    BITS,
    COLUMNS,
    FINDINGS,
    LEFT,
    RIGHT,
    Film,
    FilmReader,
    mask,
)
from ccf_pipeline.counterfactual.plan.matched_images import Wanted, index_images
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import ImageRef, Plan, Polarity, Split, Statement, Study

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


def film(states: States | None = None, **details: Any) -> Film:
    """A film with these findings; `sides` and so on are by finding."""
    said = states or {}
    listed = {
        name: [given.get(finding, 0) for finding in FINDINGS]
        for name, given in details.items()
        if isinstance(given, dict)
    }
    numbers = {name: given for name, given in details.items() if isinstance(given, int)}
    return Film(mask(said, "present"), mask(said, "absent"), mask(said, "uncertain"), **listed, **numbers)


HAS = film({FLUID: "present"})


def test_the_nearest_patient_with_the_same_findings_is_chosen() -> None:
    others = [(study("2", "b", age=20), HAS), (study("3", "c", age=61), HAS), (study("4", "d"), film())]

    match = index_images(7, others).match(MINE, HAS, HAS_FLUID)

    assert match is not None
    assert (match.study_id, match.image_id, match.path, match.shows) == ("3", "i3", "3.jpg", "has the target")
    assert match.findings == ("Pleural Effusion",)
    assert match.agrees == ("findings", "side", "degree", "place", "rest")
    assert 0.9 < match.quality < 1


def test_the_same_findings_count_more_than_age() -> None:
    both: States = {FLUID: "present", AIR: "present"}
    others = [(study("2", "b"), HAS), (study("3", "c", age=20), film(both))]

    match = index_images(7, others).match(MINE, film(both), HAS_FLUID)

    assert match is not None
    assert match.study_id == "3"


def test_a_film_of_other_findings_is_the_last_resort_and_says_so() -> None:
    match = index_images(7, [(study("2", "b"), film({FLUID: "present", AIR: "present"}))]).match(
        MINE, HAS, HAS_FLUID
    )

    assert match is not None
    assert match.agrees == ()


def test_side_and_degree_of_the_target_are_matched_before_its_place() -> None:
    told: dict[str, Any] = {"sides": {FLUID: LEFT}, "degrees": {FLUID: 4}, "places": {FLUID: 1}}
    has: States = {FLUID: "present"}
    others = [
        (study("2", "b"), film(has, **{**told, "sides": {FLUID: RIGHT}})),
        (study("3", "c"), film(has, **{**told, "degrees": {FLUID: 64}})),
        (study("4", "d", age=20), film(has, **{**told, "places": {FLUID: 2}})),
    ]

    match = index_images(7, others).match(MINE, film(has, **told), HAS_FLUID)

    assert match is not None
    assert (match.study_id, match.agrees) == ("4", ("findings", "side", "degree", "rest"))


@pytest.mark.parametrize(
    ("contradicting", "text"),
    [
        pytest.param({"sides": {AIR: RIGHT}}, {"sides": {AIR: LEFT}}, id="the other side of what stays"),
        pytest.param({"devices": 1}, {"devices": 3}, id="a device that the text names is not there"),
        pytest.param({"doubted": 1}, {"denied": 1}, id="doubt where the text denies"),
    ],
)
def test_what_the_pair_leaves_alone_is_not_contradicted(
    contradicting: dict[str, Any], text: dict[str, Any]
) -> None:
    both: States = {FLUID: "present", AIR: "present"}
    wanted = dataclasses.replace(film(both, **{k: v for k, v in text.items() if k != "denied"}))
    shown = film(both, **{k: v for k, v in contradicting.items() if k != "doubted"})
    if "doubted" in contradicting:
        shown = dataclasses.replace(shown, doubted=BITS["fnd_edema"])
        wanted = dataclasses.replace(wanted, denied=BITS["fnd_edema"])
    others = [(study("2", "b"), shown), (study("3", "c", age=20), wanted)]

    match = index_images(7, others).match(MINE, wanted, HAS_FLUID)
    alone = index_images(7, others[:1]).match(MINE, wanted, HAS_FLUID)

    assert match is not None
    assert alone is not None
    assert match.study_id == "3"
    assert "rest" in match.agrees
    assert "rest" not in alone.agrees


def test_never_the_same_patient_another_view_or_another_split() -> None:
    others = [
        (study("2", "a"), HAS),
        (study("3", "b", view="AP"), HAS),
        (study("4", "c", split="test"), HAS),
        (study("5", "d", view=None), HAS),
    ]

    assert index_images(7, others).match(MINE, HAS, HAS_FLUID) is None


def test_for_a_removal_the_other_image_lacks_the_finding_without_doubt() -> None:
    others = [
        (study("2", "b"), HAS),
        (study("3", "c"), film({FLUID: "uncertain"})),
        (study("4", "d"), film({AIR: "present"})),
    ]

    match = index_images(7, others).match(MINE, film({"fnd_edema": "present"}), LACKS_FLUID)

    assert match is not None
    assert (match.study_id, match.shows) == ("4", "lacks the finding")


def test_a_study_without_an_image_has_no_match() -> None:
    blind = MINE.model_copy(update={"image": None})

    assert index_images(7, [(study("2", "b"), HAS)]).match(blind, HAS, HAS_FLUID) is None


def test_a_patient_who_fills_the_neighbourhood_does_not_hide_the_others() -> None:
    many = [(study(f"a{number}", "a"), HAS) for number in range(600)]

    match = index_images(7, [*many, (study("2", "b"), HAS)]).match(MINE, HAS, HAS_FLUID)

    assert match is not None
    assert match.study_id == "2"


def test_a_rare_detail_is_found_among_many_films_of_the_same_findings() -> None:
    rare = film({FLUID: "present"}, sides={FLUID: LEFT}, degrees={FLUID: 64})
    many = [(study(f"p{number}", f"p{number}"), HAS) for number in range(2000)]

    match = index_images(7, [*many, (study("2", "b"), rare)]).match(MINE, rare, HAS_FLUID)

    assert match is not None
    assert match.study_id == "2"


findings = st.dictionaries(
    st.sampled_from([FLUID, AIR, "fnd_edema", "fnd_no_finding"]),
    st.sampled_from(["present", "absent", "uncertain"]),
)
films = st.builds(
    lambda said, side, degree, devices: film(
        said,
        devices=devices,
        # Nothing is said of a finding that is not there.
        **({"sides": {FLUID: side}, "degrees": {FLUID: degree}} if said.get(FLUID) == "present" else {}),
    ),
    findings,
    st.integers(0, 3),
    st.sampled_from([0, 4, 64]),
    st.integers(0, 3),
)
corpora = st.lists(
    st.tuples(
        st.sampled_from("abcdefgh"),
        st.sampled_from(["PA", "AP", None]),
        st.sampled_from(["train", "test"]),
        st.one_of(st.none(), st.integers(18, 95)),
        st.sampled_from(["F", "M", None]),
        films,
    ),
    min_size=1,
    max_size=30,
)
wants = st.builds(
    Wanted,
    st.sampled_from([FLUID, AIR, "fnd_no_finding"]),
    st.sampled_from(["has the target", "lacks the finding"]),
)


@given(corpora, films, wants, st.integers(0, 99), st.randoms())
def test_a_match_obeys_the_laws_in_whatever_order_studies_come(
    drawn: list[tuple[str, str | None, Split, int | None, str | None, Film]],
    text: Film,
    wanted: Wanted,
    seed: int,
    chance: random.Random,
) -> None:
    corpus = [
        (study(str(number), patient, view=view, split=split, age=age, sex=sex), shown)
        for number, (patient, view, split, age, sex, shown) in enumerate(drawn)
    ]
    index = index_images(seed, corpus)
    shuffled = list(corpus)
    chance.shuffle(shuffled)
    again = index_images(seed, shuffled)
    known = {one.study_id: (one, shown) for one, shown in corpus}

    for one, _ in corpus:
        match = index.match(one, text, wanted)

        assert match == again.match(one, text, wanted)
        if match is None:
            continue
        other, shown = known[match.study_id]
        assert other.subject_id != one.subject_id
        assert other.split == one.split
        assert one.image is not None
        assert other.image is not None
        assert other.image.view == one.image.view is not None
        assert ("findings" in match.agrees) == (shown.present == text.present)
        if "findings" not in match.agrees:
            bit = BITS[wanted.finding]
            has, doubts = shown.present & bit, shown.doubted & bit
            assert has if wanted.shows == "has the target" else not has and not doubts
        if "side" in match.agrees and wanted.finding == FLUID:
            assert shown.sides == text.sides
        if "rest" in match.agrees:
            assert not text.devices & ~shown.devices
        assert 0 <= match.quality <= 1


def test_what_a_plan_changes_has_its_own_details_and_the_rest_keeps_the_reports(graph: ConceptGraph) -> None:
    lexicon = Lexicon.from_graph(graph.file)
    reader = FilmReader(graph, lexicon)
    report = "FINDINGS: Small left pleural effusion. An endotracheal tube is in place.\nIMPRESSION: Effusion."
    factual = reader.read(read_facts(report, lexicon))
    plan = _plan(
        "fnd_consolidation", Statement(concept="fnd_consolidation", polarity="present", side="right")
    )

    wanted = reader.foresee(plan, factual)

    fluid, dense = COLUMNS[FLUID], COLUMNS["fnd_consolidation"]
    assert wanted.present == factual.present | BITS["fnd_consolidation"]
    assert (wanted.sides[fluid], wanted.sides[dense]) == (LEFT, RIGHT)
    assert wanted.degrees[fluid] == factual.degrees[fluid] > 0
    assert wanted.devices == factual.devices > 0


def _plan(target: str, statement: Statement) -> Plan:
    return Plan(
        plan_id="p",
        study_id="1",
        direction="add",
        target=target,
        swap_from=(),
        must_appear=(statement,),
        must_cease=(),
        must_stay=(),
        kept_sentences=(),
        free_sentences=(),
        relevance=0.0,
        why="",
        seed=0,
        gained=(target,),
    )
