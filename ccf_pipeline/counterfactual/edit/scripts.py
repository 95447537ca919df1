"""Edit scripts as experts write them: JSON, or one line per step.

In JSON a step is a line, too: `{"edits":["=3 new text","-7"]}` costs little more than the half of what an
object with keys does, over and over. Steps as objects (`records.EditScript`) are read as well.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NoReturn

from pydantic import ValidationError

from ccf_pipeline.records import SentenceEdit, Study

Steps = tuple[SentenceEdit, ...]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
DEEPEST = 4
_LINE = re.compile(r"\s*([=+-])\s*\[?(\d{1,4})\b\]?[ \t]*(.*)", re.DOTALL)
_ACTIONS: dict[str, Literal["replace", "insert", "drop"]] = {"=": "replace", "+": "insert", "-": "drop"}
_NOT_JSON = "The answer is not the JSON that was asked for"


# --- JSON -------------------------------------------------------------------------------------


def read_json_steps(said: str) -> Steps | str:
    """The steps of the one script in an answer, with or without words around it; or why there are none."""
    try:
        found = [_load_piece(piece) for piece in _iter_objects(said)]
    except ValueError as error:
        return f"{_NOT_JSON} ({error})."
    scripts = [entry["edits"] for entry in found if "edits" in entry]
    if not scripts and found and all("action" in entry for entry in found):
        scripts = [found]  # the steps alone, in a list or one after the other
    if len(scripts) != 1:
        return f"{_NOT_JSON} ({'more than one script' if scripts else 'no `edits`'})."
    if not isinstance(scripts[0], list):
        return f"{_NOT_JSON} (`edits` is not a list)."
    steps = []
    for place, entry in enumerate(scripts[0]):
        if isinstance(entry, str):
            step = _parse_line(entry)
            if step is None:
                return f"{_NOT_JSON} (edits.{place} does not begin with =, + or - and a sentence number)."
            steps.append(step)
            continue
        try:
            steps.append(_parse_step(entry))
        except ValidationError as error:
            fault = error.errors(include_url=False, include_input=False)[0]
            at = ".".join(str(part) for part in ("edits", place, *fault["loc"]))
            return f"{_NOT_JSON} ({at}: {fault['type']})."
    return tuple(steps)


def _iter_objects(said: str) -> Iterator[str]:
    """The outermost objects of a text; brackets inside strings do not count."""
    begin, depth, at = -1, 0, said.find("{")
    while at >= 0 and (token := _TOKEN.search(said, at)):
        at = token.end()
        if token[0] in "{[":
            begin = begin if depth else token.start()
            depth += 1
            if depth > DEEPEST:
                raise ValueError("nested too deeply")
        elif token[0] in "}]":
            depth -= 1
            if depth == 0:
                yield said[begin:at]
                at = said.find("{", at)
    if depth:
        raise ValueError("it breaks off")


def _refuse_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entry = dict(pairs)
    if len(entry) != len(pairs):
        raise ValueError("a key stands twice")
    return entry


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value")


# Not strict: servers that hold a model to a schema let it break lines inside strings.
_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_refuse_twice, parse_constant=_refuse_constant)


def _load_piece(piece: str) -> dict[str, Any]:
    try:
        loaded = _DECODER.decode(piece)
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg.lower()} at character {error.pos}") from None
    return loaded if isinstance(loaded, dict) else {}


def _parse_step(entry: object) -> SentenceEdit:
    """A step; what it says beside action, number and text is let be, such as a reason."""
    if not isinstance(entry, dict):
        return SentenceEdit.model_validate(entry)
    told = {key: entry[key] for key in SentenceEdit.model_fields if entry.get(key) is not None}
    return SentenceEdit.model_validate(told)


# --- lines ------------------------------------------------------------------------------------


def read_line_steps(said: str) -> Steps | str:
    """The steps of `=3 new text`, `+5 text` and `-7`; words before the first of them are let be."""
    steps: list[SentenceEdit] = []
    for line in filter(str.strip, said.splitlines()):
        step = _parse_line(line)
        if step is not None:
            steps.append(step)
        elif steps:
            return "A line of the answer is no change; begin each with =, + or - and the sentence number."
    if not steps:
        return "The answer holds no change; begin each line with =, + or - and the sentence number."
    return tuple(steps)


def _parse_line(line: str) -> SentenceEdit | None:
    step = _LINE.fullmatch(line)
    if step is None:
        return None
    mark, number, text = step.groups()
    said = "" if mark == "-" else text
    return SentenceEdit(action=_ACTIONS[mark], number=int(number), text=said)


# --- both -------------------------------------------------------------------------------------


def fault_of(steps: Steps, study: Study) -> str | None:
    """Return why steps cannot be applied to a study, if they cannot."""
    numbers = {sentence.number for sentence in study.sentences}
    changed: set[int] = set()
    for step in steps:
        if step.number not in numbers:
            named = f"sentence {step.number}" if abs(step.number) < 10_000 else "such sentence"
            return f"There is no {named}; the report has {len(numbers)}."
        if step.action != "drop" and not step.text.strip():
            return f"The {step.action} at sentence {step.number} has no text."
        if step.action != "insert" and step.number in changed:
            return f"Sentence {step.number} is changed twice."
        if step.action != "insert":
            changed.add(step.number)
    return None
