"""Describe the form of an answer to servers that can hold a model to it."""

from __future__ import annotations

from typing import Any

from ccf_pipeline.records import AnswerForm

# A pattern, not `maxLength`: with the latter alone xgrammar lets raw tabs and line breaks into strings and
# refuses escapes, so that strict JSON readers fail; with both it ignores the length. Words with one blank
# before each cannot run away into blanks. (xgrammar 0.2.8 cannot compile `{1,600}` of letters in a list.)
NUMBER = r"[1-9][0-9]{0,2}"
WORD = r"[A-Za-z0-9.,;:()/%+=<>&_'#*?-]{1,30}"
STEP = rf"^([=+]{NUMBER}( {WORD}){{1,99}}|-{NUMBER})$"
MOST_EDITS = 40

# The same for every prompt, so that a server compiles its grammar once.
EDITS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "edits": {
            "type": "array",
            "maxItems": MOST_EDITS,
            "items": {"type": "string", "pattern": STEP},
        }
    },
    "required": ["edits"],
    "additionalProperties": False,
}


def answer_schema(form: AnswerForm) -> dict[str, Any] | None:
    """The JSON schema that an answer of this form fits, if it is JSON."""
    return EDITS if form == "edits" else None
