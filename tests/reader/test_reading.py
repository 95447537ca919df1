"""What the reader makes of sentences, one habit of report language at a time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.reader import CHEXPERT, NEGEX, Lexicon, read_labels, read_report, read_text, reader
from ccf_pipeline.reader.memory import memory_of
from ccf_pipeline.records import Mention


def polarities(text: str, lexicon: Lexicon) -> dict[str, str]:
    """Polarity by concept, without the prefix, of what the text itself names."""
    return {
        m.concept[4:]: m.polarity for m in read_text(text, lexicon) if m.concept.startswith(("fnd_", "att_"))
    }


def only(text: str, concept: str, lexicon: Lexicon) -> Mention:
    (mention,) = [m for m in read_text(text, lexicon) if m.concept == concept]
    return mention


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "No effusion, pneumothorax or consolidation.",
            {"pleural_effusion": "absent", "pneumothorax": "absent", "consolidation": "absent"},
        ),
        ("No pneumothorax but a small effusion.", {"pneumothorax": "absent", "pleural_effusion": "present"}),
        ("No effusion and the heart is enlarged.", {"pleural_effusion": "absent", "cardiomegaly": "present"}),
        ("Cardiomegaly without pulmonary edema.", {"cardiomegaly": "present", "edema": "absent"}),
        (
            "Consolidation, effusion and pneumothorax are absent.",
            {"consolidation": "absent", "pleural_effusion": "absent", "pneumothorax": "absent"},
        ),
        (
            "Atelectasis is present; pneumothorax is not seen.",
            {"atelectasis": "present", "pneumothorax": "absent"},
        ),
    ],
)
def test_a_denial_reaches_through_its_list_and_no_further(
    text: str, expected: dict[str, str], lexicon: Lexicon
) -> None:
    assert polarities(text, lexicon) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The effusion has not increased.",
        "No change in the effusion.",
        "The effusion has not resolved.",
        "Not only effusion.",
        "No significant interval change in the small effusion.",
    ],
)
def test_a_denied_change_leaves_the_finding(text: str, lexicon: Lexicon) -> None:
    assert polarities(text, lexicon)["pleural_effusion"] == "present"


@pytest.mark.parametrize(
    "text",
    [
        "Possible effusion.",
        "An effusion cannot be excluded.",
        "Effusion is not excluded.",
        "Opacity, which may represent effusion.",
        "An effusion may be present.",
        "Questionable effusion.",
        "?effusion.",
        "If effusion is a concern, a lateral view may help.",
    ],
)
def test_a_doubted_finding_is_uncertain(text: str, lexicon: Lexicon) -> None:
    assert polarities(text, lexicon)["pleural_effusion"] == "uncertain"


def test_the_sign_is_certain_where_only_its_cause_is_doubted(lexicon: Lexicon) -> None:
    assert polarities("Opacity may represent atelectasis versus pneumonia.", lexicon) == {
        "lung_opacity": "present",
        "atelectasis": "uncertain",
        "pneumonia": "uncertain",
    }


def test_the_cue_names_the_phrase_that_decided(lexicon: Lexicon) -> None:
    assert only("Without effusion.", "fnd_pleural_effusion", lexicon).cue == "without"


@pytest.mark.parametrize(
    "text",
    [
        "Heart size is normal.",
        "The heart is normal in size.",
        "Normal heart size.",
        "Heart: normal.",
        "The heart is not enlarged.",
    ],
)
def test_a_normal_heart_denies_cardiomegaly_in_any_wording(text: str, lexicon: Lexicon) -> None:
    assert polarities(text, lexicon) == {"cardiomegaly": "absent"}


def test_a_normal_state_says_what_it_implies(lexicon: Lexicon) -> None:
    heart = only("Heart size is normal.", "fnd_cardiomegaly", lexicon)

    assert heart.implied_by == "nrm_normal_heart"


def test_a_plain_denial_asserts_its_normal_state_and_a_qualified_one_does_not(lexicon: Lexicon) -> None:
    assert only("No pleural effusion.", "nrm_no_effusion", lexicon).polarity == "present"

    qualified = read_text("No large pleural effusion.", lexicon)
    assert [(m.concept, m.polarity, m.severity) for m in qualified] == [
        ("fnd_pleural_effusion", "absent", "large")
    ]


def test_an_exception_lifts_what_a_normal_state_denies(lexicon: Lexicon) -> None:
    assert polarities("The lungs are clear.", lexicon) == {"lung_opacity": "absent"}
    assert polarities("The lungs are clear except for a left opacity.", lexicon) == {
        "lung_opacity": "present"
    }


def test_parts_of_the_chest_share_what_is_said_of_them(lexicon: Lexicon) -> None:
    assert polarities("The heart and mediastinum are enlarged.", lexicon) == {
        "cardiomegaly": "present",
        "enlarged_cardiomediastinum": "present",
    }


def test_place_and_degree_belong_to_the_finding_they_stand_with(lexicon: Lexicon) -> None:
    mention = only("Small effusion at the left base and cardiomegaly.", "fnd_pleural_effusion", lexicon)

    assert (mention.side, mention.region, mention.severity) == ("left", "base", "small")


def test_one_noun_with_two_sides_makes_two_mentions(lexicon: Lexicon) -> None:
    mentions = read_text("Moderate right and trace left effusions.", lexicon)

    assert {(m.side, m.severity) for m in mentions if m.concept == "fnd_pleural_effusion"} == {
        ("right", "moderate"),
        ("left", "trace"),
    }


def test_time_is_read_before_and_after_the_finding(lexicon: Lexicon) -> None:
    assert only("New effusion.", "fnd_pleural_effusion", lexicon).temporality == "new"
    assert only("The effusion is unchanged.", "fnd_pleural_effusion", lexicon).temporality == "unchanged"
    resolved = only("The effusion has resolved.", "fnd_pleural_effusion", lexicon)
    assert (resolved.polarity, resolved.temporality) == ("absent", "resolved")


def test_words_are_whole_and_slips_of_the_pen_are_forgiven(lexicon: Lexicon) -> None:
    assert polarities("Massive portable study of the sept.", lexicon) == {}
    assert (
        polarities("No pnuemothorax, small left plueral effusion.", lexicon)["pleural_effusion"] == "present"
    )
    assert polarities("No evidence ofpneumonia.", lexicon) == {"pneumonia": "absent"}


def test_a_pronoun_stands_for_the_finding_named_last(lexicon: Lexicon) -> None:
    text = "No large pneumothorax, although a small one cannot be excluded."
    said = [(m.polarity, m.severity) for m in read_text(text, lexicon) if m.concept == "fnd_pneumothorax"]

    assert said == [("absent", "large"), ("uncertain", "small")]


@pytest.mark.parametrize(
    ("text", "state"),
    [("Lines and tubes: No support devices.", "absent"), ("Lines and tubes: none.", "absent"),
     ("Lines and tubes in standard position.", "present"), ("Lines and tubes: right PICC.", "present")],
)  # fmt: skip
def test_a_title_states_nothing_of_what_it_heads(text: str, state: str, lexicon: Lexicon) -> None:
    assert read_report(text, lexicon)[1]["fnd_support_devices"] == state


def test_not_to_see_the_tip_of_a_tube_does_not_deny_the_tube(lexicon: Lexicon) -> None:
    assert polarities("The endotracheal tube tip is not seen.", lexicon)["ett"] == "present"
    assert polarities("The endotracheal tube is not seen.", lexicon)["ett"] == "absent"


def test_what_was_not_seen_before_is_new(lexicon: Lexicon) -> None:
    mention = only("Effusion, not seen on the prior exam.", "fnd_pleural_effusion", lexicon)

    assert (mention.polarity, mention.temporality) == ("present", "new")


def test_either_or_doubts_both_and_either_side_is_a_place(lexicon: Lexicon) -> None:
    assert set(polarities("Either atelectasis or pneumonia.", lexicon).values()) == {"uncertain"}
    assert only("No effusion on either side.", "fnd_pleural_effusion", lexicon).side == "bilateral"


def test_a_broken_device_is_not_a_broken_bone(lexicon: Lexicon) -> None:
    assert polarities("Left PICC, fractured.", lexicon) == {"picc": "present", "support_devices": "present"}


def test_another_organ_is_not_the_lung(lexicon: Lexicon) -> None:
    assert polarities("Small pericardial effusion. Soft tissue edema.", lexicon) == {}


def test_a_kind_of_device_is_a_device(lexicon: Lexicon) -> None:
    assert polarities("Left PICC.", lexicon) == {"picc": "present", "support_devices": "present"}


def test_offsets_and_sentence_numbers_point_into_the_report(lexicon: Lexicon) -> None:
    text = "FINDINGS: Clear. There is an  effusion.\nIMPRESSION: Small effusion."

    mentions = [m for m in read_text(text, lexicon) if m.concept == "fnd_pleural_effusion"]

    assert [(text[m.start : m.end], m.sentence) for m in mentions] == [("effusion", 2), ("effusion", 3)]


def test_a_sentence_that_recurs_is_mentioned_at_each_of_its_places(lexicon: Lexicon) -> None:
    text = "FINDINGS: No edema. Possible edema. No edema."

    mentions = read_text(text, lexicon)

    assert [(m.polarity, m.cue, m.start, m.end, m.sentence) for m in mentions] == [
        ("absent", "no", 13, 18, 1),
        ("uncertain", "possible", 29, 34, 2),
        ("absent", "no", 39, 44, 3),
    ]


def test_what_is_remembered_has_a_bound_and_forgetting_changes_nothing(
    graph: GraphFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"FINDINGS: {number} cm effusion. No pneumothorax {number}." for number in range(20)]
    expected = [read_text(text, Lexicon.from_graph(graph)) for text in texts]
    monkeypatch.setattr(reader, "_REMEMBERED_SENTENCES", 6)
    lexicon = Lexicon.from_graph(graph)

    assert [read_text(text, lexicon) for text in texts] == expected
    memory = memory_of(lexicon)[CHEXPERT, False]
    assert len(memory.sentences) + len(memory.histories) <= 6 + 2
    assert len(memory.fields) <= 4 * (6 + 2)


def test_what_was_only_asked_or_known_before_does_not_count(lexicon: Lexicon) -> None:
    text = "INDICATION: Pneumonia.\nFINDINGS: Cardiomegaly."

    mentions = read_text(text, lexicon)

    assert only(text, "fnd_pneumonia", lexicon).temporality == "prior"
    assert read_labels(mentions, lexicon) == {"fnd_cardiomegaly": "present"}
    assert read_labels(mentions, lexicon, NEGEX)["fnd_pneumonia"] == "present"


def test_a_history_without_a_heading_after_it_is_one_sentence(lexicon: Lexicon) -> None:
    text = "Clinical history: pneumonia. Heart size normal."

    assert only(text, "fnd_pneumonia", lexicon).temporality == "prior"
    assert only(text, "nrm_normal_heart", lexicon).temporality is None


def test_present_beats_uncertain_beats_absent(lexicon: Lexicon) -> None:
    text = "No effusion. Possible effusion. Possible edema. No edema. Effusion."

    assert read_labels(read_text(text, lexicon), lexicon) == {
        "fnd_pleural_effusion": "present",
        "fnd_edema": "uncertain",
    }


def test_no_finding_means_nothing_but_devices(lexicon: Lexicon) -> None:
    assert read_labels(read_text("No effusion. Left PICC.", lexicon), lexicon) == {
        "fnd_pleural_effusion": "absent",
        "fnd_support_devices": "present",
        "fnd_no_finding": "present",
    }


_WORDS = st.lists(
    st.sampled_from(
        [
            "no",
            "without",
            "not",
            "the",
            "a",
            "is",
            "are",
            "seen",
            "possible",
            "may",
            "and",
            "or",
            "but",
            ",",
            ".",
            ";",
            ":",
            "?",
            "effusion",
            "pneumothorax",
            "heart",
            "lungs",
            "enlarged",
            "normal",
            "clear",
            "left",
            "right",
            "bibasilar",
            "small",
            "large",
            "new",
            "unchanged",
            "resolved",
            "change",
            "with",
            "of",
            "except",
            "history",
            "versus",
            "(",
            ")",
            "2.5",
            "cm",
            "___",
            "removed",
            "endotracheal",
            "tube",
            "opacity",
        ]
    ),
    max_size=30,
).map(" ".join)


@given(text=st.text() | _WORDS)
@settings(max_examples=300)
def test_any_text_is_read_and_every_span_lies_in_it(text: str, lexicon: Lexicon) -> None:
    mentions = read_text(text, lexicon)

    assert all(0 <= m.start < m.end <= len(text) and text[m.start : m.end].strip() for m in mentions)
    assert all(m == Mention.model_validate(m.model_dump()) for m in mentions)
    assert mentions == read_text(text, lexicon)
    read_labels(mentions, lexicon)


@given(text=_WORDS)
def test_case_and_white_space_do_not_matter(text: str, lexicon: Lexicon) -> None:
    def said(text: str) -> list[Mention]:
        return [m.model_copy(update={"start": 0, "end": 0}) for m in read_text(text, lexicon)]

    assert said(text) == said(text.upper()) == said(text.replace(" ", "  \n "))


@pytest.mark.parametrize(
    "piece", ["no ", "x", "no effusion, ", "heart and ", "effusion ", "may ", "left ", "and ", "\n"]
)
def test_hostile_text_is_read_in_linear_time(piece: str, graph: GraphFile) -> None:
    lexicon = Lexicon.from_graph(graph)
    began = time.process_time()
    read_text(piece * (200_000 // len(piece)), lexicon)
    assert time.process_time() - began < 60  # in quadratic time it takes an hour
