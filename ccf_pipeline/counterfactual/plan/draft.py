"""Change → plan: what must appear, what must cease, what stays, and why."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import lru_cache

from ccf_pipeline.counterfactual.check.case import views_of
from ccf_pipeline.counterfactual.plan.alterations import altered_mentions, altered_statements
from ccf_pipeline.counterfactual.plan.bank import Bank, Told
from ccf_pipeline.counterfactual.plan.changes import Change, relevance_of
from ccf_pipeline.counterfactual.plan.choose import lot
from ccf_pipeline.counterfactual.plan.continuing import add_dependents
from ccf_pipeline.counterfactual.plan.matched_images import CLOSEST
from ccf_pipeline.counterfactual.plan.removal import ceasing_mentions, is_normal_after
from ccf_pipeline.counterfactual.plan.statements import denials, fitting_signs, placed, with_place
from ccf_pipeline.counterfactual.plan.study_states import DISEASES
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading, spans_meet
from ccf_pipeline.records import (
    FINDING_LABELS,
    NO_FINDING,
    Dependent,
    Mention,
    Plan,
    Statement,
    Study,
    Wording,
)

DRAWS = 8
ALL_IS_WELL = ("nrm_no_acute_process", "fnd_no_finding")


def plan_change(
    study: Study,
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    *,
    seed: int,
    bank: Bank | None = None,
    fits: Callable[[Change, Statement], int] | None = None,
) -> Plan:
    """Return what one change of one study comes to.

    Args:
        bank: the sentences of the corpus, for an expert that is to write with them.
        fits: how well a film of the corpus agrees with a statement; side, degree and place of what is new
            are drawn a few times, and the draw that fits best is kept; `CLOSEST` is as well as can be.
    """
    what = (study.study_id, change.direction, change.target, *change.gives_way, *_list_particulars(change))
    chance = random.Random(lot(seed, "place", *what))
    told, wording = _tell_target(reading, graph, change, chance, bank, fits)
    must_cease, dependents = _find_ceasing(study, reading, graph, change, told)
    gained, lost = _compute_effects(reading, graph, change, must_cease, dependents)
    return _plan(
        study,
        reading,
        change,
        must_cease,
        dependents,
        plan_id=f"{lot(seed, *what):016x}",
        must_appear=_list_appearing(study, reading, graph, change, told, must_cease, chance),
        relevance=round(relevance_of(change, _list_findings_beside(reading, change), graph), 4),
        why=_describe_reason(graph, reading, change),
        seed=seed,
        gained=gained,
        lost=lost,
        diagnosis=change.target if change.only_diagnosis else None,
        wording=wording,
    )


def plan_as_asked(study: Study, reading: Reading, graph: ConceptGraph, change: Change) -> Plan:
    """Return what a change that somebody else asked for comes to: how it is told is not ours to choose."""
    must_cease, dependents = _find_ceasing(study, reading, graph, change, None)
    gained, lost = _compute_effects(reading, graph, change, must_cease, dependents)
    return _plan(
        study,
        reading,
        change,
        must_cease,
        dependents,
        plan_id=study.study_id,
        must_appear=_list_asked_statements(graph, change, must_cease),
        relevance=0.0,
        why="Asked for by the data set.",
        seed=0,
        gained=gained,
        lost=lost,
        diagnosis=None,
    )


def _plan(
    study: Study,
    reading: Reading,
    change: Change,
    must_cease: tuple[Mention, ...],
    dependents: tuple[Dependent, ...],
    *,
    plan_id: str,
    must_appear: tuple[Statement, ...],
    relevance: float,
    why: str,
    seed: int,
    gained: tuple[str, ...],
    lost: tuple[str, ...],
    diagnosis: str | None,
    wording: tuple[Wording, ...] = (),
) -> Plan:
    free = frozenset([m.sentence for m in must_cease] + [d.sentence for d in dependents if d.goes])
    # They are mentions of this very reading: to compare what they say would take longer.
    ceasing = frozenset(map(id, must_cease))
    return Plan(
        plan_id=plan_id,
        study_id=study.study_id,
        direction=change.direction,
        target=change.target,
        swap_from=() if change.direction in ("add", "remove") else change.gives_way,
        must_appear=must_appear,
        must_cease=must_cease,
        must_stay=tuple([m for m in reading.mentions if m.sentence in free and id(m) not in ceasing]),
        kept_sentences=tuple([s.number for s in study.sentences if s.number not in free]),
        free_sentences=tuple(sorted(free)),
        relevance=relevance,
        why=why,
        seed=seed,
        gained=gained,
        lost=lost,
        element=change.element,
        diagnosis=diagnosis,
        matched_image=None,
        wording=wording,
        dependents=dependents,
    )


def _list_asked_statements(
    graph: ConceptGraph, change: Change, must_cease: tuple[Mention, ...]
) -> tuple[Statement, ...]:
    if change.direction == "alter":
        return altered_statements(graph, change, must_cease)
    return () if change.direction == "remove" else (_make_bare_statement(change.target),)


@lru_cache(maxsize=64)
def _make_bare_statement(concept: str) -> Statement:
    return Statement(concept=concept, polarity="present")


def _list_particulars(change: Change) -> tuple[str, ...]:
    """Return what tells alterations of one finding apart."""
    if change.element is None:
        return ()
    said = change.new.model_dump_json() if change.new else ""
    return change.element, said


def _list_findings_beside(reading: Reading, change: Change) -> tuple[str, ...]:
    return change.gives_way or tuple(f for f in DISEASES if reading.states.get(f) == "present")


# --- what changes -------------------------------------------------------------------------


def _tell_target(
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    chance: random.Random,
    bank: Bank | None,
    fits: Callable[[Change, Statement], int] | None,
) -> tuple[Statement | None, tuple[Wording, ...]]:
    """The target with a place, and words for it; None where nothing is to appear, or it is known already."""
    if change.direction == "alter":
        return None, ()
    if change.direction == "remove" or change.target == NO_FINDING:
        return None, _draw_denials(graph, change, chance, bank) if bank else ()
    target, barred = graph.concept(change.target), _collect_barred(reading, graph, change)

    def draw() -> Told:
        return (bank.tell(target, chance, barred) if bank else None) or Told(placed(target, graph, chance))

    told = draw()
    closest = fits(change, told.statement) if fits else CLOSEST
    for _ in range(DRAWS - 1):
        if not fits or closest == CLOSEST:
            break
        other = draw()
        if (closeness := fits(change, other.statement)) > closest:
            told, closest = other, closeness
    return told.statement, bank.word(target, told, chance) if bank else ()


def _collect_barred(reading: Reading, graph: ConceptGraph, change: Change) -> frozenset[str]:
    """The concepts that a new sentence may not assert: denied in the report, or excluded by it."""
    going = {kin for f in change.gives_way for kin in (f, *graph.descendants(f))}
    denied = {m.concept for m in reading.mentions if m.polarity == "absent"} - {change.target}
    return frozenset(denied).union(*(graph.excluded(c) for c in reading.asserted - going))


def _draw_denials(
    graph: ConceptGraph, change: Change, chance: random.Random, bank: Bank
) -> tuple[Wording, ...]:
    """Return how reports deny what goes, and how they say that all is well."""
    states = [state for finding in change.gives_way for state in graph.normal_states_of(finding)[:1]]
    return (
        *(words for finding in change.gives_way for words in bank.deny(finding, "absent", chance)),
        *(
            words
            for state in dict.fromkeys((*states, *ALL_IS_WELL))
            if state in graph
            for words in bank.deny(state, "present", chance)
        ),
    )


def _find_ceasing(
    study: Study, reading: Reading, graph: ConceptGraph, change: Change, told: Statement | None
) -> tuple[tuple[Mention, ...], tuple[Dependent, ...]]:
    """Return the mentions that cease, and the clauses that only continue others."""
    if change.direction == "alter":
        # What is altered is still there for others to refer to.
        return altered_mentions(reading, graph, change), add_dependents(study, reading, graph, ())[1]
    ceasing = ceasing_mentions(
        reading, graph, change.direction, change.target, change.gives_way, told, study.sentences
    )
    return add_dependents(study, reading, graph, ceasing)


def _compute_effects(
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    must_cease: tuple[Mention, ...],
    dependents: tuple[Dependent, ...],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The findings that the counterfactual gains and loses, No Finding among them."""
    if change.direction == "alter":
        return ((change.target,), change.gives_way) if change.gives_way else ((), ())
    told_no_more = _list_told_no_more(reading, graph, change, must_cease, dependents)
    lost = (*change.gives_way, *(f for f in told_no_more if reading.states[f] == "present"))
    if change.direction == "remove":
        diseases = {f for f in DISEASES if reading.states.get(f) in ("present", "uncertain")}
        is_last = {change.target} <= diseases <= {change.target, *told_no_more}
        is_last = is_last and is_normal_after(reading, must_cease, graph)
        return ((NO_FINDING,) if is_last else ()), lost
    was_normal = reading.states.get(NO_FINDING) == "present" and change.target in DISEASES
    return (change.target,), (*lost, NO_FINDING) if was_normal else lost


