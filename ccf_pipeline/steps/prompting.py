"""Plan → prompt: what the expert is told, the part that all studies share first."""

from __future__ import annotations

import hashlib
import string
from functools import lru_cache

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.concepts.words import describe_neighbourhood
from ccf_pipeline.records import (
    FINDING_LABELS,
    AnswerForm,
    Completion,
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

FORMS: dict[str, AnswerForm] = {"edits": "edits", "lines": "lines", "minimal": "edits"}


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

    Instructions come first, then the target with its neighbourhood, then the report: a server that
    caches prefixes computes the first two once per target. The report is fenced as data.
    """
    slots = {
        "request": _request(plan),
        "neighbourhood": _neighbourhood(graph, plan.target),
        "place": _place(plan, graph),
        "report": "\n".join(
            f"[{sentence.number}] {sentence.section}: {sentence.text}" for sentence in study.sentences
        ),
    }
    messages = (
        Message(role="system", content=template.system),
        Message(role="user", content=string.Template(template.user).substitute(slots)),
    )
    form = FORMS.get(template.strategy, "report")
    return _prompt(plan, study.sentences, template, messages, expert, form, attempt)


def write_repair(
    prompt: Prompt, completion: Completion, verdict: Verdict, template: Template, expert: ExpertSettings
) -> Prompt:
    """Send an answer back with the reasons; what was said before stays, so that a prefix cache holds it."""
    reasons = "\n".join(f"- {problem.message}" for problem in verdict.problems if problem.level == "block")
    messages = (
        *prompt.messages,
        Message(role="assistant", content=completion.text),
        Message(role="user", content=string.Template(template.user).substitute(reasons=reasons)),
    )
    return _prompt(
        prompt.plan, prompt.sentences, template, messages, expert, prompt.form, prompt.attempt + 1
    ).model_copy(update={"strategy": prompt.strategy, "template_digest": prompt.template_digest})


def _prompt(
    plan: Plan,
    sentences: tuple[Sentence, ...],
    template: Template,
    messages: tuple[Message, ...],
    expert: ExpertSettings,
    form: AnswerForm,
    attempt: int,
) -> Prompt:
    """Everything that decides the answer makes the id."""
    sampling = Sampling(
        temperature=expert.temperature,
        seed=int(hashlib.sha256(f"{plan.plan_id} {attempt}".encode()).hexdigest()[:8], 16) % 2**31,
        max_tokens=expert.max_answer_tokens,
    )
    said = "\x1e".join(f"{message.role}\x1f{message.content}" for message in messages)
    asked = "\x1e".join((plan.plan_id, form, sampling.model_dump_json(), said))
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


@lru_cache(maxsize=64)
def _neighbourhood(graph: ConceptGraph, target: str) -> str:
    """The same words for every study, so that a server's prefix cache holds them."""
    return describe_neighbourhood(graph, target)


def _request(plan: Plan) -> str:
    target = FINDING_LABELS[plan.target]
    if plan.direction == "remove":
        return f"Make this a report in which {target} is not there. Remove its signs as well."
    if plan.direction == "swap":
        leaving = ", ".join(FINDING_LABELS[finding] for finding in plan.swap_from)
        return (
            f"Make this a report in which {target} is there in place of {leaving}."
            f" Remove the signs of {leaving}."
        )
    return f"Make this a report in which {target} is there as well."


def _place(plan: Plan, graph: ConceptGraph) -> str:
    if not plan.must_appear:
        return "Nothing new is to be described."
    said = []
    for statement in plan.must_appear:
        region = graph.regions[statement.region].label if statement.region else None
        where = [word for word in (statement.severity, statement.side, region) if word]
        said.append(graph.concept(statement.concept).label + (f" ({', '.join(where)})" if where else ""))
    return f"Describe: {'; '.join(said)}."
