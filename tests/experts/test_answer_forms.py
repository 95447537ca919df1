"""The schema that a server is told: what it lets through is what our reader takes."""

from __future__ import annotations

import json
import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.counterfactual.edit.scripts import read_json_steps
from ccf_pipeline.experts.answer_forms import EDITS, STEP, answer_schema

WORDS = st.from_regex(re.compile(r"^[A-Za-z][A-Za-z0-9 .,]{0,79}\Z"))
STEPS = st.one_of(
    st.builds("{}{} {}".format, st.sampled_from("=+"), st.integers(1, 200), WORDS),
    st.builds("-{}".format, st.integers(1, 200)),
)


@given(st.lists(STEPS, max_size=6))
def test_what_fits_the_schema_is_read(edits: list[str]) -> None:
    said = {"edits": edits}
    jsonschema.validate(said, EDITS)

    steps = read_json_steps(json.dumps(said))

    assert not isinstance(steps, str)
    assert len(steps) == len(edits)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"edits": ["-"]},
        {"edits": ["-0"]},
        {"edits": ["-1 words"]},
        {"edits": ["=1"]},
        {"edits": ["=1 "]},
        {"edits": ['=1 a "quoted" word']},
        {"edits": [], "note": "done"},
    ],
)
def test_what_is_no_edit_does_not_fit(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, EDITS)


def test_no_repetition_is_longer_than_xgrammar_compiles() -> None:
    assert max(map(int, re.findall(r"\{\d+,(\d+)\}", STEP))) <= 128


def test_only_edits_have_a_schema() -> None:
    assert [answer_schema(form) for form in ("edits", "lines", "report")] == [EDITS, None, None]
