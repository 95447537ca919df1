"""Both sides of a pair wear the same wrapper, byte for byte, whatever the reports say."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.datasets.formats.select import named_more
from ccf_pipeline.datasets.wrapper import (
    answer,
    chosen_answer,
    diagnosis,
    load_wrapper,
    pair_answers,
    reasoning,
    shipped_wrappers,
)
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import MissingInput, SettingsError
from ccf_pipeline.records import FINDING_LABELS, Label
from ccf_pipeline.settings import DatasetSettings

STATES = st.sampled_from(["present", "absent", "uncertain"])
LABELS = st.dictionaries(st.sampled_from(list(FINDING_LABELS.values())), STATES).map(
    lambda states: tuple(Label(finding=finding, state=state) for finding, state in states.items())
)
TRICKY = st.sampled_from(
    ["<image>", "</think>", "<think>", "{text}", "{diagnosis}", "<|im_end|>", "FINDINGS:", "\nIMPRESSION: "]
)
TEXTS = st.lists(TRICKY | st.text(max_size=20), max_size=8).map("".join)
WRAPPERS = st.sampled_from(shipped_wrappers()).map(lambda name: load_wrapper(DatasetSettings(wrapper=name)))


@given(wrapper=WRAPPERS, text=TEXTS, labels=LABELS, headings=st.booleans())
def test_an_answer_is_the_wrapper_around_text_and_diagnosis_and_nothing_else(
    wrapper: object, text: str, labels: tuple[Label, ...], headings: bool
) -> None:
    before, middle, after = wrapper.around  # type: ignore[attr-defined]

    said = answer(text, labels, wrapper, headings=headings)  # type: ignore[arg-type]

    inner = reasoning(text, wrapper, headings=headings)  # type: ignore[arg-type]
    assert said == before + inner + middle + diagnosis(labels, wrapper) + after  # type: ignore[arg-type]


@given(wrapper=WRAPPERS, one=TEXTS, other=TEXTS, labels=LABELS, others=LABELS)
def test_what_stands_around_the_text_is_the_same_on_both_sides(
    wrapper: object, one: str, other: str, labels: tuple[Label, ...], others: tuple[Label, ...]
) -> None:
    def stripped(text: str, of: tuple[Label, ...]) -> str:
        said = answer(text, of, wrapper)  # type: ignore[arg-type]
        inner, named = reasoning(text, wrapper), diagnosis(of, wrapper)  # type: ignore[arg-type]
        before, middle, _ = wrapper.around  # type: ignore[attr-defined]
        assert said.startswith(before + inner + middle + named)
        return before + middle + said[len(before + inner + middle + named) :]

    assert stripped(one, labels) == stripped(other, others)


@given(wrapper=WRAPPERS, text=TEXTS, labels=LABELS)
def test_a_report_can_neither_end_the_thought_nor_call_for_an_image(
    wrapper: object, text: str, labels: tuple[Label, ...]
) -> None:
    said = answer(text, labels, wrapper)  # type: ignore[arg-type]

    assert said.count("<think>") == said.count("</think>") == 1
    assert "<image>" not in said
    assert "<|im_end|>" not in said


def test_a_section_that_only_one_side_has_leaves_both_without_headings(build: BuildFolder) -> None:
    record = next(r for r in build.accepted_records(1) if "IMPRESSION:" in r.factual_text)
    shorter = record.model_copy(
        update={
            "chosen_text": None,
            "factual_text": "FINDINGS: Clear.\nIMPRESSION: Clear.",
            "counterfactual_text": "FINDINGS: No.",
        }
    )

    sides = pair_answers(shorter, load_wrapper(DatasetSettings()))

    assert sides.chosen.startswith("<think> Clear. Clear. </think>")
    assert sides.rejected.startswith("<think> No. </think>")


def test_the_experts_own_words_stand_on_the_chosen_side(build: BuildFolder) -> None:
    record = next(iter(build.accepted_records(1)))
    reworded = record.model_copy(update={"chosen_text": "FINDINGS: Said in other words."})

    assert "Said in other words." in pair_answers(reworded, load_wrapper(DatasetSettings())).chosen


def test_a_pair_that_was_planned_with_one_diagnosis_names_one_on_either_side(build: BuildFolder) -> None:
    record = next(iter(build.accepted_records(1)))
    shown = [Label(finding=finding, state="present") for finding in ("Atelectasis", "Edema")]
    planned = record.model_copy(
        update={
            "diagnosis": "Pneumonia",
            "factual_labels": tuple(shown),
            "counterfactual_labels": (*shown, Label(finding="Pneumonia", state="present")),
        }
    )
    wrapper = load_wrapper(DatasetSettings(wrapper="paper"))

    sides = pair_answers(planned, wrapper)

    assert sides.rejected.endswith("The disease of this patient is Pneumonia.")
    assert sides.chosen.endswith(("disease of this patient is Atelectasis.", "of this patient is Edema."))
    assert chosen_answer(planned, wrapper) == sides.chosen
    assert named_more(planned) == 0


def test_a_normal_report_stays_normal_beside_a_single_diagnosis(build: BuildFolder) -> None:
    record = next(iter(build.accepted_records(1)))
    planned = record.model_copy(update={"diagnosis": "Edema", "factual_labels": ()})

    sides = pair_answers(planned, load_wrapper(DatasetSettings(wrapper="paper")))

    assert sides.chosen.endswith("The disease of this patient is No Finding.")


def test_devices_and_doubts_are_no_disease() -> None:
    labels = (
        Label(finding="Support Devices", state="present"),
        Label(finding="Edema", state="uncertain"),
    )

    assert diagnosis(labels, load_wrapper(DatasetSettings())) == "No Finding"


def test_the_papers_wrapper_writes_its_training_text() -> None:
    wrapper = load_wrapper(DatasetSettings(wrapper="paper"))
    labels = (Label(finding="Pneumonia", state="present"), Label(finding="Edema", state="present"))

    assert (
        wrapper.asked(tag=True)
        == "This is a patient's chest DR image <image>. Please help me determine the patient's disease."
    )
    assert (
        answer("FINDINGS: Focal  opacity.\nIMPRESSION: Pneumonia.", labels, wrapper)
        == "<think> Focal opacity. Pneumonia. </think> The disease of this patient is Edema, Pneumonia."
    )


@pytest.mark.parametrize("name", shipped_wrappers())
def test_a_package_that_places_images_by_itself_gets_no_tag(name: str) -> None:
    asked = load_wrapper(DatasetSettings(wrapper=name)).asked(tag=False)

    assert asked == "This is a patient's chest DR image. Please help me determine the patient's disease."


def test_a_question_of_ones_own_gets_the_image_first() -> None:
    wrapper = load_wrapper(DatasetSettings(question="What do you see?"))

    assert wrapper.asked(tag=True) == "<image>What do you see?"


def test_a_wrapper_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        'name: mine\nquestion: "{image} What is it?"\nanswer: "{text} So: {diagnosis}"\n'
        'findings: "F:"\nimpression: "I:"\nbetween: "; "\nno_disease: none\n'
    )

    wrapper = load_wrapper(DatasetSettings(wrapper=str(file)))

    assert answer("FINDINGS: Clear.", (), wrapper) == "F: Clear. So: none"


@pytest.mark.parametrize("said", ["answer: '{diagnosis} {text}'", "answer: '{text}'", "question: 'no place'"])
def test_a_wrapper_without_its_places_is_refused(tmp_path: Path, said: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "name: mine\nquestion: '{image}?'\nanswer: '{text} {diagnosis}'\n"
        f"findings: ''\nimpression: ''\nbetween: ','\nno_disease: none\n{said}\n"
    )

    with pytest.raises(SettingsError, match=said.split(":")[0]):
        load_wrapper(DatasetSettings(wrapper=str(file)))


def test_an_unknown_wrapper_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as told:
        load_wrapper(DatasetSettings(wrapper="papier"))
    with pytest.raises(MissingInput):
        load_wrapper(DatasetSettings(wrapper=str(tmp_path / "none.yaml")))

    assert "ccf, paper" in told.value.hint