def _list_told_no_more(
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    must_cease: tuple[Mention, ...],
    dependents: tuple[Dependent, ...],
) -> tuple[str, ...]:
    """The findings that were only told as the cause of what goes: "this may represent pneumonia"."""
    clauses = [(d.start, d.end) for d in dependents if d.goes]
    told = {m.concept for m in must_cease if m.polarity != "absent" and spans_meet(m, clauses)}
    if not told:
        return ()
    ceasing = frozenset(map(id, must_cease))
    named = {label for concept in told for label in (concept, *graph.concept(concept).sets_labels)}
    standing = {
        label
        for m in reading.mentions
        if m.polarity != "absent" and id(m) not in ceasing
        for label in (m.concept, *graph.concept(m.concept).sets_labels)
    }
    spared = {change.target, *change.gives_way}
    return tuple(f for f in DISEASES if f in reading.states and f in named - standing - spared)


def _list_appearing(
    study: Study,
    reading: Reading,
    graph: ConceptGraph,
    change: Change,
    told: Statement | None,
    must_cease: tuple[Mention, ...],
    chance: random.Random,
) -> tuple[Statement, ...]:
    """The target with a place, and one sign of it that nothing in the report speaks against."""
    if change.direction == "remove":
        return ()
    if change.direction == "alter":
        return altered_statements(graph, change, must_cease)
    if change.target == NO_FINDING:
        return _make_bare_statement(NO_FINDING), *denials(reading, graph, change.gives_way)
    if told is None:
        return ()
    signs = fitting_signs(reading, graph, told, must_cease, _read_views(study), study.sentences)
    if not signs:
        return (told,)
    return told, with_place(graph.concept(chance.choice(signs)), told, graph)


