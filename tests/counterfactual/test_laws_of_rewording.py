"""The chosen side says what the report says: the same ages, scope, sides and numbers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ccf_pipeline.counterfactual.check import check_rewording
from ccf_pipeline.counterfactual.check.rewording import organs_named, words_to_keep
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.counterfactual.prompt import write_chosen
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Completion
from ccf_pipeline.settings import ExpertSettings
from tests.counterfactual.conftest import study_of
from tests.counterfactual.dictation import dictate

Read = Callable[[str], Reading]
REPORTS = 200


def test_rules_keep_age_side_number_blank_and_scope_or_leave_the_sentence(
    graph: ConceptGraph, read: Read
) -> None:
    expert, reworded = RulesExpert(graph), 0
    for seed in range(REPORTS):
        study = study_of(dictate(seed), study_id=str(seed))
        factual = read(study.text)
        (plan,) = plan_study(study, factual, graph, per_study=1, seed=seed)
        prompt = write_chosen((plan,), study, load_template("chosen"), ExpertSettings())
        ((completion,),) = expert.answer(taking([prompt]))
        edit = read_edit(completion, plan, study, prompt.form)
        texts = {sentence.number: sentence.text for sentence in study.sentences}
        for step in edit.steps:
            was = texts[step.number]
            assert words_to_keep(was) == words_to_keep(step.text), (was, step.text)
            assert "acute" not in was or organs_named(was) == organs_named(step.text), (was, step.text)
        reworded += bool(edit.steps)

    assert reworded > REPORTS / 5


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("Old healed left rib fractures.", "Left rib fractures."),
        ("No acute pulmonary process.", "No acute cardiopulmonary process."),
        (
            "Left lower lobe atelectasis or pneumonia.",
            "Left lower lobe pneumonia. Left lower lobe atelectasis.",
        ),
        ("A 7 mm nodule in the left upper lobe.", "A nodule in the left upper lobe."),
        ("Left lower lobe opacity, ___ atelectasis.", "Left lower lobe opacity, atelectasis."),
        ("Chronic left pleural effusion.", "Left pleural effusion."),
        ("Small left effusion after thoracentesis.", "Small left effusion."),
    ],
)
def test_a_rewording_that_says_less_or_more_is_refused(
    was: str, now: str, graph: ConceptGraph, read: Read
) -> None:
    study = study_of(f"FINDINGS: The heart is enlarged. {was}\nIMPRESSION: Cardiomegaly.\n")
    plan = plan_study(study, read(study.text), graph, per_study=1, seed=1)[0]
    answer = Completion(prompt_id="1", expert="x", model="m", text=f'{{"edits":["=2 {now}"]}}')

    edit = read_edit(answer, plan, study, "edits")

    assert check_rewording(edit, plan, study, read(study.text), read(edit.text), graph)


def test_a_rewording_that_says_the_same_stands(graph: ConceptGraph, read: Read) -> None:
    study = study_of(
        "FINDINGS: The heart is enlarged. No acute osseous abnormality.\nIMPRESSION: Cardiomegaly.\n"
    )
    plan = plan_study(study, read(study.text), graph, per_study=1, seed=1)[0]
    answer = Completion(
        prompt_id="1", expert="x", model="m", text='{"edits":["=1 There is an enlarged heart."]}'
    )

    edit = read_edit(answer, plan, study, "edits")

    assert check_rewording(edit, plan, study, read(study.text), read(edit.text), graph) == ()
