"""The schema that a server is told: what it lets through is what our reader takes."""

from __future__ import annotations

import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.io.experts.forms import EDITS, SENTENCE, answer_schema
from ccf_pipeline.records import EditScript

STEPS = st.one_of(
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["replace", "insert"]),
            "number": st.integers(1, 200),
            "text": st.from_regex(re.compile(r"^[A-Za-z0-9 .,]{1,80}\Z")),
        }
    ),
    st.fixed_dictionaries({"action": st.just("drop"), "number": st.integers(1, 200)}),
)


@given(st.lists(STEPS, max_size=6))
def test_what_fits_the_schema_is_read(edits: list[dict[str, object]]) -> None:
    jsonschema.validate({"edits": edits}, EDITS)

    assert len(EditScript.model_validate({"edits": edits}).edits) == len(edits)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"edits": [{"action": "drop"}]},
        {"edits": [{"action": "drop", "number": 0}]},
        {"edits": [{"action": "drop", "number": 1, "text": "x"}]},
        {"edits": [{"action": "replace", "number": 1}]},
        {"edits": [{"action": "replace", "number": 1, "text": ""}]},
        {"edits": [{"action": "replace", "number": 1, "text": 'a "quoted" word'}]},
        {"edits": [], "note": "done"},
    ],
)
def test_what_is_no_edit_does_not_fit(wrong: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, EDITS)


def test_no_repetition_is_longer_than_xgrammar_compiles() -> None:
    assert max(map(int, re.findall(r"\{\d+,(\d+)\}", SENTENCE))) <= 128


def test_only_edits_have_a_schema() -> None:
    assert [answer_schema(form) for form in ("edits", "lines", "report")] == [EDITS, None, None]
