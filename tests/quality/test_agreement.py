"""How far readers agree: against figures worked out by hand, and laws that hold for any judgements."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.quality.agreement import (
    OPINIONS,
    cohen_kappa,
    fleiss_kappa,
    plausible_records,
    reader_study,
)
from ccf_pipeline.records import Judgement, Opinion, Shown

opinions = st.sampled_from(OPINIONS)


def judgement(
    reader: str, record: str, opinion: Opinion, *, shown: Shown = "counterfactual", target: str = "Edema"
) -> Judgement:
    return Judgement(
        record_id=record,
        reader=reader,
        mode="blind",
        shown=shown,
        direction="add",
        target=target,
        opinion=opinion,
        judged_at="2026-01-01T00:00:00+00:00",
    )


def test_cohens_kappa_as_worked_out_by_hand() -> None:
    # 20 and 15 of 50 alike, 25 and 30 called plausible: seen 0.7, by chance 0.5.
    pairs = (
        [("plausible", "plausible")] * 20
        + [("plausible", "implausible")] * 5
        + [("implausible", "plausible")] * 10
        + [("implausible", "implausible")] * 15
    )

    assert cohen_kappa(pairs) == pytest.approx(0.4)


def test_fleiss_kappa_as_worked_out_by_hand() -> None:
    # Two reports, three readers: all alike, and two against one. Seen (1 + 1/3) / 2, chance (25 + 1) / 36.
    table = [Counter(plausible=3), Counter(plausible=2, unsure=1)]

    assert fleiss_kappa(table) == pytest.approx((2 / 3 - 26 / 36) / (1 - 26 / 36), abs=1e-4)


@given(st.lists(opinions, min_size=1))
def test_who_says_the_same_agrees_wholly_or_there_is_nothing_to_tell(said: list[str]) -> None:
    kappa = cohen_kappa([(opinion, opinion) for opinion in said])

    assert kappa == (1.0 if len(set(said)) > 1 else None)


@given(st.lists(st.tuples(opinions, opinions)))
def test_kappa_does_not_depend_on_who_is_named_first(pairs: list[tuple[str, str]]) -> None:
    assert cohen_kappa(pairs) == cohen_kappa([(other, one) for one, other in pairs])


def test_a_record_is_plausible_when_more_readers_say_so_than_not() -> None:
    judgements = [
        judgement("A", "liked", "plausible"),
        judgement("B", "liked", "unsure"),
        judgement("A", "disputed", "plausible"),
        judgement("B", "disputed", "implausible"),
        judgement("A", "given", "plausible", shown="factual"),
    ]

    assert plausible_records(judgements) == {"liked"}


def test_the_study_counts_by_what_was_shown_and_by_target() -> None:
    figures = reader_study(
        [
            judgement("A", "1", "plausible"),
            judgement("B", "1", "implausible"),
            judgement("A", "2", "plausible", shown="factual"),
            judgement("B", "2", "plausible", shown="factual"),
            judgement("A", "3", "unsure", target="Fracture"),
        ]
    )

    rows = {
        row.what: (row.plausible.hits, row.plausible.of, row.implausible, row.unsure) for row in figures.rows
    }
    assert rows["counterfactual, blind"] == (1, 3, 1, 1)
    assert rows["factual, blind"] == (2, 2, 0, 0)
    assert rows["Edema"] == (1, 2, 1, 0)
    assert rows["Fracture"] == (0, 1, 0, 1)
    (agreement,) = figures.agreements
    assert (agreement.readers, agreement.both_judged, agreement.same.hits) == (("A", "B"), 2, 1)
