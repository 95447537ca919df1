"""Completion → edit: apply the expert's steps, so that all other sentences stay as they were.

unwrap.py       what was said, without thinking, fences and marks that do not belong there
scripts.py      steps as JSON or as lines     rewritten.py   steps from a report written anew
apply.py        steps to a text
"""

from __future__ import annotations

from ccf_pipeline.counterfactual.edit.apply import apply_steps, unapplied
from ccf_pipeline.counterfactual.edit.rewritten import steps_between
from ccf_pipeline.counterfactual.edit.scripts import fault_of, read_json_steps, read_line_steps
from ccf_pipeline.counterfactual.edit.unwrap import cleaned, fault_of_letters, unwrapped
from ccf_pipeline.records import AnswerForm, Completion, Edit, Plan, SentenceEdit, Study

__all__ = ["apply_steps", "read_edit"]

LONGEST_ANSWER = 20_000
"""Characters; ten times the longest report that anybody writes."""


def read_edit(completion: Completion, plan: Plan, study: Study, form: AnswerForm = "edits") -> Edit:
    """Apply an answer in the form that was asked for; one that cannot be applied says why.

    Every form comes down to steps by sentence, so that what no step names keeps its words and its layout.
    """
    steps = _read_steps(completion, study, form)
    return unapplied(plan, study, steps) if isinstance(steps, str) else apply_steps(steps, plan, study)


def _read_steps(completion: Completion, study: Study, form: AnswerForm) -> tuple[SentenceEdit, ...] | str:
    """The steps of an answer, or why there are none to apply."""
    if completion.failure is not None:
        return f"There is no answer: {completion.failure}."
    if completion.finish_reason == "length":
        return "The answer was cut off before its end; answer more briefly."
    said = unwrapped(completion.text)
    if said is None:
        return "The answer is nothing but thinking; answer in the form that was asked for."
    if not said:
        return "The answer is empty; answer in the form that was asked for."
    if len(said) > max(LONGEST_ANSWER, 4 * len(study.text)):
        return "The answer is far longer than the report; answer in the form that was asked for."
    read = {"edits": read_json_steps, "lines": read_line_steps}.get(form)
    steps = read(said) if read else steps_between(study, cleaned(said, study.text))
    if isinstance(steps, str):
        return steps
    steps = tuple(_clean_step(step, study.text) for step in steps)
    return fault_of(steps, study) or fault_of_letters((step.text for step in steps), study.text) or steps


def _clean_step(step: SentenceEdit, report: str) -> SentenceEdit:
    text = cleaned(step.text, report)
    return step if text == step.text else step.model_copy(update={"text": text})
