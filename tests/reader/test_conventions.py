"""Each convention: what its values make of the wording it decides."""

from __future__ import annotations

import pytest

from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import CCF, CHEXPERT, Lexicon, ReadingConventions, read_labels, read_text
from ccf_pipeline.reader.golden import check_reader
from ccf_pipeline.reader.strict_labels import read_strict_labels

CARDIOMEGALY, MEDIASTINUM = "fnd_cardiomegaly", "fnd_enlarged_cardiomediastinum"


@pytest.fixture(scope="module")
def shipped() -> Lexicon:
    return Lexicon.from_graph(load_graph().file)


def state(text: str, finding: str, lexicon: Lexicon, conventions: ReadingConventions) -> str:
    return read_labels(read_text(text, lexicon, conventions), lexicon, conventions).get(finding, "blank")


@pytest.mark.parametrize(
    ("text", "finding", "chexpert", "ccf"),
    [
        ("No new opacity.", "fnd_lung_opacity", "uncertain", "uncertain"),
        ("Likely pneumonia.", "fnd_pneumonia", "present", "present"),
        ("Pneumonia is likely.", "fnd_pneumonia", "present", "present"),
        ("Pneumonia is less likely.", "fnd_pneumonia", "uncertain", "uncertain"),
        ("Heart size is at the upper limits of normal.", CARDIOMEGALY, "absent", "absent"),
        ("The heart is stable.", CARDIOMEGALY, "uncertain", "blank"),
        ("Stable cardiomediastinal silhouette.", MEDIASTINUM, "uncertain", "blank"),
        ("Pulmonary vascular congestion.", "fnd_edema", "uncertain", "present"),
        ("No vascular congestion.", "fnd_edema", "absent", "blank"),
        ("Median sternotomy wires and surgical clips.", "fnd_support_devices", "blank", "blank"),
        ("Old healed left rib fracture.", "fnd_fracture", "present", "present"),
        ("Calcified granuloma in the left lung.", "fnd_lung_lesion", "blank", "blank"),
        ("Pneumothorax is not appreciated.", "fnd_pneumothorax", "uncertain", "absent"),
        ("A pneumothorax is not clearly seen.", "fnd_pneumothorax", "uncertain", "absent"),
        ("Pneumothorax is not seen.", "fnd_pneumothorax", "absent", "absent"),
        ("No pneumothorax is appreciated.", "fnd_pneumothorax", "absent", "absent"),
    ],
)
def test_the_default_gives_the_answer_of_chexpert_and_ccf_that_of_the_pipeline(
    text: str, finding: str, chexpert: str, ccf: str, shipped: Lexicon
) -> None:
    assert state(text, finding, shipped, CHEXPERT) == chexpert
    assert state(text, finding, shipped, CCF) == ccf


