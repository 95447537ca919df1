"""Edit → verdict: does the counterfactual say what was planned, and nothing else?

targets.py       is the change there, and what still denies it      support.py   with a sign or a place
exclusions.py    what cannot stand together                          conditions.py   when a relation holds
collateral.py    what should have stayed                             time.py   words of change
shape.py         headings, markup, length                            privacy.py   names, dates, blanks
obedience.py     orders inside the report                            plausibility.py   rules of the graph
rewording.py     the factual side in other words              altering.py   one element, no more
orphans.py       what only continued what went        lab.py   rules that a lab adds
"""

from __future__ import annotations

from ccf_pipeline.counterfactual.check.accounting import unaccounted_sentences
from ccf_pipeline.counterfactual.check.alterations import alteration_faults
from ccf_pipeline.counterfactual.check.case import Case, block, on_both_sides
from ccf_pipeline.counterfactual.check.collateral import collateral_changes, rewritten_sentences
from ccf_pipeline.counterfactual.check.exclusions import contradictions, exclusive_pairs
from ccf_pipeline.counterfactual.check.lab import find_lab_faults
from ccf_pipeline.counterfactual.check.obedience import obeyed_orders
from ccf_pipeline.counterfactual.check.orphans import orphaned_clauses
from ccf_pipeline.counterfactual.check.plausibility import implausible_statements
from ccf_pipeline.counterfactual.check.privacy import invented_identifiers
from ccf_pipeline.counterfactual.check.rewording import check_rewording
from ccf_pipeline.counterfactual.check.scores import score_edit
from ccf_pipeline.counterfactual.check.shape import length_parity, shape_faults
from ccf_pipeline.counterfactual.check.support import support_faults
from ccf_pipeline.counterfactual.check.targets import target_faults
from ccf_pipeline.counterfactual.check.time import time_faults
from ccf_pipeline.counterfactual.edit.align import align_candidate, number_sentences, same_words
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Edit, Plan, Problem, Study, Verdict

__all__ = ["align_candidate", "check_edit", "check_rewording", "number_sentences"]


def check_edit(
    edit: Edit, plan: Plan, study: Study, factual: Reading, counterfactual: Reading, graph: ConceptGraph
) -> Verdict:
    """Judge an edit by what the plan says must change and the graph says must follow.

    Each problem is worded so that it can go back to the expert as an instruction.
    """
    case = Case(edit, plan, study, factual, counterfactual, graph)
    problems = [on_both_sides(problem, case) for problem in _find_problems(case)]
    return Verdict(
        plan_id=plan.plan_id,
        accepted=not any(problem.level == "block" for problem in problems),
        problems=tuple(problems),
        scores=score_edit(case),
    )


def _find_problems(case: Case) -> list[Problem]:
    if case.edit.problem is not None:
        return [block("format_broken", case.edit.problem)]
    if _is_unchanged(case):
        return [block("unchanged", "Nothing was changed; make the change that was asked for.")]
    problems = [
        *shape_faults(case),
        *target_faults(case),
        *alteration_faults(case),
        *support_faults(case),
        *exclusive_pairs(case),
        *contradictions(case),
        *time_faults(case),
        *implausible_statements(case),
        *collateral_changes(case),
        *rewritten_sentences(case),
        *unaccounted_sentences(case),
        *orphaned_clauses(case),
        *invented_identifiers(case),
        *length_parity(case),
        *find_lab_faults(case),
    ]
    return [*problems, *obeyed_orders(case, problems)]


def _is_unchanged(case: Case) -> bool:
    before, after = case.lengths
    # Only a list number before them and a stop after them may be one word more.
    return abs(after - before) <= 2 and same_words(case.edit.text) == same_words(case.study.text)
