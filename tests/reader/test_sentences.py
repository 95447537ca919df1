"""How a report falls into sections and sentences."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.reader.sentences import split_report, split_sections, split_sentences


def sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in split_sentences(text)]


def test_a_full_stop_ends_a_sentence() -> None:
    assert sentences("No acute fracture. Atelectasis at the right base.") == [
        "No acute fracture.",
        "Atelectasis at the right base.",
    ]


def test_a_list_number_belongs_to_its_sentence_even_when_glued() -> None:
    assert sentences("1. No effusion. 2. Old granuloma.") == ["1. No effusion.", "2. Old granuloma."]
    assert sentences("1.No acute fracture.2.Persistent atelectasis.") == [
        "1.No acute fracture.",
        "2.Persistent atelectasis.",
    ]
    assert sentences("1) Clear lungs\n2) Old rib fracture") == ["1) Clear lungs", "2) Old rib fracture"]


def test_decimals_titles_and_times_do_not_end_a_sentence() -> None:
    text = "A 2.5 cm nodule was discussed with Dr. Who at 9 a.m. by telephone."
    assert sentences(text) == [text]
    assert sentences("RLL PNA with assoc. parapneumonic effusion.") == [
        "RLL PNA with assoc. parapneumonic effusion."
    ]
    assert sentences("A nodule of approx. 4 mm.") == ["A nodule of approx. 4 mm."]
    assert sentences("Seen at 9 a.m. The tube is gone.") == ["Seen at 9 a.m.", "The tube is gone."]


def test_a_blank_may_end_a_sentence() -> None:
    assert sentences("Unchanged since ___. No effusion.") == ["Unchanged since ___.", "No effusion."]
    assert sentences("Read by Dr. ___. No effusion.") == ["Read by Dr. ___.", "No effusion."]


def test_a_wrapped_line_goes_on_but_a_blank_line_ends_the_sentence() -> None:
    assert sentences("There is no\n focal consolidation.") == ["There is no\n focal consolidation."]
    assert sentences("Heart size normal\n\nLungs clear") == ["Heart size normal", "Lungs clear"]


def test_a_sentence_glued_to_the_next_is_cut() -> None:
    assert sentences("A lesion in the apex.There are opacities.") == [
        "A lesion in the apex.",
        "There are opacities.",
    ]


def test_offsets_are_shifted_by_the_start() -> None:
    assert split_sentences("  Clear. ", start=10) == [(12, 18)]


def test_sections_are_known_by_their_headings() -> None:
    text = "FINDINGS: Clear lungs. No effusion.\nIMPRESSION: Normal."
    assert [(s.heading, text[s.start : s.end].strip()) for s in split_sections(text)] == [
        ("findings", "Clear lungs. No effusion."),
        ("impression", "Normal."),
    ]
    assert [(heading, text[a:b]) for heading, a, b in split_report(text)] == [
        ("findings", "Clear lungs."),
        ("findings", "No effusion."),
        ("impression", "Normal."),
    ]


@given(st.text())
def test_spans_are_ordered_trimmed_and_leave_out_nothing_but_white_space(text: str) -> None:
    spans = split_sentences(text)

    assert all(text[a:b] == text[a:b].strip() != "" for a, b in spans)
    assert "".join("".join(text[a:b].split()) for a, b in spans) == "".join(text.split())
    assert all(b <= c for (_, b), (c, _) in pairwise(spans))


_PIECES_OF_LAYOUT = (
    *(
        "FINDINGS:",
        " Impression :",
        "history:",
        "Heart:",
        "IMPRESSION: ",
        "Clear.",
        "Dr.",
        "No effusion.",
        "cm",
    ),
    *("1.", "2)", "?", "apex.There", '."', "- ", "\n", "\n\n", " ", "\t"),
)
_LAYOUT = st.lists(st.sampled_from(_PIECES_OF_LAYOUT), max_size=20).map("".join)


@given(st.text() | _LAYOUT)
def test_a_report_is_the_sentences_of_its_sections(text: str) -> None:
    sections = split_sections(text)

    assert list(split_report(text)) == [
        (section.heading, begin, end)
        for section in sections
        for begin, end in split_sentences(text[section.start : section.end], section.start)
    ]
    assert all(section.heading or text[section.start : section.end].strip() for section in sections)
    assert all(a.end <= b.start for a, b in pairwise(sections))


def test_hostile_text_is_split_in_linear_time() -> None:
    for piece in (".", ". ", "\n", " ", "\n \n", "1.", "a.", "FINDINGS:", "findings ", "?)", "A.B"):
        text = piece * (400_000 // len(piece))
        began = time.process_time()
        split_report(text)
        assert time.process_time() - began < 60  # in quadratic time it takes hours
