"""Edit → verdict: does the counterfactual say what was planned, and nothing else?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    Edit,
    Mention,
    Plan,
    Problem,
    Scores,
    Study,
    Verdict,
)
from ccf_pipeline.steps.facts import Reading, is_asserted

WORD = re.compile(r"\w+|___|[^\w\s]")
BLANK = "___"
IDENTIFIER = re.compile(
    r"\b\d{1,2}[/-]\d{1,2}(?:[/-]\d{2,4})?\b|\b(?:19|20)\d\d\b|\b\d{1,2}:\d\d\b"
    r"|\b(?:Dr|Mr|Mrs|Ms)\.? [A-Z]|\byear[- ]old\b"
)
MARKUP = re.compile(r"```|[{}]|</?(?:report|think)>|\*\*|^#", re.MULTILINE)


def check_edit(
    edit: Edit, plan: Plan, study: Study, factual: Reading, counterfactual: Reading, graph: ConceptGraph
) -> Verdict:
    """Judge an edit by what the plan says must change and the graph says must follow.

    Each problem is worded so that it can go back to the expert as an instruction.
    """
    if edit.problem is not None:
        problems = [Problem(code="format_broken", message=edit.problem)]
    elif _same_words(edit.text, study.text):
        problems = [
            Problem(code="unchanged", message="Nothing was changed; make the change that was asked for.")
        ]
    else:
        problems = [
            *_format_faults(edit),
            *_target_faults(plan, counterfactual, graph),
            *_left_behind(plan, counterfactual, graph),
            *_exclusive_pairs(factual, counterfactual, graph),
            *_contradictions(factual, counterfactual, graph),
            *_collateral(plan, factual, counterfactual, graph),
            *_rewritten(edit, plan, study),
            *_invented(edit, study),
        ]
    return Verdict(
        plan_id=plan.plan_id,
        accepted=not any(problem.level == "block" for problem in problems),
        problems=tuple(problems),
        scores=_scores(edit, plan, study, counterfactual, graph),
    )


def _same_words(a: str, b: str) -> bool:
    return a.lower().split() == b.lower().split()


def _format_faults(edit: Edit) -> Iterator[Problem]:
    if not edit.sentences:
        yield Problem(code="format_broken", message="Nothing is left of the report.")
    if MARKUP.search(edit.text):
        yield Problem(code="format_broken", message="The text carries markup; write plain sentences.")


# --- the target -----------------------------------------------------------------------------


def _target_faults(plan: Plan, counterfactual: Reading, graph: ConceptGraph) -> Iterator[Problem]:
    if plan.direction == "remove":
        return
    label = FINDING_LABELS[plan.target]
    state = counterfactual.states.get(plan.target)
    kinds = {plan.target, *graph.descendants(plan.target)}
    said = [mention for mention in counterfactual.mentions if mention.concept in kinds]
    asserted = [mention for mention in said if is_asserted(mention)]
    if not asserted:
        if state == "uncertain":
            message = f"{label} is only hedged; state it as present."
            yield Problem(code="target_uncertain_only", message=message)
        else:
            yield Problem(code="target_missing", message=f"{label} is not stated; describe it as present.")
        return
    for mention in counterfactual.mentions:
        if (
            mention.polarity == "absent"
            and mention.concept == plan.target
            and _meets_any(mention, asserted, graph)
        ):
            yield _still_denied(mention, label)
            return


def _still_denied(mention: Mention, label: str) -> Problem:
    return Problem(
        code="target_denied_elsewhere",
        message=f"Sentence {mention.sentence} still denies {label}; remove or change it.",
        sentence=mention.sentence,
    )


def _left_behind(plan: Plan, counterfactual: Reading, graph: ConceptGraph) -> Iterator[Problem]:
    leaving = (
        plan.swap_from if plan.direction == "swap" else (plan.target,) if plan.direction == "remove" else ()
    )
    for finding in leaving:
        kinds = {finding, *graph.descendants(finding)} - {plan.target if plan.direction == "swap" else ""}
        for mention in counterfactual.mentions:
            if mention.concept in kinds and mention.polarity != "absent" and mention.temporality != "prior":
                label = FINDING_LABELS[finding]
                yield Problem(
                    code="target_missing" if plan.direction == "remove" else "finding_left",
                    message=f"Sentence {mention.sentence} still speaks of {label}; remove or change it.",
                    sentence=mention.sentence,
                )
                break


# --- what cannot stand together -------------------------------------------------------------


def _exclusive_pairs(factual: Reading, counterfactual: Reading, graph: ConceptGraph) -> Iterator[Problem]:
    """Exclusive concepts asserted in one place; where a relation has a condition, that only warns."""
    asserted = [mention for mention in counterfactual.mentions if is_asserted(mention)]
    told: set[str] = set()
    for number, first in enumerate(asserted):
        for second in asserted[number + 1 :]:
            relation = graph.excludes(first.concept, second.concept)
            if relation is None or relation.key in told:
                continue
            if {first.concept, second.concept} <= factual.asserted:
                continue
            if relation.scope == "same_region" and not _meet(first, second, graph):
                continue
            told.add(relation.key)
            a, b = graph.concept(first.concept).label, graph.concept(second.concept).label
            yield Problem(
                code="exclusive_asserted",
                level="block" if relation.when is None and relation.strength == "strong" else "warn",
                message=f"{a} (sentence {first.sentence}) and {b} (sentence {second.sentence})"
                " cannot stand together; remove one.",
                sentence=second.sentence,
                relation=relation.key,
            )


def _contradictions(factual: Reading, counterfactual: Reading, graph: ConceptGraph) -> Iterator[Problem]:
    before = {key for key, _, _ in _denied_and_asserted(factual, graph)}
    for concept, assertion, denial in _denied_and_asserted(counterfactual, graph):
        if concept not in before:
            label = graph.concept(concept).label
            yield Problem(
                code="self_contradiction",
                message=f"{label} is asserted in sentence {assertion.sentence}"
                f" and denied in sentence {denial.sentence}; only one can be true.",
                sentence=denial.sentence,
            )


def _denied_and_asserted(reading: Reading, graph: ConceptGraph) -> Iterator[tuple[str, Mention, Mention]]:
    told: set[str] = set()
    for denial in reading.mentions:
        if denial.polarity != "absent" or denial.temporality == "resolved" or denial.concept in told:
            continue
        for assertion in reading.of(denial.concept):
            if (
                is_asserted(assertion)
                and assertion.region == denial.region
                and _meet(assertion, denial, graph)
            ):
                told.add(denial.concept)
                yield denial.concept, assertion, denial
                break


def _meet(a: Mention, b: Mention, graph: ConceptGraph) -> bool:
    return graph.overlaps((a.side, a.region), (b.side, b.region))


def _meets_any(mention: Mention, others: list[Mention], graph: ConceptGraph) -> bool:
    return any(_meet(mention, other, graph) for other in others)


# --- what should have stayed ----------------------------------------------------------------


def _collateral(
    plan: Plan, factual: Reading, counterfactual: Reading, graph: ConceptGraph
) -> Iterator[Problem]:
    """Findings that changed although the plan did not touch them, nor anything that implies them."""
    touched = _touched(plan, graph)
    for finding, label in FINDING_LABELS.items():
        before, after = factual.states.get(finding), counterfactual.states.get(finding)
        if finding == NO_FINDING or finding in touched or before == after:
            continue
        if after is None and before == "absent" and _lost_with_its_sentence(finding, plan, factual):
            continue
        yield Problem(
            code="collateral_change",
            level="warn" if before is None and after == "absent" else "block",
            message=f"{label} was {before or 'not mentioned'} and is {after or 'not mentioned'};"
            " leave it as it was.",
        )


def _touched(plan: Plan, graph: ConceptGraph) -> frozenset[str]:
    centre = {plan.target, *plan.swap_from}
    family = {kin for finding in centre for kin in (*graph.ancestors(finding), *graph.descendants(finding))}
    signs = {
        label for statement in plan.must_appear for label in graph.concept(statement.concept).sets_labels
    }
    ceasing = {mention.concept for mention in plan.must_cease if mention.polarity != "absent"}
    return frozenset(centre | family | signs | ceasing)


def _lost_with_its_sentence(finding: str, plan: Plan, factual: Reading) -> bool:
    """Whether every denial of it was only implied by words that had to go."""
    ceasing = {(mention.start, mention.end, mention.concept) for mention in plan.must_cease}
    return all(
        (mention.start, mention.end, mention.concept) in ceasing
        for mention in factual.of(finding)
        if mention.polarity == "absent"
    )


def _rewritten(edit: Edit, plan: Plan, study: Study) -> Iterator[Problem]:
    kept = [origin for origin in edit.origins if origin]
    missing = sorted(set(plan.kept_sentences) - set(kept))
    if missing:
        numbers = ", ".join(map(str, missing))
        yield Problem(
            code="unrelated_rewrite",
            message=f"Sentence {numbers} had nothing to do with the change; keep it word for word.",
            sentence=missing[0],
        )
    if kept != sorted(kept):
        yield Problem(
            code="unrelated_rewrite", message="The sentences were put in another order; keep the order."
        )


def _invented(edit: Edit, study: Study) -> Iterator[Problem]:
    known = set(IDENTIFIER.findall(study.text))
    new = [found for found in IDENTIFIER.findall(edit.text) if found not in known]
    if new:
        message = "A name, date or age was added that the report does not have; leave it out."
        yield Problem(code="invented_phi", message=message)
    written = [
        sentence.text for sentence, origin in zip(edit.sentences, edit.origins, strict=True) if not origin
    ]
    replaced = [s.text for s in study.sentences if s.number not in edit.origins]
    if sum(text.count(BLANK) for text in written) > sum(text.count(BLANK) for text in replaced):
        yield Problem(code="invented_phi", message=f"A blank ({BLANK}) was added; leave blanks as they are.")


# --- scores ---------------------------------------------------------------------------------


def _scores(edit: Edit, plan: Plan, study: Study, counterfactual: Reading, graph: ConceptGraph) -> Scores:
    before, after = WORD.findall(study.text), WORD.findall(edit.text)
    same = sum(
        block.size
        for block in difflib.SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    )
    supports = {relation.other(plan.target) for relation in graph.supports(plan.target)}
    kept = sum(1 for origin in edit.origins if origin)
    return Scores(
        sentences_kept=round(kept / max(1, len(study.sentences)), 4),
        token_distance=round(1 - same / max(1, len(before), len(after)), 4),
        length_ratio=round(len(after) / max(1, len(before)), 4),
        supports_found=len(supports & counterfactual.asserted),
    )
