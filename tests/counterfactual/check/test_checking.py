"""What is accepted, and with which reason an answer goes back."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import Change, plan_change
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Completion, Verdict
from tests.counterfactual.conftest import study_of

Read = Callable[[str], Reading]

# 1 the lungs … 2 no focal … 3 heart … 4 impression
REPORT = (
    " FINDINGS:  The lungs are clear.  No focal consolidation, pleural effusion or pneumothorax."
    "  Heart size is normal.  ___ catheter is unchanged.\n IMPRESSION:  No acute cardiopulmonary process.\n"
)
SPLIT = {"action": "replace", "number": 2, "text": "No focal consolidation or pleural effusion."}
ADDED = {
    "action": "insert",
    "number": 2,
    "text": "Small left apical pneumothorax with a visible visceral pleural line.",
}
CONCLUDED = {"action": "replace", "number": 5, "text": "Small left pneumothorax."}


def judge(
    graph: ConceptGraph, read: Read, *steps: dict[str, object], target: str = "fnd_pneumothorax"
) -> Verdict:
    study = study_of(REPORT)
    plan = plan_change(study, read(study.text), graph, Change("add", target, ()), seed=7)
    answer = Completion(prompt_id="q", expert="scripted", model="m", text=json.dumps({"edits": steps}))
    edit = read_edit(answer, plan, study)
    return check_edit(edit, plan, study, read(study.text), read(edit.text), graph)


def codes(verdict: Verdict) -> set[str]:
    return {problem.code for problem in verdict.problems if problem.level == "block"}


def test_a_whole_change_is_accepted(graph: ConceptGraph, read: Read) -> None:
    verdict = judge(graph, read, SPLIT, ADDED, CONCLUDED)

    assert verdict.problems == ()
    assert verdict.accepted
    assert verdict.scores.sentences_kept == pytest.approx(0.6)
    assert verdict.scores.supports_found >= 1


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ((SPLIT, CONCLUDED | {"text": "Unremarkable."}), "target_missing"),
        ((ADDED, CONCLUDED), "target_denied_elsewhere"),
        ((SPLIT, ADDED | {"text": "A small left pneumothorax may be present."}), "target_uncertain_only"),
        (
            (SPLIT | {"text": "Large left effusion. No focal consolidation."}, ADDED, CONCLUDED),
            "collateral_change",
        ),
        ((SPLIT | {"text": "No focal consolidation."}, ADDED, CONCLUDED), "collateral_change"),
        ((SPLIT, ADDED, CONCLUDED, {"action": "drop", "number": 3}), "unrelated_rewrite"),
        (
            (SPLIT, ADDED | {"text": "Small left pneumothorax, seen on 12/03/2019."}, CONCLUDED),
            "invented_phi",
        ),
        ((SPLIT, ADDED | {"text": "Small left **pneumothorax**."}, CONCLUDED), "format_broken"),
        (({"action": "replace", "number": 1, "text": "The lungs are clear."},), "unchanged"),
        (({"action": "drop", "number": 77},), "format_broken"),
    ],
)
def test_a_fault_is_named_by_its_code(
    graph: ConceptGraph, read: Read, steps: tuple[dict[str, object], ...], code: str
) -> None:
    verdict = judge(graph, read, *steps)

    assert not verdict.accepted
    assert code in codes(verdict)


def test_a_reason_tells_the_expert_which_sentence_to_mend(graph: ConceptGraph, read: Read) -> None:
    verdict = judge(graph, read, ADDED, CONCLUDED)

    messages = [p.message for p in verdict.problems if p.code == "target_denied_elsewhere"]
    assert messages == ["Sentence 2 still denies Pneumothorax; remove or change it."]


def test_a_sign_that_cannot_stand_beside_a_normal_state_is_refused(graph: ConceptGraph, read: Read) -> None:
    verdict = judge(
        graph,
        read,
        {"action": "insert", "number": 1, "text": "Dense consolidation in the right lower lobe."},
        {"action": "replace", "number": 2, "text": "No pleural effusion or pneumothorax."},
        {"action": "replace", "number": 5, "text": "Right lower lobe consolidation."},
        target="fnd_consolidation",
    )

    assert {"exclusive_asserted", "self_contradiction"} & {problem.code for problem in verdict.problems}


TITLED = "FINDINGS: Pleura: There is a small left effusion. No pneumothorax. Bones: No fracture."


@pytest.mark.parametrize(
    ("next_sentence", "is_kept"),
    [
        ("Pleura: No pneumothorax.", True),  # the title of the sentence that went
        ("Pleura: No pneumothorax is seen.", False),
        ("Lungs: No pneumothorax.", False),
        ("Bones: No pneumothorax.", False),
    ],
)
def test_a_title_passes_to_the_next_sentence_when_its_own_goes(
    next_sentence: str, is_kept: bool, graph: ConceptGraph, read: Read
) -> None:
    study = study_of(TITLED)
    effusion = "fnd_pleural_effusion"
    plan = plan_change(study, read(study.text), graph, Change("remove", effusion, (effusion,)), seed=7)
    answer = Completion(
        prompt_id="q", expert="scripted", model="m", text=json.dumps({"edits": ["-1", f"=2 {next_sentence}"]})
    )
    edit = read_edit(answer, plan, study)

    verdict = check_edit(edit, plan, study, read(study.text), read(edit.text), graph)

    assert ("unrelated_rewrite" not in codes(verdict)) == is_kept
