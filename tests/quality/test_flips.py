"""Did the finding change, and no other; was nothing made up, given away or doubled?"""

from __future__ import annotations

import pytest

from ccf_pipeline.quality.duplicates import measure_duplicates, near_duplicates
from ccf_pipeline.quality.flips import FlipCount, has_flipped, implied_by_change
from ccf_pipeline.quality.leakage import scan_privacy
from ccf_pipeline.quality.measuring import Rules
from ccf_pipeline.quality.wording import inserted_spans, measure_wording
from ccf_pipeline.records import Direction, Polarity, Record


def asked(record: Record, direction: Direction, target: str, *swap_from: str) -> Record:
    return record.model_copy(update={"direction": direction, "target": target, "swap_from": swap_from})


@pytest.mark.parametrize(
    ("direction", "swap_from", "labels", "flipped"),
    [
        ("add", (), {"Edema": "present"}, True),
        ("add", (), {"Edema": "uncertain"}, False),
        ("add", (), {}, False),
        ("remove", (), {"Edema": "absent"}, True),
        ("remove", (), {}, True),
        ("remove", (), {"Edema": "uncertain"}, False),
        ("swap", ("Pneumonia",), {"Edema": "present", "Pneumonia": "absent"}, True),
        ("swap", ("Pneumonia",), {"Edema": "present", "Pneumonia": "uncertain"}, False),
        ("swap", ("Pneumonia",), {"Pneumonia": "absent"}, False),
    ],
)
def test_a_finding_has_flipped_when_what_came_is_there_and_what_went_is_not_even_doubted(
    records: list[Record],
    direction: Direction,
    swap_from: tuple[str, ...],
    labels: dict[str, Polarity],
    flipped: bool,
) -> None:
    assert has_flipped(asked(records[0], direction, "Edema", *swap_from), labels) is flipped


def test_another_finding_that_comes_along_is_counted_unless_the_graph_asks_for_it(
    records: list[Record], rules: Rules
) -> None:
    count = FlipCount("somebody", rules.graph)
    record = asked(records[0], "add", "Pneumothorax")

    count.add(record, {}, {"Pneumothorax": "present", "Fracture": "present"})
    figures = count.figures()

    changed = {one.name: one.rate.hits for one in figures.collateral}
    assert changed["Fracture"] == 1
    assert sum(changed.values()) == 1
    assert "Pneumothorax" not in changed
    assert "No Finding" not in changed


def test_a_denial_that_is_no_longer_made_is_told_apart_from_a_change(
    records: list[Record], rules: Rules
) -> None:
    count = FlipCount("somebody", rules.graph)

    count.add(asked(records[0], "add", "Fracture"), {"Edema": "absent"}, {"Fracture": "present"})
    figures = count.figures()

    assert {one.name: one.rate.hits for one in figures.collateral}["Edema"] == 0
    assert figures.denials_withdrawn.hits == 1


def test_a_kind_may_bring_what_it_is_a_kind_of(rules: Rules) -> None:
    assert "Lung Opacity" in implied_by_change(rules.graph, "Pneumonia", ())
    assert "Fracture" not in implied_by_change(rules.graph, "Pneumonia", ())


# --- words --------------------------------------------------------------------------------


def test_inserted_spans_are_the_new_words_only() -> None:
    before = "FINDINGS: The heart is normal. No effusion."
    after = "FINDINGS: The heart is normal. Small left effusion. No fracture."

    spans = inserted_spans(before, after)

    assert any("small left" in span for span in spans)
    assert not any("heart" in span for span in spans)


def test_one_phrase_over_and_over_is_not_varied() -> None:
    same = measure_wording(["there is edema"] * 50)
    other = measure_wording([f"phrase number {chr(97 + n % 26)}{n}" for n in range(50)])

    assert same.most_frequent_span == 1.0
    assert same.distinct_spans == 0.02
    assert other.distinct_spans == 1.0


def test_near_duplicates_of_another_study_are_found_and_those_of_the_same_one_are_not() -> None:
    # Eighty words, of which one differs: nine in ten shingles are the same.
    words = [f"w{number}" for number in range(80)]
    near = [*words]
    near[40] = "other"
    texts = [" ".join(words), " ".join(near), " ".join(reversed(words))]

    assert near_duplicates(texts, ["a", "b", "c"]) == [True, True, False]
    assert near_duplicates(texts, ["a", "a", "c"]) == [False, False, False]


def test_only_duplicates_that_were_made_are_held_against_the_data_set() -> None:
    texts = [" ".join(f"{study}{number}" for number in range(20)) for study in "abcd"]

    figures = measure_duplicates(
        [texts[0], texts[0], texts[1], texts[2]], [texts[3]] * 4, ["a", "b", "c", "d"]
    )

    assert figures.factual.hits == 2
    assert figures.counterfactual.hits == 4
    assert figures.made.hits == 2


# --- privacy ------------------------------------------------------------------------------


def test_an_invented_name_is_counted_and_one_that_was_there_is_not() -> None:
    def found_in(text: str) -> list[str]:
        return [word for word in text.split() if word.startswith("Dr.")]

    pairs = [("No edema.", "Edema. Dr.Who."), ("Seen by Dr.Who. No edema.", "Seen by Dr.Who. Edema.")]

    assert scan_privacy(pairs, found_in, seed=1).invented.hits == 1