@pytest.mark.parametrize(
    ("convention", "value", "text", "finding", "expected"),
    [
        ("no_new", "absent", "No new opacity.", "fnd_lung_opacity", "absent"),
        ("no_new", "present", "No new opacity.", "fnd_lung_opacity", "present"),
        ("likely", "uncertain", "Opacity, likely pneumonia.", "fnd_pneumonia", "uncertain"),
        ("likely", "uncertain", "Pneumonia is likely.", "fnd_pneumonia", "uncertain"),
        ("likely", "uncertain", "Probable pneumonia.", "fnd_pneumonia", "present"),
        ("likely", "uncertain", "Likely no pneumonia.", "fnd_pneumonia", "absent"),
        ("probable", "uncertain", "Probable pneumonia.", "fnd_pneumonia", "uncertain"),
        ("upper_limits", "uncertain", "Heart size upper limits of normal.", CARDIOMEGALY, "uncertain"),
        ("upper_limits", "present", "The heart is top normal.", CARDIOMEGALY, "present"),
        ("stable_heart", "blank", "Stable heart size.", CARDIOMEGALY, "blank"),
        ("not_appreciated", "absent", "Effusion is not appreciated.", "fnd_pleural_effusion", "absent"),
        ("doubt", "present", "Possible effusion.", "fnd_pleural_effusion", "present"),
        ("borderline", "absent", "Borderline cardiomegaly.", CARDIOMEGALY, "absent"),
        ("vascular_congestion", "present", "Vascular congestion.", "fnd_edema", "present"),
        ("vascular_congestion", "blank", "Vascular congestion.", "fnd_edema", "blank"),
        ("vascular_congestion", "blank", "Vascular congestion and edema.", "fnd_edema", "present"),
        ("old_fracture", "blank", "Old rib fracture.", "fnd_fracture", "blank"),
        ("old_fracture", "uncertain", "Old rib fracture.", "fnd_fracture", "uncertain"),
        ("old_fracture", "blank", "Old rib fracture and acute rib fracture.", "fnd_fracture", "present"),
        ("calcified_granuloma", "present", "Calcified granuloma.", "fnd_lung_lesion", "present"),
        ("calcified_granuloma", "uncertain", "Calcified granuloma.", "fnd_lung_lesion", "uncertain"),
        ("calcified_granuloma", "present", "No calcified granuloma.", "fnd_lung_lesion", "blank"),
        ("elsewhere", "count", "Edema of the ankle.", "fnd_edema", "present"),
        ("history", "count", "There is a history of atelectasis.", "fnd_atelectasis", "present"),
        ("implied_denials", False, "Lungs are clear.", "fnd_lung_opacity", "blank"),
        ("wires_and_clips", True, "Median sternotomy wires.", "fnd_support_devices", "present"),
        ("no_finding", "strict", "Tortuous aorta.", "fnd_no_finding", "blank"),
        ("no_finding", "chexpert", "Tortuous aorta.", "fnd_no_finding", "present"),
    ],
)
def test_a_convention_decides_its_wording(
    convention: str, value: object, text: str, finding: str, expected: str, shipped: Lexicon
) -> None:
    conventions = ReadingConventions.model_validate({convention: value})

    assert state(text, finding, shipped, conventions) == expected


def test_every_convention_is_tried() -> None:
    (marker,) = getattr(test_a_convention_decides_its_wording, "pytestmark")  # noqa: B009
    tried = {case[0] for case in marker.args[1]}

    assert tried == set(ReadingConventions.model_fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Heart size and mediastinal contours are stable.", {CARDIOMEGALY, MEDIASTINUM}),
        ("Stable appearance of the heart.", {CARDIOMEGALY}),
        ("No change in the cardiac silhouette.", {CARDIOMEGALY}),
        ("Cardiomediastinal silhouette is similar to prior.", {MEDIASTINUM}),
        # Its size is said, or something else is stable.
        ("Heart size is stable and normal.", set()),
        ("The heart is mildly enlarged and stable.", set()),
        ("Stable opacity behind the heart.", set()),
        ("Opacity over the heart is stable.", set()),
        ("Stable mediastinal mass.", set()),
        ("Stable left effusion. The heart is obscured.", set()),
        ("The heart remains as described.", set()),
    ],
)
def test_only_a_heart_of_unknown_size_is_doubted_for_being_stable(
    text: str, expected: set[str], shipped: Lexicon
) -> None:
    doubted = {m.concept for m in read_text(text, shipped) if m.polarity == "uncertain"}

    assert doubted & {CARDIOMEGALY, MEDIASTINUM} == expected


def test_an_assertion_beats_what_a_stable_heart_leaves_open(shipped: Lexicon) -> None:
    assert state("Stable heart. Cardiomegaly.", CARDIOMEGALY, shipped, CHEXPERT) == "present"
    assert state("Stable cardiomegaly.", CARDIOMEGALY, shipped, CHEXPERT) == "present"


def test_strict_labels_keep_to_the_conventions(shipped: Lexicon) -> None:
    mentions = read_text("Vascular congestion.", shipped)

    assert read_strict_labels(mentions, shipped, CHEXPERT)["fnd_edema"] == "uncertain"
    assert read_strict_labels(mentions, shipped, CCF)["fnd_edema"] == "present"


@pytest.mark.parametrize("conventions", [CCF, CHEXPERT], ids=["ccf", "chexpert"])
def test_the_golden_sentences_hold_under_both_sets(conventions: ReadingConventions) -> None:
    graph = load_graph().file

    assert check_reader(Lexicon.from_graph(graph), graph, conventions) == ()
