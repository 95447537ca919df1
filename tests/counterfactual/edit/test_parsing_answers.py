"""What models answer in fact: thinking, fences, prose, and answers that were made to break a parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.records import AnswerForm, Completion, Edit
from tests.counterfactual.edit.test_editing import PLAN, STUDY, TEXT

DROP = '{"edits":[{"action":"drop","number":2}]}'
DROPPED = "FINDINGS: Heart is normal.\nIMPRESSION: Normal."


def read(text: str, form: AnswerForm = "edits") -> Edit:
    return read_edit(Completion(prompt_id="q", expert="scripted", model="m", text=text), PLAN, STUDY, form)


@pytest.mark.parametrize(
    "text",
    [
        DROP,
        f"<think>Maybe {{drop}} [2]?</think>\n\n{DROP}",
        f"The denial has to go.\n</think>{DROP}",
        f"Here are the edits:\n```json\n{DROP}\n```\nI hope this helps.",
        f'Sentence [2] is "no longer true.\n{DROP}',
        "\ufeff" + DROP,
        '{"edits": [{"action": "drop", "number": 2, "text": null, "reason": "denial"}]}',
        '[{"action":"drop","number":2}]',
        '{"edits":["-2"]}',
        '```json\n{"edits": ["-2 because it is denied", "=1 Heart is normal."]}\n```',
        '{"edits":[{"action":"drop","number":2},{"action":"replace","number":1,"text":"Heart is normal."}]}',
    ],
)
def test_json_is_found_whatever_a_model_puts_around_it(text: str) -> None:
    edit = read(text)

    assert edit.problem is None
    assert edit.text == DROPPED
    assert edit.origins == (1, 3)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("<think>It denies an effusion", "nothing but thinking"),
        (f"{DROP}\nOr rather:\n{DROP.replace('2', '1')}", "more than one script"),
        (DROP[:-2], "it breaks off"),
        ('{"edits":' + "[" * 15_000, "nested too deeply"),
        ('{"edits":' + "[" * 100_000, "far longer"),
        ("[" * 15_000, "no `edits`"),
        ('{"edits":[{"action":"drop","number":NaN}]}', "NaN is no value"),
        ('{"edits":[{"action":"drop","number":%s}]}' % ("9" * 5000), "not the JSON"),
        ('{"edits":[{"action":"drop","number":%s}]}' % ("9" * 4000), "There is no such sentence"),
        ('{"edits":[{"action":"drop","number":1,"number":2}]}', "a key stands twice"),
        ('{"edits":[],"edits":[]}', "a key stands twice"),
        ('{"edits":[[["drop"]]]}', "edits.0"),
        ('{"edits":{"action":"drop"}}', "is not a list"),
        ('{"edits":["-2","Heart is normal."]}', "edits.1 does not begin"),
        (r'{"edits":[{"action":"replace","number":2,"text":"Effusion \ud800."}]}', "not text"),
        ('{"edits":[{"action":"replace","number":2,"text":"Small \u0435ffusion."}]}', "another alphabet"),
        ("<html><body>502 Bad Gateway</body></html>", "no `edits`"),
        ("x" * 10_000_000, "far longer"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, why: str) -> None:
    edit = read(text)

    assert edit.problem is not None
    assert why in edit.problem
    assert len(edit.problem) < 200
    assert edit.text == TEXT


def test_invisible_and_typeset_characters_do_not_tell_the_sides_apart() -> None:
    words = (
        "Small\u200b left\u00a0effusion \u2013 \u202epatient\u2019s\u0000 side; 5 \u03bcm, caf\u0065\u0301."
    )

    edit = read(json.dumps({"edits": [{"action": "replace", "number": 2, "text": words}]}))

    assert edit.sentences[1].text == "Small left effusion - patient's side; 5 \u03bcm, caf\u00e9."


def test_new_words_lose_the_number_and_heading_they_were_shown_under() -> None:
    edit = read('{"edits":[{"action":"replace","number":3,"text":"[3] IMPRESSION: Left\\neffusion."}]}')

    assert edit.text == "FINDINGS: Heart is normal. No effusion.\nIMPRESSION: Left effusion."


def test_a_replacement_that_repeats_the_sentence_keeps_it_and_adds_the_rest() -> None:
    edit = read('{"edits":[{"action":"replace","number":1,"text":"Left effusion. Heart is normal."}]}')

    assert edit.text == "FINDINGS: Left effusion. Heart is normal. No effusion.\nIMPRESSION: Normal."
    assert edit.origins == (0, 1, 2, 3)


# --- lines ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "=2 Small left effusion.\n+1 Lungs are clear.\n=3 Left effusion.",
        "Changes:\n\n= [2] Small left effusion.\n+1  Lungs are clear.\n\n=3 Left effusion.\n",
        "```\n=2 Small left effusion.\n+1 Lungs are clear.\n=3 Left effusion.\n```",
    ],
)
def test_lines_are_steps(text: str) -> None:
    edit = read(text, "lines")

    assert edit.problem is None
    assert edit.text == (
        "FINDINGS: Heart is normal. Lungs are clear. Small left effusion.\nIMPRESSION: Left effusion."
    )


def test_a_line_that_drops_may_repeat_what_it_drops() -> None:
    assert read("-2 No effusion.", "lines").text == DROPPED


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("No changes.", "holds no change"),
        ("-2\nThe rest stays.", "A line of the answer is no change"),
        ("=2", "has no text"),
        ("-12345", "holds no change"),
        ("-9", "There is no sentence 9"),
    ],
)
def test_lines_that_are_no_steps_are_refused(text: str, why: str) -> None:
    edit = read(text, "lines")

    assert edit.problem is not None
    assert why in edit.problem


# --- whole reports ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "FINDINGS: Heart is normal. Small left effusion.\nIMPRESSION: Left effusion.",
        "**FINDINGS:**\nHeart is normal.\nSmall left effusion.\n\n**IMPRESSION:**\n1. Left effusion.".replace(
            "1. ", ""
        ),
        "<report 5fb9ea>\nFINDINGS:\n[1] Heart is normal.\n[2] Small left effusion.\nIMPRESSION:\n"
        "[3] Left effusion.\n</report 5fb9ea>",
        "Here is the counterfactual report:\n\nFindings: heart is normal. Small left effusion.\n"
        "Impression: Left effusion.",
    ],
)
def test_a_report_written_anew_is_laid_out_as_the_one_it_was_made_from(text: str) -> None:
    edit = read(text, "report")

    assert edit.problem is None
    assert edit.text == "FINDINGS: Heart is normal. Small left effusion.\nIMPRESSION: Left effusion."
    assert edit.origins == (1, 0, 0)
    assert [step.action for step in edit.steps] == ["replace", "replace"]


def test_sentences_come_and_go_anywhere_in_a_report_written_anew() -> None:
    edit = read("FINDINGS: Left effusion. Heart is normal. Port is new.\nIMPRESSION: Normal. Port.", "report")

    assert edit.text == ("FINDINGS: Left effusion. Heart is normal. Port is new.\nIMPRESSION: Normal. Port.")
    assert edit.origins == (0, 1, 0, 3, 0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Heart is normal.", "before the first heading"),
        ("FINDINGS: Heart is normal.\nIMPRESSION: Normal.\nCONCLUSION: Well.", "CONCLUSION is new"),
        ("IMPRESSION: Normal.\nFINDINGS: Heart is normal.", "another order"),
    ],
)
def test_a_report_with_other_headings_is_refused(text: str, why: str) -> None:
    edit = read(text, "report")

    assert edit.problem is not None
    assert why in edit.problem


# --- any text ---------------------------------------------------------------------------------

ODD = st.text(st.sampled_from('{}[]"\\:,\n<>/=+-0123 \u200b\ud800\u0435`aeiTdrops.'), max_size=80)


@given(
    st.one_of(st.text(), ODD, ODD.map(lambda text: '{"edits":[' + text)),
    st.sampled_from(["edits", "lines", "report"]),
)
def test_no_answer_breaks_the_parser(text: str, form: AnswerForm) -> None:
    edit = read(text, form)

    assert [edit.text[s.start : s.end] for s in edit.sentences] == [s.text for s in edit.sentences]
    edit.text.encode()
