"""What keeps the gains and losses of a finding apart."""

from __future__ import annotations

from ccf_pipeline.counterfactual.plan import PlanTally
from ccf_pipeline.counterfactual.plan.study_states import TARGETS, StudyState
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.records import FindingBalance, Plan

EDEMA, LESION = "fnd_edema", "fnd_lung_lesion"


def plan(gained: tuple[str, ...] = (), lost: tuple[str, ...] = ()) -> Plan:
    return Plan(
        plan_id="p",
        study_id="1",
        direction="swap",
        target=EDEMA,
        swap_from=(),
        must_appear=(),
        must_cease=(),
        must_stay=(),
        kept_sentences=(),
        free_sentences=(),
        relevance=0.0,
        why="",
        seed=7,
        gained=gained,
        lost=lost,
    )


def showing(*findings: str) -> StudyState:
    return StudyState(findings, findings, frozenset(findings), False, True)


def entry(tally: PlanTally, finding: str) -> FindingBalance:
    return next(found for found in tally.balance() if found.finding == finding)


def test_counts_within_a_tenth_are_even(graph: ConceptGraph) -> None:
    tally = PlanTally(graph, 2, "balanced", {})
    for number in range(20):
        tally.add(showing(EDEMA), [plan(lost=(EDEMA,))] * (number < 18) + [plan(gained=(EDEMA,))])

    assert (entry(tally, "Edema").gained, entry(tally, "Edema").lost) == (20, 18)
    assert (entry(tally, "Edema").standing, entry(tally, "Edema").limit) == ("even", "")


def test_a_finding_that_is_lost_as_often_as_can_be_is_limited(graph: ConceptGraph) -> None:
    tally = PlanTally(graph, 2, "balanced", {})
    tally.add(showing(LESION), [plan(lost=(LESION,))] * 2)
    for _ in range(5):
        tally.add(showing(EDEMA), [plan(gained=(LESION,))])

    lesion = entry(tally, "Lung Lesion")
    assert (lesion.studies, lesion.gained, lesion.lost, lesion.most_lost) == (1, 5, 2, 2)
    assert (lesion.standing, lesion.limit) == ("limited", "can be lost 2 times at most")


def test_what_nothing_keeps_apart_is_uneven(graph: ConceptGraph) -> None:
    tally = PlanTally(graph, 2, "balanced", {})
    for _ in range(5):
        tally.add(showing(LESION), [plan(gained=(EDEMA,))])
        tally.add(showing(EDEMA), [plan(gained=(LESION,))])

    assert entry(tally, "Edema").standing == "uneven"


def test_no_finding_is_limited_where_more_studies_are_normal_than_can_become_it(graph: ConceptGraph) -> None:
    tally = PlanTally(graph, 2, "balanced", {})
    normal = StudyState((), (), frozenset({"fnd_support_devices"}), True, False)
    for _ in range(5):
        tally.add(normal, [plan(gained=(EDEMA,), lost=("fnd_no_finding",))] * 2)
    tally.add(showing(EDEMA, LESION), [plan(gained=("fnd_no_finding",), lost=(EDEMA, LESION))])

    account = entry(tally, "No Finding")
    assert (account.gained, account.lost, account.least_lost) == (1, 10, 10)
    assert account.standing == "limited"


def test_what_gives_way_for_what_is_counted_once_for_each_that_goes(graph: ConceptGraph) -> None:
    tally = PlanTally(graph, 2, "balanced", {})
    tally.add(showing(*TARGETS[:2]), [plan(gained=("fnd_no_finding",), lost=TARGETS[:2])])

    told = [(change.lost, change.target, change.count) for change in tally.change_counts()]
    assert told == [("Atelectasis", "No Finding", 1), ("Cardiomegaly", "No Finding", 1)]
