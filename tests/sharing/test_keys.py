"""Check values tell the holder of the reports everything, and others nothing."""

from __future__ import annotations

import pytest

from ccf_pipeline.sharing.delta.keys import (
    REPORTS_PER_SLIP,
    check_value,
    make_key,
    open_key,
    seal,
    seals_well,
    unseal,
    write_slips,
)


def reports(count: int) -> dict[str, str]:
    return {f"s{number:05}": f"FINDINGS: Invented report {number}." for number in range(count)}


@pytest.fixture(scope="module")
def held() -> dict[str, str]:
    return reports(5 * REPORTS_PER_SLIP)


def test_the_key_depends_on_the_reports_and_not_on_their_order(held: dict[str, str]) -> None:
    backwards = dict(reversed(held.items()))

    assert make_key(held) == make_key(backwards)
    assert make_key(held) != make_key({**held, "s00000": "another"})
    assert make_key({"a": "bc"}) != make_key({"ab": "c"})


def test_one_slip_whose_reports_are_all_as_they_were_opens_the_key(held: dict[str, str]) -> None:
    key = make_key(held)
    slips, check = write_slips(key, held), check_value(key, "key")
    all_but_one_slip = dict(held)
    for slip in slips[:-1]:
        all_but_one_slip[slip.study_ids[3]] = "edited"

    assert len(slips) == 5
    assert open_key(slips, check, held) == key
    assert open_key(slips, check, all_but_one_slip) == key


def test_one_edited_report_in_every_slip_keeps_it_shut(held: dict[str, str]) -> None:
    key = make_key(held)
    slips, check = write_slips(key, held), check_value(key, "key")
    spoiled = held | {slip.study_ids[0]: "edited" for slip in slips[:3]}
    for slip in slips[3:]:
        del spoiled[slip.study_ids[0]]

    assert open_key(slips, check, spoiled) is None
    assert open_key((), check, held) is None


def test_every_slip_is_sealed_with_distinct_reports() -> None:
    doubled = {f"{study_id}-{copy}": text for study_id, text in reports(70).items() for copy in "ab"}
    slips = write_slips(make_key(doubled), doubled)

    for slip in slips:
        texts = [doubled[study_id] for study_id in slip.study_ids]
        assert len(set(texts)) >= REPORTS_PER_SLIP


def test_no_slip_tells_whose_report_is_somebody_elses_too() -> None:
    common = {f"s{number:05}": f"FINDINGS: Invented report {number // 2}." for number in range(200)}

    slips = write_slips(make_key(common), common)

    named = [study_id for slip in slips for study_id in slip.study_ids]
    assert named == sorted(common)[: len(named)]
    assert len({len(slip.study_ids) for slip in slips}) == 1


def test_a_seal_opens_with_its_key_alone_and_shows_no_length(held: dict[str, str]) -> None:
    key = make_key(held)
    sealed = seal(key, "row 1", "[1, 2]")

    assert unseal(key, "row 1", sealed) == f"{'[1, 2]':<64}"
    assert unseal(key, "row 2", sealed) is None
    assert unseal(make_key({}), "row 1", sealed) is None
    assert unseal(key, "row 1", sealed[:-2]) is None
    assert unseal(key, "row 1", "no figures") is None
    assert len(sealed) == len(seal(key, "row 1", "x" * 64))
    assert sealed[:80] != seal(key, "row 1", "[1, 3]")[:80]


def test_a_few_reports_do_not_seal_well() -> None:
    assert not seals_well(reports(REPORTS_PER_SLIP - 1))
    assert not seals_well({f"s{number}": "No acute process." for number in range(1000)})
    assert seals_well(reports(REPORTS_PER_SLIP))
