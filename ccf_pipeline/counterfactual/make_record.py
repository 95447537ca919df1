"""Everything that led to an edit, put together as one row of the data set."""

from __future__ import annotations

from functools import cache

from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import (
    FINDING_LABELS,
    Completion,
    Edit,
    Label,
    Lineage,
    Polarity,
    Problem,
    Prompt,
    Record,
    Spend,
    Study,
    Verdict,
)


def make_record(
    study: Study,
    prompt: Prompt,
    completion: Completion,
    edit: Edit,
    verdict: Verdict,
    factual: Reading,
    counterfactual: Reading,
    lineage: Lineage,
    spent: Spend,
) -> Record:
    """The pair with its verdict and lineage.

    Both sides are labelled by the same reader: labels from two sources would tell the sides apart.
    """
    image, plan = study.image, prompt.plan
    return Record(
        record_id=plan.plan_id,
        corpus=study.corpus,
        study_id=study.study_id,
        subject_id=study.subject_id,
        split=study.split,
        image_id=image.image_id if image else None,
        image_path=image.path if image else None,
        image_sha256=image.sha256 if image else None,
        view=image.view if image else None,
        matched_image=plan.matched_image,
        direction=plan.direction,
        target=FINDING_LABELS[plan.target],
        swap_from=tuple(FINDING_LABELS[finding] for finding in plan.swap_from),
        element=plan.element,
        diagnosis=FINDING_LABELS[plan.diagnosis] if plan.diagnosis else None,
        factual_text=study.text,
        counterfactual_text=edit.text,
        factual_labels=_labels(factual),
        counterfactual_labels=_labels(counterfactual),
        label_source="reader",
        steps=edit.steps,
        accepted=verdict.accepted,
        problems=verdict.problems,
        scores=verdict.scores,
        why=plan.why,
        expert=completion.expert,
        model=completion.model,
        strategy=prompt.strategy,
        attempt=prompt.attempt,
        tokens_in=spent.tokens_in,
        tokens_cached=spent.tokens_cached,
        tokens_out=spent.tokens_out,
        seed=plan.seed,
        prompt_digest=prompt.template_digest,
        graph_version=lineage.graph_version,
        graph_digest=lineage.graph_digest,
        code_version=lineage.code_version,
    )


def with_chosen(record: Record, chosen: Edit, faults: tuple[Problem, ...], spent: Spend) -> Record:
    """The row with the factual side in the expert's words, or with what speaks against them.

    Args:
        spent: what the rewording cost, where it is this row's to tell of it.
    """
    return record.model_copy(
        update={
            "chosen_text": None if faults or chosen.text == record.factual_text else chosen.text,
            "problems": (*record.problems, *faults),
            "tokens_in": record.tokens_in + spent.tokens_in,
            "tokens_cached": record.tokens_cached + spent.tokens_cached,
            "tokens_out": record.tokens_out + spent.tokens_out,
        }
    )


def _labels(reading: Reading) -> tuple[Label, ...]:
    return tuple(
        _label(label, reading.states[finding])
        for finding, label in FINDING_LABELS.items()
        if finding in reading.states
    )


@cache
def _label(finding: str, state: Polarity) -> Label:
    """There are few of them, and every row holds up to twenty-eight."""
    return Label(finding=finding, state=state)
