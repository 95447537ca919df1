"""Completion → edit: apply the expert's steps, so that all other sentences stay as they were."""

from __future__ import annotations

import re

from pydantic import ValidationError

from ccf_pipeline.letters import clean_text
from ccf_pipeline.records import (
    AnswerForm,
    Completion,
    Edit,
    EditScript,
    Plan,
    Sentence,
    SentenceEdit,
    Study,
)
from ccf_pipeline.sentences import split_sentences
from ccf_pipeline.steps.aligning import align_candidate

ITEM = re.compile(r"(\d{1,2})\. (?=\S)")


def read_edit(completion: Completion, plan: Plan, study: Study, form: AnswerForm = "edits") -> Edit:
    """Apply an answer in the form that was asked for; one that cannot be applied says why."""
    if completion.failure is not None:
        return _unapplied(plan, study, f"There is no answer: {completion.failure}.")
    if completion.finish_reason == "length":
        return _unapplied(plan, study, "The answer was cut off before its end; answer more briefly.")
    if form == "report":
        return _rewritten(completion.text, plan, study)
    script = _script_of(completion.text)
    if isinstance(script, str):
        return _unapplied(plan, study, script)
    fault = _fault_of(script, study)
    if fault:
        return _unapplied(plan, study, fault)
    return apply_steps(script.edits, plan, study)


def _rewritten(text: str, plan: Plan, study: Study) -> Edit:
    """A whole report, laid beside the one it was made from; sentences left alone keep its words."""
    if not text.strip():
        return _unapplied(plan, study, "The answer is empty; answer with the whole new report.")
    return align_candidate(study, text.strip(), plan.plan_id)


def _script_of(text: str) -> EditScript | str:
    try:
        return _cleaned(EditScript.model_validate_json(_without_fence(text)))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        return (
            f"The answer is not the JSON that was asked for ({place + ': ' if place else ''}{fault['type']})."
        )


def _cleaned(script: EditScript) -> EditScript:
    """JSON escapes can hide letters that nobody sees: they are taken out once they are letters."""
    if all(step.text.isascii() and step.text.isprintable() for step in script.edits):
        return script
    return EditScript(
        edits=tuple(step.model_copy(update={"text": clean_text(step.text)}) for step in script.edits)
    )


def _without_fence(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped.strip("`").removeprefix("json")
    return stripped


def _fault_of(script: EditScript, study: Study) -> str | None:
    numbers = {sentence.number for sentence in study.sentences}
    changed: set[int] = set()
    for step in script.edits:
        if step.number not in numbers:
            return f"There is no sentence {step.number}; the report has {len(numbers)}."
        if step.action != "drop" and not step.text.strip():
            return f"The {step.action} at sentence {step.number} has no text."
        if step.action != "insert" and step.number in changed:
            return f"Sentence {step.number} is changed twice."
        if step.action != "insert":
            changed.add(step.number)
    return None


def apply_steps(steps: tuple[SentenceEdit, ...], plan: Plan, study: Study) -> Edit:
    """Lay the sentences out again, section by section; a section left without sentences is left out."""
    changed = {step.number: step for step in steps if step.action != "insert"}
    inserted: dict[int, list[str]] = {}
    for step in steps:
        if step.action == "insert":
            inserted.setdefault(step.number, []).append(step.text)
    pieces: list[tuple[str, str, int]] = []
    for sentence in study.sentences:
        change = changed.get(sentence.number)
        if change is None:
            pieces.append((sentence.section, sentence.text, sentence.number))
        elif change.action == "replace":
            pieces += [(sentence.section, text, 0) for text in _sentences_of(change.text)]
        for addition in inserted.get(sentence.number, ()):
            pieces += [(sentence.section, text, 0) for text in _sentences_of(addition)]
    text, sentences = _laid_out(_renumbered(pieces, study))
    return Edit(
        plan_id=plan.plan_id,
        steps=steps,
        text=text,
        sentences=sentences,
        origins=tuple(origin for _, _, origin in pieces),
    )


def _renumbered(pieces: list[tuple[str, str, int]], study: Study) -> list[tuple[str, str, int]]:
    """Count a numbered list anew: a gap where an item went would tell the pair apart."""
    numbered = {section for section in ("findings", "impression") if _is_numbered(study, section)}
    counts = dict.fromkeys(numbered, 0)
    renumbered: list[tuple[str, str, int]] = []
    for section, words, origin in pieces:
        if section in numbered and ITEM.match(words):
            counts[section] += 1
            words = ITEM.sub(f"{counts[section]}. ", words, count=1)
        renumbered.append((section, words, origin))
    return renumbered


def _is_numbered(study: Study, section: str) -> bool:
    """Whether a section is a list counted from 1 without a gap."""
    texts = [sentence.text for sentence in study.sentences if sentence.section == section]
    numbers = [int(match.group(1)) for text in texts if (match := ITEM.match(text))]
    return bool(numbers) and numbers == list(range(1, len(numbers) + 1))


def _laid_out(pieces: list[tuple[str, str, int]]) -> tuple[str, tuple[Sentence, ...]]:
    text = ""
    section_open = ""
    sentences: list[Sentence] = []
    for number, (section, words, _) in enumerate(pieces, start=1):
        if section != section_open:
            text += ("\n" if text else "") + f"{section.upper()}: "
            section_open = section
        else:
            text += " "
        start = len(text)
        text += words
        sentences.append(Sentence(number=number, section=section, start=start, end=len(text), text=words))
    return text, tuple(sentences)


def _sentences_of(text: str) -> list[str]:
    squeezed = " ".join(text.split())
    return [squeezed[start:end] for start, end in split_sentences(squeezed)]


def _unapplied(plan: Plan, study: Study, problem: str) -> Edit:
    return Edit(
        plan_id=plan.plan_id,
        steps=(),
        text=study.text,
        sentences=study.sentences,
        origins=tuple(sentence.number for sentence in study.sentences),
        problem=problem,
    )
