"""Which part of a report is read, whatever its headers look like."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.corpora.sections import canonical_report, find_sections, section_named


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


def test_a_title_above_the_indication_does_not_swallow_it() -> None:
    sections = find_sections(" CHEST RADIOGRAPH:\n INDICATION:  Cough.\n FINDINGS:  Clear: no effusion.\n")

    assert sections["indication"] == "Cough."
    assert sections["findings"] == "Clear: no effusion."


def test_a_header_on_the_line_of_another_is_text() -> None:
    sections = find_sections(" FINDINGS:  COMPARISON: none. Clear.\n IMPRESSION:  Normal.\n")

    assert sections["findings"] == "COMPARISON: none. Clear."


def test_what_stands_before_the_first_header_is_a_preamble() -> None:
    report = canonical_report(" Portable film at ___.\n FINDINGS:  Clear lungs.\n")

    assert report is not None
    assert report.text == "FINDINGS: Clear lungs."


@pytest.mark.parametrize("text", ["None.", "___", "Chest radiograph ___.", "Prior study from ___?"])
def test_a_comparison_that_names_only_another_study_is_no_read(text: str) -> None:
    assert canonical_report(f" INDICATION:  Cough.\n COMPARISON:  {text}\n") is None


@pytest.mark.parametrize("header", ["RECOMMENDATION", "TECHNIQUE", "EXAMINATION", "NOTE"])
def test_a_read_under_a_wrong_header_is_found_and_said_to_be_there(header: str) -> None:
    report = canonical_report(f" INDICATION:  Cough.\n {header}:  Heart size is normal. No effusion.\n")

    assert report is not None
    assert report.text == "FINDINGS: Heart size is normal. No effusion."
    assert report.read_from == header.lower()


@pytest.mark.parametrize("header", ["INDICATION", "HISTORY", "CLINICAL INFORMATION", "REASON FOR EXAM"])
@pytest.mark.parametrize(
    "text", ["Pneumonia, effusion.", "Fever.\n \n ?pneumonia", "x\n \n Evaluate for edema."]
)
def test_what_was_asked_is_never_what_was_seen(header: str, text: str) -> None:
    assert canonical_report(f" {header}:  {text}\n") is None


def test_a_fence_at_the_end_does_not_hide_the_read() -> None:
    report = canonical_report(f" FINDINGS:  Clear lungs.\n {'_' * 70}\n")

    assert report is not None
    assert report.text == "FINDINGS: Clear lungs."


def test_a_fenced_wet_read_after_the_report_is_not_the_read() -> None:
    fence = "_" * 70
    report = canonical_report(f" FINDINGS:  Clear lungs.\n {fence}\n WET READ:  Large effusion.\n {fence}\n")

    assert report is not None
    assert report.text == "FINDINGS: Clear lungs."


def test_an_addendum_without_a_colon_is_known() -> None:
    fence = "_" * 70
    report = canonical_report(f" {fence}\n ADDENDUM   Now seen.\n {fence}\n\n FINAL REPORT\n Lungs clear.\n")

    assert report is not None
    assert (report.text, report.read_from) == ("FINDINGS: Lungs clear.", "last_paragraph")


def test_without_headers_the_title_is_left_out_and_nothing_else() -> None:
    raw = "   FINAL REPORT\n CHEST, TWO VIEWS ON ___\n\n Heart is large.\n\n No effusion.\n"

    report = canonical_report(raw)

    assert report is not None
    assert report.text == "FINDINGS: Heart is large. No effusion."


def test_headings_within_a_line_and_in_any_case_are_read() -> None:
    report = canonical_report("Indication: ?edema. Findings: Clear lungs. Impression: Normal.")

    assert report is not None
    assert report.text == "FINDINGS: Clear lungs.\nIMPRESSION: Normal."


def test_phi_marks_stay_in_their_sentences() -> None:
    report = canonical_report(" IMPRESSION:  Compared to ___, edema is worse, as told to Dr. ___ by phone.\n")

    assert report is not None
    assert [s.text for s in report.sentences] == [
        "Compared to ___, edema is worse, as told to Dr. ___ by phone."
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    ["A" * 256_000, "A (" * 80_000, "\n " * 128_000, "_" * 256_000, ("_" * 79 + "\n") * 3_000,
     "A:\n" * 80_000, " FINDINGS:\n" * 20_000, "x. " * 80_000, ". " * 128_000, "\n1. a" * 50_000,
     " FINDINGS: a\n \n" * 16_000, "e.g. " * 50_000, "Findings: " * 25_000, ":" * 256_000],
    ids=range(14),
)  # fmt: skip
def test_no_text_takes_long(hostile: str) -> None:
    begun = time.process_time()

    canonical_report(hostile)

    assert time.process_time() - begun < 60  # in quadratic time it takes far longer


@given(st.text(alphabet=st.sampled_from("ABC abc:_.\n/()"), max_size=300))
def test_any_text_gives_sentences_that_lie_in_it_or_nothing(raw: str) -> None:
    report = canonical_report(raw)

    for sentence in report.sentences if report else ():
        assert report is not None
        assert report.text[sentence.start : sentence.end] == sentence.text


def test_a_hedge_in_the_last_paragraph_is_no_question_to_the_radiologist() -> None:
    raw = " COMPARISON:  ___.\n \n Concern for mild edema. Pneumonia cannot be ruled out.\n"

    report = canonical_report(raw)

    assert report is not None
    assert report.read_from == "last_paragraph"


def test_a_read_that_opens_with_a_wet_read_is_still_the_read() -> None:
    fence = " " + "_" * 78
    raw = (
        f"{fence}\n ADDENDUM:  Compared with ___.\n{fence}\n WET READ: ___ AM.\n \n FINDINGS:  No effusion.\n"
    )

    report = canonical_report(raw)

    assert report is not None
    assert report.text == "FINDINGS: No effusion."
