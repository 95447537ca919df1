"""An answer is applied by sentence; what it does not name stays word for word."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.records import Completion, Plan, Sentence, Study

TEXT = "FINDINGS: Heart is normal. No effusion.\nIMPRESSION: Normal."
SENTENCES = (
    Sentence(number=1, section="findings", start=10, end=26, text="Heart is normal."),
    Sentence(number=2, section="findings", start=27, end=39, text="No effusion."),
    Sentence(number=3, section="impression", start=52, end=59, text="Normal."),
)
STUDY = Study(
    corpus="demo",
    study_id="1",
    subject_id="1",
    split="train",
    text=TEXT,
    sentences=SENTENCES,
    read_from="findings+impression",
)
PLAN = Plan(
    plan_id="p",
    study_id="1",
    direction="add",
    target="fnd_pleural_effusion",
    swap_from=(),
    must_appear=(),
    must_cease=(),
    must_stay=(),
    kept_sentences=(1,),
    free_sentences=(2, 3),
    relevance=0.5,
    why="",
    seed=7,
)


def answer(*edits: dict[str, object]) -> Completion:
    return Completion(prompt_id="q", expert="scripted", model="m", text=json.dumps({"edits": edits}))


def test_steps_are_applied_where_they_say() -> None:
    edit = read_edit(
        answer(
            {"action": "replace", "number": 2, "text": "Small left effusion."},
            {"action": "insert", "number": 1, "text": "Lungs are clear."},
            {"action": "replace", "number": 3, "text": "Left effusion."},
        ),
        PLAN,
        STUDY,
    )

    assert edit.problem is None
    assert edit.text == (
        "FINDINGS: Heart is normal. Lungs are clear. Small left effusion.\nIMPRESSION: Left effusion."
    )
    assert edit.origins == (1, 0, 0, 0)


def test_a_section_that_loses_its_last_sentence_goes() -> None:
    edit = read_edit(answer({"action": "drop", "number": 3}), PLAN, STUDY)

    assert edit.text == "FINDINGS: Heart is normal. No effusion."


def test_a_numbered_list_is_counted_anew() -> None:
    items = ("1. Effusion.", "2. No edema.", "3. Tubes in place.")
    text = "IMPRESSION: " + " ".join(items)
    starts = [text.index(item) for item in items]
    study = STUDY.model_copy(
        update={
            "text": text,
            "sentences": tuple(
                Sentence(number=n, section="impression", start=start, end=start + len(item), text=item)
                for n, (item, start) in enumerate(zip(items, starts, strict=True), start=1)
            ),
        }
    )

    dropped = read_edit(answer({"action": "drop", "number": 1}), PLAN, study)
    added = read_edit(answer({"action": "insert", "number": 1, "text": "2. Left pneumothorax."}), PLAN, study)

    assert dropped.text == "IMPRESSION: 1. No edema. 2. Tubes in place."
    assert dropped.origins == (2, 3)
    assert added.text == "IMPRESSION: 1. Effusion. 2. Left pneumothorax. 3. No edema. 4. Tubes in place."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Sure! Here is the report.", "not the JSON"),
        ('{"edits":[{"action":"replace","number":2,"text":"Sm', "not the JSON"),
        ('{"edits":[{"action":"rewrite","number":2,"text":"x"}]}', "edits.0.action"),
        ('{"edits":[{"action":"drop","number":9}]}', "There is no sentence 9; the report has 3."),
        ('{"edits":[{"action":"replace","number":2,"text":"  "}]}', "has no text"),
        (
            '{"edits":[{"action":"drop","number":2},{"action":"replace","number":2,"text":"x"}]}',
            "changed twice",
        ),
    ],
)
def test_an_answer_that_cannot_be_applied_says_why(text: str, problem: str) -> None:
    edit = read_edit(Completion(prompt_id="q", expert="scripted", model="m", text=text), PLAN, STUDY)

    assert edit.problem is not None
    assert problem in edit.problem
    assert edit.text == TEXT


def test_an_answer_that_was_cut_off_is_not_applied() -> None:
    cut = answer({"action": "drop", "number": 2}).model_copy(update={"finish_reason": "length"})

    edit = read_edit(cut, PLAN, STUDY)

    assert edit.problem is not None
    assert "cut off" in edit.problem


def test_a_code_fence_around_the_answer_is_forgiven() -> None:
    fenced = '```json\n{"edits":[{"action":"drop","number":2}]}\n```'

    edit = read_edit(Completion(prompt_id="q", expert="scripted", model="m", text=fenced), PLAN, STUDY)

    assert edit.text == "FINDINGS: Heart is normal.\nIMPRESSION: Normal."


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["replace", "drop", "insert"]),
            st.integers(min_value=1, max_value=3),
            st.sampled_from(["New one.", "Two. Of them.", "Words without an end"]),
        ),
        max_size=5,
    )
)
def test_sentences_lie_in_the_text_and_kept_ones_are_untouched(steps: list[tuple[str, int, str]]) -> None:
    edit = read_edit(answer(*({"action": a, "number": n, "text": t} for a, n, t in steps)), PLAN, STUDY)

    for sentence, origin in zip(edit.sentences, edit.origins, strict=True):
        assert edit.text[sentence.start : sentence.end] == sentence.text
        if origin:
            assert sentence.text == SENTENCES[origin - 1].text
