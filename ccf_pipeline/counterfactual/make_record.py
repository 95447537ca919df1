"""Everything that led to an edit, put together as one row of the data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache

from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import (
    FINDING_LABELS,
    Borrowed,
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
    Wording,
)

_WORD = re.compile(r"\w+")


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
        factual_labels=_list_labels(factual),
        counterfactual_labels=_list_labels(counterfactual),
        label_source="reader",
        steps=edit.steps,
        borrowed=tuple(find_borrowed(edit, study, plan.wording)),
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


def find_borrowed(edit: Edit, study: Study, wording: Iterable[Wording]) -> Iterator[Borrowed]:
    """Yield the new sentences that are written, in whole or shortened, as the bank has them."""
    offered = [(_WORD.findall(words.text.lower()), words) for words in wording]
    told = {tuple(_WORD.findall(s.text.lower())) for s in study.sentences} if offered else frozenset()
    for sentence in edit.sentences if offered else ():
        spans = [found.span() for found in _WORD.finditer(sentence.text)]
        said = [sentence.text[a:b].lower() for a, b in spans]
        if tuple(said) in told:
            continue
        for text, words in offered:
            # A number or title may stand before it; "there is" may have been left out.
            begin = _find_place(text, said)
            skipped = 0 if begin is not None else _find_place(said, text)
            if skipped is None:
                continue
            first, count = begin or 0, min(len(text), len(said))
            yield Borrowed(
                start=sentence.start + spans[first][0],
                end=sentence.start + spans[first + count - 1][1],
                study_id=words.study_id,
                first_word=words.first_word + skipped,
                patients=words.patients,
                is_mirrored=words.is_mirrored,
            )
            break


def _find_place(part: list[str], whole: list[str]) -> int | None:
    """Return where some words stand in a row among others."""
    places = range(len(whole) - len(part) + 1) if part else ()
    return next((n for n in places if whole[n : n + len(part)] == part), None)


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


def _list_labels(reading: Reading) -> tuple[Label, ...]:
    return tuple(
        _make_label(label, reading.states[finding])
        for finding, label in FINDING_LABELS.items()
        if finding in reading.states
    )


@cache
def _make_label(finding: str, state: Polarity) -> Label:
    """There are few of them, and every row holds up to twenty-eight."""
    return Label(finding=finding, state=state)
