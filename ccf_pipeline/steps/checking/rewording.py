"""Does a report in other words still say what it said, and nothing else?"""

from __future__ import annotations

from collections.abc import Iterator

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import FINDING_LABELS, Edit, Mention, Plan, Problem, Study
from ccf_pipeline.steps.checking.case import Case, warn
from ccf_pipeline.steps.checking.obedience import obeyed_orders
from ccf_pipeline.steps.checking.privacy import invented_identifiers
from ccf_pipeline.steps.checking.shape import shape_faults
from ccf_pipeline.steps.facts import Reading

CODE = "chosen_refused"


def check_rewording(
    edit: Edit, plan: Plan, study: Study, factual: Reading, reworded: Reading, graph: ConceptGraph
) -> tuple[Problem, ...]:
    """What speaks against a reworded factual report: another state, place, degree, device or form.

    The pair stands without it, so that these are remarks on the row.

    Args:
        plan: any plan of the study; nothing of it is looked at.
    """
    if edit.problem is not None:
        return (warn(CODE, edit.problem),)
    case = Case(edit, plan, study, factual, reworded, graph)
    faults = [*shape_faults(case), *invented_identifiers(case), *obeyed_orders(case, [])]
    told = [fault.message for fault in faults if fault.level == "block"]
    return tuple(warn(CODE, message) for message in (*told, *_changed(case)))


def _changed(case: Case) -> Iterator[str]:
    if any(step.action != "replace" for step in case.edit.steps):
        yield "A sentence was dropped or added; only reword."
    before, after = case.factual.states, case.counterfactual.states
    for finding in FINDING_LABELS:
        if before.get(finding) != after.get(finding):
            yield f"The report says something else of {FINDING_LABELS[finding]} now."
            return
    was, now = _told(case.factual, case.graph), _told(case.counterfactual, case.graph)
    for mention in sorted(was ^ now, key=str):
        yield f"Side, place, degree or change of {case.graph.concept(mention[0]).label} is told otherwise."
        return


def _told(reading: Reading, graph: ConceptGraph) -> set[tuple[str, ...]]:
    """All that is said to be there, or may be, as exactly as it is said; normal states have many names."""
    return {
        (
            m.concept,
            m.polarity,
            *(value or "" for value in (m.side, _place(m, graph), m.severity, m.temporality)),
        )
        for m in reading.mentions
        if _is_of_the_image(m, graph)
    }


def _place(mention: Mention, graph: ConceptGraph) -> str | None:
    """Where it is said to be, unless that is where it always is: the heart of cardiomegaly."""
    return None if mention.region in graph.concept(mention.concept).regions[:1] else mention.region


def _is_of_the_image(mention: Mention, graph: ConceptGraph) -> bool:
    said = mention.polarity != "absent" and mention.implied_by is None
    # A word of change is told with the finding that it is said of.
    return (
        said
        and graph.concept(mention.concept).kind != "normal_state"
        and mention.concept not in graph.words_of_change
    )
