"""Plan → prompt: what the expert is told, the part that most prompts share first.

wording.py   the task in words       showing.py   the report, fenced as data, and the graph
reasons.py   what speaks against an answer, by sentences that its writer knows
"""

from __future__ import annotations

import hashlib
import string
from functools import lru_cache

from ccf_pipeline.counterfactual.prompt.reasons import tell_reason
from ccf_pipeline.counterfactual.prompt.show import show_graph, show_report, show_target
from ccf_pipeline.counterfactual.prompt.wording import (
    ask_for_rewording,
    describe_showing,
    describe_task,
    list_details,
    needs_signs,
)
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import (
    AnswerForm,
    Completion,
    Edit,
    Message,
    Plan,
    Prompt,
    Sampling,
    Sentence,
    Study,
    Template,
    Verdict,
)
from ccf_pipeline.settings import ExpertSettings

__all__ = ["CHOSEN", "write_chosen", "write_prompt", "write_repair"]

CHOSEN = "chosen"
"""The strategy by which the factual side is put into the expert's words."""

FORMS: dict[str, AnswerForm] = {"edits": "edits", "lines": "lines", "minimal": "edits", CHOSEN: "edits"}
REMINDERS: dict[AnswerForm, str] = {
    "edits": "JSON only, by the sentence numbers of the report as you were given it.",
    "lines": "one line per change, by the sentence numbers of the report as you were given it.",
    "report": "the whole new report, without comments.",
}


def write_prompt(
    plan: Plan,
    study: Study,
    graph: ConceptGraph,
    template: Template,
    expert: ExpertSettings,
    *,
    attempt: int = 1,
) -> Prompt:
    """Put a plan into words.

    Instructions come first, then the target with its neighbourhood, then the task and the report: a server
    that caches prefixes computes the first two once per target. The report is fenced as data.
    """
    form = FORMS.get(template.strategy, "report")
    slots = {
        "target": lambda: show_target(graph, plan.target) if needs_signs(plan) else "",
        "graph": lambda: show_graph(graph),
        "request": lambda: _write_request(plan, graph, template),
        "details": lambda: list_details(plan, study, graph),
        "report": lambda: show_report(study),
    }
    messages = _write_opening(template, {name: slots[name]() for name in _list_slots(template.user)})
    return _make_prompt(plan, plan.plan_id, study.sentences, template, messages, expert, form, attempt)


def write_chosen(plans: tuple[Plan, ...], study: Study, template: Template, expert: ExpertSettings) -> Prompt:
    """Ask for the factual report in the expert's own words: as many of them as its counterfactuals hold.

    Where counterfactuals are edited by sentence, the sentences that they change are reworded; where they are
    written anew, all of them. The prompt is the same whatever the plans are called, unless each pair has
    words of its own.
    """
    by_sentence = FORMS.get(expert.strategy, "report") != "report"
    request = ask_for_rewording(plans, study, by_sentence=by_sentence)
    messages = _write_opening(template, {"request": request, "report": show_report(study)})
    about = plans[0].plan_id if expert.rewords_pairs else study.study_id
    return _make_prompt(plans[0], about, study.sentences, template, messages, expert, FORMS[CHOSEN], 1)


def write_repair(
    prompt: Prompt,
    completion: Completion,
    edit: Edit,
    verdict: Verdict,
    template: Template,
    expert: ExpertSettings,
) -> Prompt:
    """Send an answer back with the reasons; what was said before stays, so that a prefix cache holds it."""
    refused = [problem for problem in verdict.problems if problem.level == "block"]
    reasons = "\n".join(f"- {tell_reason(problem, prompt, edit)}" for problem in refused)
    request = string.Template(template.user).substitute(reasons=reasons, form=REMINDERS[prompt.form])
    messages = (
        *prompt.messages,
        Message(role="assistant", content=completion.text),
        Message(role="user", content=request),
    )
    plan, form, attempt = prompt.plan, prompt.form, prompt.attempt + 1
    repair = _make_prompt(plan, plan.plan_id, prompt.sentences, template, messages, expert, form, attempt)
    return repair.model_copy(update={"strategy": prompt.strategy, "template_digest": prompt.template_digest})


def _write_request(plan: Plan, graph: ConceptGraph, template: Template) -> str:
    return describe_showing(plan) if template.strategy == "paper" else describe_task(plan, graph)


@lru_cache(maxsize=16)
def _list_slots(user: str) -> tuple[str, ...]:
    return tuple(string.Template(user).get_identifiers())


def _write_opening(template: Template, slots: dict[str, str]) -> tuple[Message, ...]:
    user = string.Template(template.user).substitute(slots).strip()
    system = (Message(role="system", content=template.system),) if template.system else ()
    return *system, Message(role="user", content=user)


def _make_prompt(
    plan: Plan,
    about: str,
    sentences: tuple[Sentence, ...],
    template: Template,
    messages: tuple[Message, ...],
    expert: ExpertSettings,
    form: AnswerForm,
    attempt: int,
) -> Prompt:
    """Return everything that decides the answer makes the id.

    Args:
        about: the id of the plan or study that the prompt is about.
    """
    sampling = Sampling(
        temperature=expert.temperature,
        seed=int(hashlib.sha256(f"{about} {attempt}".encode()).hexdigest()[:8], 16) % 2**31,
        max_tokens=expert.max_answer_tokens,
        candidates=1 if template.strategy == CHOSEN else expert.candidates,
    )
    said = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
    asked = "\x1e".join((about, form, sampling.model_dump_json(exclude_defaults=True), said))
    return Prompt(
        prompt_id=hashlib.sha256(asked.encode()).hexdigest(),
        plan=plan,
        sentences=sentences,
        strategy=template.strategy,
        template_digest=template.digest,
        messages=messages,
        sampling=sampling,
        form=form,
        attempt=attempt,
    )
