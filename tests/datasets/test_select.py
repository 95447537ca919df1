"""Pairs to train on: no function of the texts prefers a side, and no finding comes oftener than it goes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.datasets.formats.select import (
    BY_CHOICE,
    NO_IMAGE,
    SAME_DIAGNOSIS,
    TOLD_APART,
    UNEVEN,
    Selection,
    lines_of,
)
from ccf_pipeline.datasets.write import WrittenDataset
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.records import FINDING_LABELS, Label, MatchedImage, Record
from ccf_pipeline.settings import DatasetSettings
from tests.paired_build import CLOSE, rows_of, shards_of, written

Score = Callable[[str], int]
MIXES = (("trl_dpo",), ("llamafactory",), ("cpo_mixed",), ("cpo_thinking", "cpo_mirror"))
ATELECTASIS, EDEMA, DEVICES = "Atelectasis", "Edema", "Support Devices"


@pytest.fixture(scope="module", params=[True, False], ids=["even", "uneven"])
def mixes(
    request: pytest.FixtureRequest, build: BuildFolder, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, ...], list[tuple[str, str]]]:
    data = written(build, tmp_path_factory.mktemp("mix"), even=request.param, same_diagnosis=True)
    return {configs: [pair for config in configs for pair in texts(data, config)] for configs in MIXES}


def texts(data: WrittenDataset, config: str) -> list[tuple[str, str]]:
    """The answers of both sides of every row."""

    def answer(said: Any) -> str:
        return str((said if isinstance(said, dict) else said[-1])["content"])

    sides = ("messages", "rejected_messages") if config.startswith("cpo_") else ("chosen", "rejected")
    return [(answer(row[sides[0]]), answer(row[sides[1]])) for row in rows_of(data, config)]


def preferred(rows: Sequence[tuple[str, str]], score: Score) -> Fraction:
    """How often a reader of the texts alone prefers the chosen side; one that cannot tell tosses a coin."""
    halves = sum(
        1 + (score(chosen) > score(rejected)) - (score(chosen) < score(rejected)) for chosen, rejected in rows
    )
    return Fraction(halves, 2 * len(rows))


def hashed(salt: bytes, most: int) -> Score:
    """A scoring function drawn by lot; a small range makes it tie often."""
    return lambda text: (
        int.from_bytes(hashlib.blake2b(text.encode(), key=salt, digest_size=8).digest(), "big") % most
    )


scores = st.one_of(
    st.builds(hashed, st.binary(min_size=1, max_size=16), st.integers(1, 1 << 60)),
    st.builds(lambda letter: lambda text: text.count(letter), st.characters(codec="ascii")),
    st.builds(
        lambda word: lambda text: text.find(word), st.sampled_from(["edema", "No Finding", "left", "."])
    ),
    st.just(len),
)


@given(scores)
def test_over_the_balanced_mix_any_function_of_the_text_scores_one_half(
    mixes: dict[tuple[str, ...], list[tuple[str, str]]], score: Score
) -> None:
    for rows in mixes.values():
        assert rows
        assert preferred(rows, score) == Fraction(1, 2)


def test_a_text_is_chosen_exactly_as_often_as_rejected(
    mixes: dict[tuple[str, ...], list[tuple[str, str]]],
) -> None:
    for rows in mixes.values():
        assert Counter(chosen for chosen, _ in rows) == Counter(rejected for _, rejected in rows)


# --- which pairs ------------------------------------------------------------------------------

diagnoses = st.lists(
    st.frozensets(st.sampled_from([ATELECTASIS, EDEMA, DEVICES]), max_size=3), min_size=2, max_size=2
)


@pytest.fixture(scope="module")
def one(build: BuildFolder) -> Record:
    return next(r for r in build.accepted_records(shards_of(build)) if r.image_path and r.matched_image)


def pair(one: Record, number: int, before: frozenset[str], after: frozenset[str], **more: Any) -> Record:
    def labels(findings: frozenset[str]) -> tuple[Label, ...]:
        return tuple(Label(finding=f, state="present") for f in FINDING_LABELS.values() if f in findings)

    assert one.matched_image is not None
    film = one.matched_image.model_copy(
        update={"findings": tuple(label.finding for label in labels(after)), "agrees": CLOSE}
    )
    return one.model_copy(
        update={
            "record_id": f"r{number}",
            "study_id": f"s{number}",
            "split": "train",
            "diagnosis": None,
            "factual_labels": labels(before),
            "counterfactual_labels": labels(after),
            "matched_image": film,
            **more,
        }
    )


def settled(
    records: Sequence[Record], dropped: frozenset[str] = frozenset(), **chosen: Any
) -> dict[str, str]:
    selection = Selection(DatasetSettings(**chosen), dropped)
    for record in records:
        selection.add([record])
    return dict(selection.settle())


@given(st.lists(st.tuples(diagnoses, st.sampled_from(["train", "test"]), st.booleans()), max_size=40))
def test_without_mirrors_every_diagnosis_is_led_to_as_often_as_left(one: Record, drawn: list[Any]) -> None:
    records = [
        pair(one, number, *sides, split=split, **({} if mirrored else {"matched_image": None}))
        for number, (sides, split, mirrored) in enumerate(drawn)
    ]

    outcome = settled(records)

    for split in ("train", "test"):
        kept = [r for r in records if outcome[r.record_id] == "unmirrored" and r.split == split]
        changes = Counter(lines_of(record) for record in kept)
        assert changes == Counter((after, before) for before, after in map(lines_of, kept))
        for finding in (ATELECTASIS, EDEMA):
            gained = sum(finding in after and finding not in before for before, after in map(lines_of, kept))
            lost = sum(finding in before and finding not in after for before, after in map(lines_of, kept))
            assert gained == lost
    assert set(outcome.values()) <= {"mirrored", "unmirrored", UNEVEN, SAME_DIAGNOSIS}
    assert len(outcome) == len(records)


def test_a_pair_with_a_mirror_needs_no_other_to_lead_back(one: Record) -> None:
    there = [pair(one, number, frozenset(), frozenset({EDEMA})) for number in range(5)]

    assert Counter(settled(there).values()) == {"mirrored": 5}


def test_no_more_is_left_out_than_has_no_counterpart(one: Record) -> None:
    blind = {"matched_image": None}
    there = [pair(one, number, frozenset(), frozenset({EDEMA}), **blind) for number in range(5)]
    back = [pair(one, number, frozenset({EDEMA}), frozenset(), **blind) for number in range(5, 8)]

    assert Counter(settled([*there, *back]).values()) == {"unmirrored": 6, UNEVEN: 2}
    assert Counter(settled([*there, *back], even=False).values()) == {"unmirrored": 8}


def test_the_closest_films_are_kept_where_some_have_to_go(one: Record) -> None:
    def matched(number: int, *agrees: str) -> Record:
        record = pair(one, number, frozenset(), frozenset({EDEMA}))
        assert record.matched_image is not None
        film = MatchedImage.model_validate({**record.matched_image.model_dump(), "agrees": agrees})
        return record.model_copy(update={"matched_image": film})

    far = [matched(number, "findings") for number in range(4)]
    near = matched(9, "findings", "side", "degree")
    back = pair(one, 10, frozenset({EDEMA}), frozenset(), matched_image=None)

    outcome = settled([*far, near, back])

    assert [name for name, use in outcome.items() if use == "unmirrored"] == ["r9", "r10"]


def test_sides_that_name_one_diagnosis_are_left_out_unless_asked_for(one: Record) -> None:
    tube = pair(one, 1, frozenset({EDEMA}), frozenset({EDEMA, DEVICES}))

    assert settled([tube]) == {"r1": SAME_DIAGNOSIS}
    assert settled([tube], same_diagnosis=True) == {"r1": "mirrored"}


def test_pairs_that_a_selection_dropped_are_counted_and_not_trained_on(one: Record) -> None:
    records = [pair(one, number, frozenset(), frozenset({EDEMA})) for number in range(2)]

    assert settled(records, dropped=frozenset({"r1"})) == {"r0": "mirrored", "r1": TOLD_APART}


def test_a_pair_without_an_image_is_trained_on_nowhere(one: Record) -> None:
    blind = pair(one, 1, frozenset(), frozenset({EDEMA}), image_path=None)

    assert settled([blind], even=False) == {"r1": NO_IMAGE}


@pytest.mark.parametrize(
    ("film", "labels", "attributes"),
    [
        pytest.param({}, "mirrored", "mirrored", id="agrees in all"),
        pytest.param({"agrees": ("findings", "rest")}, "mirrored", "unmirrored", id="another side"),
        pytest.param(
            {"agrees": ("findings", "side", "degree")}, "unmirrored", "unmirrored", id="contradicts"
        ),
        pytest.param({"findings": ("Edema", "Fracture")}, "unmirrored", "unmirrored", id="shows more"),
    ],
)
def test_the_floor_says_how_close_a_film_must_be(
    one: Record, film: dict[str, Any], labels: str, attributes: str
) -> None:
    record = pair(one, 1, frozenset(), frozenset({EDEMA}))
    assert record.matched_image is not None
    shown = MatchedImage.model_validate({**record.matched_image.model_dump(), **film})
    record = record.model_copy(update={"matched_image": shown})

    assert settled([record], even=False, match="labels") == {"r1": labels}
    assert settled([record], even=False, match="attributes") == {"r1": attributes}


def test_of_a_study_those_are_kept_that_even_out_the_diseases_named(one: Record) -> None:
    """Each study may gain or lose a disease; taking the first would name far more on one side."""
    selection = Selection(DatasetSettings(rejected_per_chosen=1, even=False))
    for number in range(30):
        gains = pair(one, 2 * number, frozenset(), frozenset({EDEMA}))
        loses = pair(one, 2 * number + 1, frozenset({EDEMA}), frozenset())
        selection.add([gains, loses])

    outcome = selection.settle()

    kept = [int(name[1:]) % 2 for name, use in outcome.items() if use == "mirrored"]
    assert Counter(kept) == {0: 15, 1: 15}
    assert Counter(outcome.values())[BY_CHOICE] == 30


def test_the_order_of_the_shards_changes_no_choice(build: BuildFolder, tmp_path: Path) -> None:
    records = list(build.accepted_records(shards_of(build)))

    assert settled(records) == settled(list(reversed(records)))
