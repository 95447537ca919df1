"""A pair that somebody else made → verdict: only two texts and what was asked for are known."""

from __future__ import annotations

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.details import change_of_detail, detail_faults, plan_of_detail
from ccf_pipeline.counterfactual.edit.align import align_candidate, number_sentences
from ccf_pipeline.counterfactual.plan import Change, alteration_between, plan_as_asked
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    AuditedPair,
    Pair,
    Problem,
    Scores,
    Study,
    Verdict,
)


def audit_pair(pair: Pair, graph: ConceptGraph, lexicon: Lexicon) -> Verdict:
    """Judge a counterfactual as our own; its plan and its alignment are worked out from the texts."""
    study = study_of(pair)
    factual, counterfactual = (read_facts(text, lexicon) for text in (pair.factual, pair.candidate))
    change = change_of(pair, factual, counterfactual, graph)
    if change is None:
        return _check_detail(pair, study, factual, counterfactual, graph)
    plan = plan_as_asked(study, factual, graph, change)
    edit = align_candidate(study, pair.candidate, plan.plan_id)
    return check_edit(edit, plan, study, factual, counterfactual, graph)


def _check_detail(
    pair: Pair, study: Study, factual: Reading, counterfactual: Reading, graph: ConceptGraph
) -> Verdict:
    """Judge a pair in which no finding comes or goes: one side, degree or place may be told otherwise."""
    change = change_of_detail(factual, counterfactual, graph)
    if change is None:
        return _make_no_change_verdict(pair)
    plan = plan_of_detail(study, factual, graph, change)
    edit = align_candidate(study, pair.candidate, plan.plan_id)
    verdict = check_edit(edit, plan, study, factual, counterfactual, graph)
    problems = [
        *detail_faults(factual, counterfactual, graph, change),
        # The finding was there before: it needs no more support than it had.
        *(problem for problem in verdict.problems if problem.code != "support_missing"),
    ]
    accepted = not any(problem.level == "block" for problem in problems)
    return verdict.model_copy(update={"accepted": accepted, "problems": tuple(problems)})


def report_pair(pair: Pair, graph: ConceptGraph, lexicon: Lexicon) -> AuditedPair:
    """The verdict as a row of a table."""
    verdict = audit_pair(pair, graph, lexicon)
    codes = {
        level: tuple(dict.fromkeys(p.code for p in verdict.problems if p.level == level))
        for level in ("block", "warn")
    }
    return AuditedPair(
        id=pair.pair_id,
        accepted=verdict.accepted,
        reasons=codes["block"],
        warnings=codes["warn"],
        target=FINDING_LABELS[pair.target] if pair.target else None,
        direction=pair.direction if pair.target else None,
        problems=verdict.problems,
        scores=verdict.scores,
    )


def change_of(pair: Pair, factual: Reading, counterfactual: Reading, graph: ConceptGraph) -> Change | None:
    """What was asked for, or, where nobody says, what the texts differ in; None where no finding differs."""
    if pair.target is not None:
        if pair.direction == "alter":
            if pair.target not in counterfactual.asserted:
                # Whichever element differs: what is altered is there.
                return Change("add", pair.target, ())
            return alteration_between(factual, counterfactual, graph, pair.target, pair.swap_from)
        leaving = (pair.target,) if pair.direction == "remove" else pair.swap_from
        return Change(pair.direction, pair.target, leaving)
    came, went = (
        _list_findings_only_in(counterfactual, factual),
        _list_findings_only_in(factual, counterfactual),
    )
    if came:
        return Change("swap" if went else "add", came[0], tuple(went))
    return Change("remove", went[0], (went[0],)) if went else None


def _list_findings_only_in(one: Reading, other: Reading) -> list[str]:
    told = [finding for finding in FINDING_LABELS if one.states.get(finding) == "present"]
    return [finding for finding in told if finding != NO_FINDING and other.states.get(finding) != "present"]


def _make_no_change_verdict(pair: Pair) -> Verdict:
    problem = Problem(
        code="unchanged", message="Both texts say the same; make the change that was asked for."
    )
    nothing = Scores(sentences_kept=1.0, token_distance=0.0, length_ratio=1.0, supports_found=0)
    return Verdict(plan_id=pair.pair_id, accepted=False, problems=(problem,), scores=nothing)


def study_of(pair: Pair) -> Study:
    """The factual side as a study of which nothing else is known."""
    return Study(
        corpus="pairs",
        study_id=pair.pair_id,
        subject_id=pair.pair_id,
        split="test",
        text=pair.factual,
        sentences=number_sentences(pair.factual),
        read_from="",
        labels=(),
        label_source=None,
        image=None,
        image_missing=None,
        age=None,
        sex=None,
        notes=(),
    )