def _read_views(study: Study) -> frozenset[str]:
    """Return what is known of how the film was taken: from the report's words, and from the image's table."""
    view = study.image.view if study.image else None
    return views_of(study.text) | ({view} if view in ("AP", "PA") else set())


# --- why ----------------------------------------------------------------------------------


def _describe_reason(graph: ConceptGraph, reading: Reading, change: Change) -> str:
    label = FINDING_LABELS[change.target]
    if change.direction == "alter":
        return _describe_alteration(graph, change)
    if change.direction == "remove":
        return f"{label} is asserted and nothing else in the report needs it."
    if change.target == NO_FINDING:
        lost = ", ".join(FINDING_LABELS[finding] for finding in change.gives_way)
        return f"All that is abnormal goes together: {lost}."
    if change.direction == "swap":
        lost = change.gives_way[0]
        relevance = graph.relevance(change.target, lost)
        if not relevance:
            return f"{label} shares nothing with {FINDING_LABELS[lost]}: an easy change among the hard ones."
        return f"{label} is told from {FINDING_LABELS[lost]} by signs they share (relevance {relevance:.2f})."
    beside = _list_findings_beside(reading, change)
    near = max(beside, key=lambda finding: graph.relevance(change.target, finding), default=None)
    relevance = graph.relevance(change.target, near) if near else 0.0
    told = (
        f" It is nearest to {FINDING_LABELS[near]} (relevance {relevance:.2f})." if near and relevance else ""
    )
    if reading.states.get(change.target) == "absent":
        return f"The report denies {label}: the counterfactual must turn the denial.{told}"
    return f"The report does not speak of {label}.{told}"


def _describe_alteration(graph: ConceptGraph, change: Change) -> str:
    label = FINDING_LABELS[change.target]
    if change.old is None or change.new is None:
        return f"One element of {label} differs."
    if change.element == "cause":
        lost = FINDING_LABELS[change.gives_way[0]]
        return f"{label} shows the signs that {lost} is told by: only the cause differs."
    if change.element == "side":
        return f"{label} is on the {change.old.side}: only its side differs."
    if change.element == "severity":
        return f"{label} is {change.old.severity}: only its degree differs."
    was, now = (graph.concept(said.concept).label for said in (change.old, change.new))
    return f"{label} is shown by {was}: {now} shows it as well, and only that sign differs."
