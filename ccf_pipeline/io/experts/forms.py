"""What a server is told of the form of an answer, where it can hold a model to one."""

from __future__ import annotations

from typing import Any

from ccf_pipeline.records import AnswerForm

# A pattern, not `maxLength`: with the latter alone xgrammar lets raw tabs and line breaks into strings and
# refuses escapes, so that strict JSON readers fail; with both it ignores the length.
SENTENCE = r"^[A-Za-z0-9 .,;:()/%+=<>&_'#*?-]{1,600}$"
MOST_EDITS = 40
MOST_SENTENCES = 200

_NUMBER = {"type": "integer", "minimum": 1, "maximum": MOST_SENTENCES}


def _step(actions: list[str], **more: Any) -> dict[str, Any]:
    properties = {"action": {"type": "string", "enum": actions}, "number": _NUMBER, **more}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# The same for every prompt, so that a server compiles its grammar once.
EDITS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "edits": {
            "type": "array",
            "maxItems": MOST_EDITS,
            "items": {
                "anyOf": [
                    _step(["replace", "insert"], text={"type": "string", "pattern": SENTENCE}),
                    _step(["drop"]),
                ]
            },
        }
    },
    "required": ["edits"],
    "additionalProperties": False,
}


def answer_schema(form: AnswerForm) -> dict[str, Any] | None:
    """The JSON schema that an answer of this form fits, if it is JSON."""
    return EDITS if form == "edits" else None
