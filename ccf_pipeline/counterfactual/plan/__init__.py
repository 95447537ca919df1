"""Study → plans: which counterfactuals are worth asking for, and what each must change.

study_states.py      what of a study decides which changes it is open to
changes.py           which changes a state allows
choose.py            which of them are drawn, by relevance, weights and the seed
balance.py           the weights by which a corpus gains and loses each finding about as often
gains_and_losses.py  how often each finding is gained and lost, and what keeps the two apart
alterations.py       changes of one element: side, severity, sign, cause
recognise.py         which of them leads from one text to another
gather.py, bank.py   which sentences of the corpus may be lent, and how they are drawn
draft.py             what a change comes to: what must appear, cease and stay, and why
removal.py           what goes with a finding; continuing.py: which clauses only continue it
sound.py             which plans the report itself would contradict; another change is drawn in their place
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ccf_pipeline.counterfactual.plan.alterations import draw_alterations
from ccf_pipeline.counterfactual.plan.bank import Bank
from ccf_pipeline.counterfactual.plan.changes import Change, changes_open_to
from ccf_pipeline.counterfactual.plan.choose import choose, lot
from ccf_pipeline.counterfactual.plan.draft import plan_as_asked, plan_change
from ccf_pipeline.counterfactual.plan.gains_and_losses import PlanTally
from ccf_pipeline.counterfactual.plan.gather import Gatherer
from ccf_pipeline.counterfactual.plan.recognise import alteration_between
from ccf_pipeline.counterfactual.plan.sound import is_sound
from ccf_pipeline.counterfactual.plan.study_states import StudyState, read_open_state
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import NO_FINDING, SUPPORT_DEVICES, Plan, Statement, Study

if TYPE_CHECKING:
    from ccf_pipeline.settings import PlanPreset

__all__ = [
    "Bank",
    "Change",
    "Gatherer",
    "PlanTally",
    "StudyState",
    "alteration_between",
    "lot",
    "narrow_state",
    "plan_as_asked",
    "plan_change",
    "plan_study",
    "read_open_state",
    "read_state",
]


def read_state(study: Study, reading: Reading, graph: ConceptGraph) -> StudyState:
    """Return what a study is open to, of its findings and of the rest of its report."""
    return narrow_state(read_open_state(study, reading, graph), study, reading, graph)


def narrow_state(state: StudyState, study: Study, reading: Reading, graph: ConceptGraph) -> StudyState:
    """Let findings go only if what stays of the report bears it.

    A corpus is balanced by this, so that few plans are refused once its weights are known.
    """
    bearable = tuple(finding for finding in state.may_go if _can_go(finding, study, reading, graph))
    last = state.last if state.last in bearable else None
    all_may_go = state.may_be_normal and (last is not None or _can_be_normal(state, study, reading, graph))
    return replace(state, may_go=bearable, last=last, may_be_normal=all_may_go)


def _can_go(finding: str, study: Study, reading: Reading, graph: ConceptGraph) -> bool:
    if finding == SUPPORT_DEVICES:
        return True
    removal = plan_change(study, reading, graph, Change("remove", finding, (finding,)), seed=0)
    return is_sound(removal, study, reading, graph)


def _can_be_normal(state: StudyState, study: Study, reading: Reading, graph: ConceptGraph) -> bool:
    diseases = tuple(finding for finding in state.asserted if finding != SUPPORT_DEVICES)
    plan = plan_change(study, reading, graph, Change("swap", NO_FINDING, diseases), seed=0)
    return is_sound(plan, study, reading, graph)


def plan_study(
    study: Study,
    reading: Reading,
    graph: ConceptGraph,
    *,
    per_study: int,
    seed: int,
    preset: PlanPreset = "balanced",
    weights: Mapping[str, int] | None = None,
    state: StudyState | None = None,
    bank: Bank | None = None,
    fits: Callable[[Change, Statement], int] | None = None,
) -> tuple[Plan, ...]:
    """The counterfactuals to ask for one study, each with another target.

    They depend on the study, the graph, the seed, the weights and the bank, and on nothing else in the
    corpus.

    Args:
        weights: by finding, in thousandths: above zero it is favoured as a target, below it gives way
            more often; `find_weights` of balance.py finds those of a corpus. Only the preset `balanced`
            heeds them.
        state: that of the study, where it was read already.
        bank: the sentences of the corpus; each plan then has some that say what is new.
        fits: how well a film of the corpus agrees with a statement of a change.
    """
    if preset == "minimal":
        chosen = draw_alterations(study, reading, graph, per_study=per_study, seed=seed)
        return tuple(plan_change(study, reading, graph, change, seed=seed, bank=bank) for change in chosen)
    options = changes_open_to(state or read_state(study, reading, graph), graph, preset)
    heeded = weights or {} if preset == "balanced" else {}
    plans: dict[int, Plan] = {}
    while True:
        drawn = choose(options, lot(seed, study.study_id), heeded, per_study)
        refused = set()
        for option in drawn:
            if option.code not in plans:
                plan = plan_change(study, reading, graph, option.change, seed=seed, bank=bank, fits=fits)
                if not is_sound(plan, study, reading, graph):
                    refused.add(option.code)
                plans[option.code] = plan
        if not refused:
            return tuple(plans[option.code] for option in drawn)
        options = tuple(option for option in options if option.code not in refused)
