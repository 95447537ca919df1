"""Which part of a report is read, whatever its headers look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.io.corpora.sections import canonical_report, find_sections, section_named


def test_findings_and_impression_are_put_on_a_line_each() -> None:
    raw = (
        "                                 FINAL REPORT\n EXAMINATION:  CHEST (PA AND LAT)\n \n"
        " INDICATION:  ___F with cough // ?pneumonia\n \n FINDINGS: \n \n The lungs are\n clear.\n \n"
        " IMPRESSION: \n \n No acute process.\n"
    )

    report = canonical_report(raw)

    assert report is not None
    assert report.text == "FINDINGS: The lungs are clear.\nIMPRESSION: No acute process."
    assert report.read_from == "findings+impression"


@pytest.mark.parametrize(
    ("header", "section"),
    [
        ("IMPRESSION", "impression"),
        ("IMPRESSON", "impression"),
        ("CONCLUSION", "impression"),
        ("FINDINGS AND IMPRESSION", "impression"),
        ("FINIDNGS", "findings"),
        ("PORTABLE CHEST", "findings"),
        ("CHEST, TWO VIEWS", "findings"),
        ("REASON FOR EXAM", "indication"),
        ("CLINICAL HISTORY", "history"),
        ("COMPARISION", "comparison"),
        ("WET READ", "wet_read"),
    ],
)
def test_a_header_is_known_by_its_spellings(header: str, section: str) -> None:
    assert section_named(header) == section


def test_an_indication_is_never_read() -> None:
    assert canonical_report(" INDICATION:  ___M with fever // ?pneumonia\n") is None


def test_without_findings_and_impression_the_last_paragraph_is_read() -> None:
    raw = " INDICATION:  Shortness of breath.\n \n Heart size is normal.\n No effusion.\n"

    report = canonical_report(raw)

    assert report is not None
    assert (report.text, report.read_from) == (
        "FINDINGS: Heart size is normal. No effusion.",
        "last_paragraph",
    )


def test_a_read_under_comparison_is_found() -> None:
    report = canonical_report(" INDICATION:  Cough.\n COMPARISON:  The lungs are clear.\n")

    assert report is not None
    assert report.read_from == "comparison"


def test_an_addendum_at_the_top_is_not_the_read() -> None:
    fence = " " + "_" * 78
    raw = f"{fence}\n ADDENDUM:  Findings were discussed.\n{fence}\n FINDINGS:  No pneumothorax.\n"

    report = canonical_report(raw)

    assert report is not None
    assert report.text == "FINDINGS: No pneumothorax."


def test_a_wet_read_is_not_the_read() -> None:
    raw = " WET READ:  Large effusion.\n \n FINDINGS:  No effusion.\n"

    report = canonical_report(raw)

    assert report is not None
    assert report.text == "FINDINGS: No effusion."


def test_the_last_section_of_a_name_wins_unless_it_is_empty() -> None:
    sections = find_sections(" FINDINGS:  First.\n FINDINGS:  Second.\n FINDINGS: \n IMPRESSION:  Third.\n")

    assert sections["findings"] == "Second."


def test_a_report_without_any_header_is_read_whole() -> None:
    report = canonical_report("Small right effusion.\nNo pneumothorax.\n")

    assert report is not None
    assert report.text == "FINDINGS: Small right effusion. No pneumothorax."


@given(st.text(alphabet=st.sampled_from("ABC abc:_.\n/()"), max_size=300))
def test_any_text_gives_sentences_that_lie_in_it_or_nothing(raw: str) -> None:
    report = canonical_report(raw)

    for sentence in report.sentences if report else ():
        assert report is not None
        assert report.text[sentence.start : sentence.end] == sentence.text
