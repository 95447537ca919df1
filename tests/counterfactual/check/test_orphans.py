"""What only continues another sentence goes with it, stays with it, and is never parted from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Direction, Pair, Verdict
from tests.counterfactual.orphaning import ADVICE_CLASSES, Orphaning, make_cases

Audit = Callable[..., Verdict]


@pytest.fixture(scope="module")
def judge(graph: ConceptGraph) -> Callable[[Pair], Verdict]:
    lexicon = Lexicon.from_graph(graph.file)
    return lambda pair: audit_pair(pair, graph, lexicon)


@pytest.fixture(scope="module")
def audit(judge: Callable[[Pair], Verdict]) -> Audit:
    def check(
        factual: str, candidate: str, target: str, direction: Direction = "remove", *leaving: str
    ) -> Verdict:
        pair = Pair(
            pair_id="p", factual=factual, candidate=candidate, target=target, direction=direction,
            swap_from=leaving,
        )  # fmt: skip
        return judge(pair)

    return check


def codes(verdict: Verdict) -> set[str]:
    return {problem.code for problem in verdict.problems if problem.level == "block"}


def test_orphans_are_refused_and_their_removal_is_accepted(judge: Callable[[Pair], Verdict]) -> None:
    wrong: Counter[tuple[str, str]] = Counter()
    made = list(make_cases())
    for case in made:
        wrong[case.kind, case.edit] += judge(case.pair).accepted != case.accepted

    assert len(made) > 5000
    assert not +wrong, +wrong


@pytest.mark.parametrize("case", [c for c in make_cases() if c.edit in ("orphan", "behind")][::40], ids=str)
def test_an_orphan_is_named_as_what_it_is(case: Orphaning, judge: Callable[[Pair], Verdict]) -> None:
    expected = "orphaned_advice" if case.kind in ADVICE_CLASSES else "orphaned_reference"

    assert expected in codes(judge(case.pair))


NODULE = (
    "FINDINGS: There is a nodule in the left upper lobe. The heart is moderately enlarged.\n"
    "IMPRESSION: 1. Left upper lobe nodule. 2. Moderate cardiomegaly. CT of the nodule is recommended."
)


def test_advice_that_names_its_finding_is_not_the_nearest_ones(audit: Audit) -> None:
    kept = NODULE.replace("The heart is moderately enlarged.", "The heart is normal in size.").replace(
        " 2. Moderate cardiomegaly.", ""
    )
    robbed = kept.replace(" CT of the nodule is recommended.", "")

    assert audit(NODULE, kept, "fnd_cardiomegaly").accepted
    assert codes(audit(NODULE, robbed, "fnd_cardiomegaly")) == {"unrelated_rewrite"}


def test_a_list_without_its_first_item_is_counted_anew(audit: Audit) -> None:
    gone = NODULE.replace(
        "There is a nodule in the left upper lobe.", "No pulmonary nodule or mass."
    ).replace(" CT of the nodule is recommended.", "")
    gap = gone.replace("1. Left upper lobe nodule. 2.", "2.")
    anew = gone.replace("1. Left upper lobe nodule. 2.", "1.")

    assert codes(audit(NODULE, gap, "fnd_lung_lesion")) == {"orphaned_reference"}
    assert audit(NODULE, anew, "fnd_lung_lesion").accepted


def test_a_title_does_not_stay_alone(audit: Audit) -> None:
    factual = (
        "FINDINGS: Lungs: There is a nodule in the left upper lobe. Heart: The heart is moderately"
        " enlarged.\n"
        "IMPRESSION: Left upper lobe nodule. Moderate cardiomegaly."
    )
    bare = factual.replace("There is a nodule in the left upper lobe. ", "").replace(
        "Left upper lobe nodule. ", ""
    )
    denied = factual.replace(
        "There is a nodule in the left upper lobe.", "No pulmonary nodule or mass."
    ).replace("Left upper lobe nodule. ", "")

    assert "orphaned_reference" in codes(audit(factual, bare, "fnd_lung_lesion"))
    assert audit(factual, denied, "fnd_lung_lesion").accepted


def test_a_cause_goes_with_what_it_explains_and_its_label_with_it(audit: Audit) -> None:
    factual = (
        "FINDINGS: The heart is moderately enlarged. There is consolidation in the left lower lobe. This may"
        " represent pneumonia.\nIMPRESSION: Moderate cardiomegaly. Left lower lobe consolidation."
    )
    mended = (
        "FINDINGS: The heart is moderately enlarged. No focal consolidation.\n"
        "IMPRESSION: Moderate cardiomegaly."
    )

    assert audit(factual, mended, "fnd_consolidation").accepted


def test_a_finding_that_a_clause_tells_besides_stays(audit: Audit) -> None:
    factual = (
        "FINDINGS: There is a mass in the right upper lobe. It is accompanied by a right pleural effusion.\n"
        "IMPRESSION: Right upper lobe mass."
    )
    lost = "FINDINGS: No pulmonary nodule or mass.\nIMPRESSION: No acute cardiopulmonary process."
    told = (
        "FINDINGS: No pulmonary nodule or mass. There is a right pleural effusion.\n"
        "IMPRESSION: Right pleural effusion."
    )

    assert "collateral_change" in codes(audit(factual, lost, "fnd_lung_lesion"))
    assert audit(factual, told, "fnd_lung_lesion").accepted


def test_what_a_sentence_is_reworded_into_is_still_an_orphan(audit: Audit) -> None:
    factual = (
        "FINDINGS: There is a nodule in the left upper lobe. It measures 9 mm in diameter.\n"
        "IMPRESSION: Left upper lobe nodule."
    )
    again = (
        "FINDINGS: No pulmonary nodule or mass. It measures about 9 mm in diameter.\n"
        "IMPRESSION: No acute cardiopulmonary process."
    )

    assert "orphaned_reference" in codes(audit(factual, again, "fnd_lung_lesion"))


EFFUSED = "There is a small right pleural effusion{tail}. The heart is normal in size."
TAILS = (
    "tracking into the fissure", "likely related to splinting", "slightly worse at the base",
    "more so than on the film before", "which layers along the chest wall",
)  # fmt: skip


@pytest.mark.parametrize("tail", TAILS)
def test_a_denial_keeps_nothing_that_described_the_finding(tail: str, audit: Audit) -> None:
    factual = EFFUSED.format(tail=f", {tail}")
    denial = "There is no right pleural effusion{}. The heart is normal in size."

    orphan = audit(factual, denial.format(f", {tail}"), "fnd_pleural_effusion")
    mended = audit(factual, denial.format(""), "fnd_pleural_effusion")

    assert codes(orphan) == {"orphaned_reference"}
    assert mended.accepted


@pytest.mark.parametrize(
    "size",
    ["Largest diameter 14 mm.", "Dimensions are 4.2 x 3.1 cm.", "On the lateral view its depth is 3 cm.",
     "The apical component measures 2 cm.", "More extensive than before.",
     "Earlier it was confined to the apex.", "This is probably a complication of pneumonectomy."],
)  # fmt: skip
def test_a_measure_or_a_comparison_goes_with_its_finding(size: str, audit: Audit) -> None:
    factual = f"Mass in the right upper lobe. {size} The heart is normal in size."
    kept, mended = f"No mass. {size} The heart is normal in size.", "No mass. The heart is normal in size."

    assert "orphaned_reference" in codes(audit(factual, kept, "fnd_lung_lesion"))
    assert audit(factual, mended, "fnd_lung_lesion").accepted


@pytest.mark.parametrize("end", ["but the heart.", "the heart.", "and the heart is.", "with the."])
def test_a_sentence_that_lost_its_predicate_is_refused(end: str, audit: Audit) -> None:
    factual = "There is a small left effusion, but the heart is normal in size. No pneumothorax."

    cut = audit(factual, f"There is no effusion, {end} No pneumothorax.", "fnd_pleural_effusion")
    whole = audit(
        factual,
        "There is no effusion, and the heart is normal in size. No pneumothorax.",
        "fnd_pleural_effusion",
    )

    assert "format_broken" in codes(cut)
    assert whole.accepted


def test_a_statement_is_written_once(audit: Audit) -> None:
    factual, new = "The heart is normal in size. No effusion.", "A 12 mm nodule lies in the left apex."

    once = audit(factual, f"{factual} {new}", "fnd_lung_lesion", "add")
    twice = audit(factual, f"{factual} {new} {new}", "fnd_lung_lesion", "add")

    assert once.accepted
    assert codes(twice) == {"format_broken"}


@pytest.mark.parametrize(
    "edited",
    ["Small left effusion. The pleural surfaces are otherwise smooth. Bones are intact. Heart normal.",
     "The pleural surfaces are smooth, with a small left effusion. Bones are intact. Heart normal."],
)  # fmt: skip
def test_a_normal_state_may_have_the_finding_as_its_exception(edited: str, audit: Audit) -> None:
    factual = "The pleural surfaces are smooth, without effusion. Bones are intact. Heart normal."

    verdict = audit(factual, edited, "fnd_pleural_effusion", "add")

    assert verdict.accepted
