"""The rules expert on whole small reports, with a graph and plans written out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
import yaml

from ccf_pipeline.corpora.sections import canonical_report
from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import plan_study
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.demo import generate_studies
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph, GraphFile
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import (
    EditScript,
    Mention,
    Plan,
    Prompt,
    Sampling,
    Sentence,
    Statement,
    Study,
    Template,
)
from ccf_pipeline.settings import ExpertSettings
from tests.shipped import GRAPH as SHIPPED

GRAPH = """
name: small
version: "1"
language: en
description: Enough of a chest for these tests.
sources: {STD: {title: Standard teaching}}
severity_grades: [[small, mild], [moderate], [large]]
regions:
  - {id: lung, label: lung, sides: both, words: [lung]}
  - {id: lower_lobe, label: lower lobe, part_of: [lung], sides: both, words: [lower lobe]}
concepts:
  - &finding
    id: fnd_pleural_effusion
    label: Pleural Effusion
    kind: finding
    category: anatomical
    definition: Fluid in the pleural space.
    forms: [pleural effusion, effusion]
    sides: required
    severities: [small]
    write:
      present: ["There is a {severity} {side} pleural effusion."]
      absent: [There is no pleural effusion.]
      noun: pleural effusion
    sources: [STD]
  - <<: *finding
    id: fnd_pneumothorax
    label: Pneumothorax
    forms: [pneumothorax]
    write: {absent: [No pneumothorax is seen.], noun: pneumothorax}
  - <<: *finding
    id: fnd_pneumonia
    label: Pneumonia
    forms: [pneumonia]
    write:
      present:
        - "Airspace consolidation in the {side} {region} is consistent with pneumonia."
        - "Focal opacity in the {side} {region} is consistent with pneumonia."
      absent: [No evidence of pneumonia.]
  - <<: *finding
    id: fnd_consolidation
    label: Consolidation
    forms: [consolidation, focal consolidation]
    write: {noun: focal consolidation}
  - <<: *finding
    id: fnd_support_devices
    label: Support Devices
    forms: [support devices]
    sides: none
    write: {present: [An enteric tube courses below the diaphragm.]}
  - &sign
    id: att_blunted_cpa
    label: Blunted angle
    kind: attribute
    category: morphological
    definition: A filled angle.
    forms: [blunting]
    write: {present: ["There is blunting of the {side} costophrenic angle."], noun: blunting}
    sources: [STD]
  - <<: *sign
    id: att_new
    forms: [new]
    write: {}
  - <<: *sign
    id: nrm_clear_lungs
    kind: normal_state
    forms: [lungs are clear]
    write: {}
  - <<: *sign
    id: nrm_no_acute_process
    kind: normal_state
    forms: [acute cardiopulmonary process]
    write: {present: [No acute cardiopulmonary process.]}
relations:
  - &against
    source: nrm_no_acute_process
    target: fnd_pleural_effusion
    relation: exclusive
    kind: contradicts_normal
    scope: global
    strength: strong
    why: Fluid is acute.
    sources: [STD]
    review: taught
  - {<<: *against, target: fnd_pneumonia}
  - {<<: *against, source: nrm_clear_lungs, target: fnd_pneumonia}
  - {<<: *against, source: fnd_pleural_effusion, target: att_blunted_cpa, relation: positive, kind: sign_of}
"""

EFFUSION = Statement(concept="fnd_pleural_effusion", polarity="present", side="left", severity="small")
BLUNTING = Statement(concept="att_blunted_cpa", polarity="present", side="left")
PNEUMONIA = Statement(concept="fnd_pneumonia", polarity="present", side="right", region="lower_lobe")


@pytest.fixture(scope="module")
def expert() -> RulesExpert:
    return RulesExpert(ConceptGraph(GraphFile.model_validate(yaml.safe_load(GRAPH))))


def said(report: str, words: str, concept: str, polarity: str = "present", nth: int = 1) -> Mention:
    """The mention of a concept where its words stand in the report for the nth time."""
    start = [found.start() for found in re.finditer(re.escape(words), report)][nth - 1]
    sentences = split_report(report)
    number = next(n for n, (_, a, b) in enumerate(sentences, 1) if a <= start < b)
    return Mention.model_validate(
        {
            "concept": concept,
            "polarity": polarity,
            "start": start,
            "end": start + len(words),
            "sentence": number,
        }
    )


def ask(
    report: str,
    direction: str,
    target: str,
    *,
    appears: Sequence[Statement] = (),
    ceases: Sequence[Mention] = (),
    stays: Sequence[Mention] = (),
    swap_from: Sequence[str] = (),
    plan_id: str = "plan",
) -> Prompt:
    sentences = tuple(
        Sentence(number=n, section=section, start=a, end=b, text=report[a:b])
        for n, (section, a, b) in enumerate(split_report(report), 1)
    )
    free = tuple(sorted({mention.sentence for mention in ceases}))
    plan = Plan.model_validate(
        {
            "plan_id": plan_id,
            "study_id": "s1",
            "direction": direction,
            "target": target,
            "swap_from": tuple(swap_from),
            "must_appear": tuple(appears),
            "must_cease": tuple(ceases),
            "must_stay": tuple(stays),
            "kept_sentences": tuple(s.number for s in sentences if s.number not in free),
            "free_sentences": free,
            "relevance": 0.5,
            "why": "",
            "seed": 7,
        }
    )
    return Prompt(
        prompt_id="p",
        plan=plan,
        sentences=sentences,
        strategy="edits",
        template_digest="d",
        messages=(),
        sampling=Sampling(temperature=0, seed=7, max_tokens=500),
        form="edits",
    )


def edits_of(expert: RulesExpert, prompt: Prompt) -> list[tuple[str, int, str]]:
    ((completion,),) = expert.answer(taking([prompt]))
    script = EditScript.model_validate_json(completion.text)
    return [(edit.action, edit.number, edit.text) for edit in script.edits]


# --- something appears ------------------------------------------------------------------------


def test_a_new_effusion_stands_before_the_rest_of_its_denial_and_in_the_impression(
    expert: RulesExpert,
) -> None:
    report = (
        "FINDINGS: The heart is normal. No focal consolidation, pleural effusion, or pneumothorax is seen.\n"
        "IMPRESSION: No acute cardiopulmonary process."
    )
    prompt = ask(
        report,
        "add",
        "fnd_pleural_effusion",
        appears=[EFFUSION],
        ceases=[
            said(report, "pleural effusion", "fnd_pleural_effusion", "absent"),
            said(report, "acute cardiopulmonary process", "nrm_no_acute_process"),
        ],
        stays=[
            said(report, "focal consolidation", "fnd_consolidation", "absent"),
            said(report, "pneumothorax", "fnd_pneumothorax", "absent"),
        ],
    )

    findings, impression = edits_of(expert, prompt)

    assert findings[:2] == ("replace", 2)
    assert re.fullmatch(
        r"(There is a (small )?left|A (small )?left|(Small l|L)eft) pleural effusion( is \w+)?\."
        r" No focal consolidation or pneumothorax is seen\.",
        findings[2],
    )
    assert impression[:2] == ("replace", 3)
    assert "left pleural effusion" in impression[2].lower()
    assert ("small" in findings[2].lower()) == ("small" in impression[2].lower())


def test_a_sign_is_told_behind_a_finding_without_a_place(expert: RulesExpert) -> None:
    report = "FINDINGS: The heart is normal. No effusion."
    prompt = ask(
        report,
        "add",
        "fnd_pleural_effusion",
        appears=[EFFUSION.model_copy(update={"side": None, "region": None}), BLUNTING],
        ceases=[said(report, "effusion", "fnd_pleural_effusion", "absent")],
    )

    ((action, number, text),) = edits_of(expert, prompt)

    assert (action, number) == ("replace", 2)
    assert text.lower().endswith("blunting of the left costophrenic angle.")


def test_a_finding_that_nothing_denies_is_written_where_its_part_of_the_chest_is(expert: RulesExpert) -> None:
    report = "FINDINGS: The pleural surfaces are normal. The heart is normal. The bones are intact."
    prompt = ask(report, "add", "fnd_pleural_effusion", appears=[EFFUSION])

    ((action, number, _),) = edits_of(expert, prompt)

    assert (action, number) == ("insert", 1)


def test_what_is_new_leads_a_numbered_impression(expert: RulesExpert) -> None:
    report = "FINDINGS: No effusion.\nIMPRESSION: 1. Right rib fracture. 2. Mild cardiomegaly."
    prompt = ask(
        report,
        "add",
        "fnd_pleural_effusion",
        appears=[EFFUSION],
        ceases=[said(report, "effusion", "fnd_pleural_effusion", "absent")],
    )

    _, (action, number, text) = edits_of(expert, prompt)

    assert (action, number) == ("replace", 2)
    assert text.startswith("1. ")
    assert text.endswith(" 1. Right rib fracture.")


def test_a_report_by_organs_gets_a_title_for_what_is_new(expert: RulesExpert) -> None:
    report = "FINDINGS: Lungs: Hyperinflated. Heart and mediastinum: Normal heart size."
    prompt = ask(report, "add", "fnd_pleural_effusion", appears=[EFFUSION])

    ((action, number, text),) = edits_of(expert, prompt)

    assert (action, number) == ("insert", 2)
    assert text.startswith("Pleura: ")


def test_a_phrase_that_names_what_the_report_denies_is_not_chosen(expert: RulesExpert) -> None:
    report = "FINDINGS: No focal consolidation. The lungs are clear."
    ceases = [said(report, "lungs are clear", "nrm_clear_lungs")]

    texts = {
        edits_of(
            expert, ask(report, "add", "fnd_pneumonia", appears=[PNEUMONIA], ceases=ceases, plan_id=str(n))
        )[0]
        for n in range(20)
    }

    assert texts == {("replace", 2, "Focal opacity in the right lower lobe is consistent with pneumonia.")}


# --- something gives way ----------------------------------------------------------------------


def test_a_swap_writes_the_new_finding_where_its_organ_is_told(expert: RulesExpert) -> None:
    report = (
        "FINDINGS: Small left effusion. There is blunting. The heart is normal.\nIMPRESSION: Left effusion."
    )
    prompt = ask(
        report,
        "swap",
        "fnd_pneumonia",
        swap_from=["fnd_pleural_effusion"],
        appears=[PNEUMONIA],
        ceases=[
            said(report, "effusion", "fnd_pleural_effusion"),
            said(report, "blunting", "att_blunted_cpa"),
            said(report, "effusion", "fnd_pleural_effusion", nth=2),
        ],
    )

    findings, new, impression = edits_of(expert, prompt)

    assert findings == ("drop", 1, "")
    assert new[:2] == ("replace", 2)
    assert new[2].endswith(" in the right lower lobe is consistent with pneumonia.")
    assert impression[:2] == ("replace", 4)
    assert "right lower lobe" in impression[2]


def test_a_removed_finding_is_denied_and_an_impression_left_empty_is_all_clear(expert: RulesExpert) -> None:
    report = (
        "FINDINGS: There is a small left effusion, new since ___. The lungs are clear.\nIMPRESSION: Effusion."
    )
    prompt = ask(
        report,
        "remove",
        "fnd_pleural_effusion",
        ceases=[
            said(report, "effusion", "fnd_pleural_effusion"),
            said(report, "Effusion", "fnd_pleural_effusion"),
        ],
        stays=[said(report, "new", "att_new")],
    )

    findings, impression = edits_of(expert, prompt)

    assert findings in [
        ("replace", 1, "There is no pleural effusion."),
        ("replace", 1, "No pleural effusion."),
    ]
    assert impression == ("replace", 3, "No acute cardiopulmonary process.")


def test_an_impression_is_not_all_clear_while_the_findings_tell_of_a_disease(expert: RulesExpert) -> None:
    report = "FINDINGS: Left effusion. Right pneumonia.\nIMPRESSION: Effusion."
    prompt = ask(
        report,
        "remove",
        "fnd_pleural_effusion",
        ceases=[
            said(report, "effusion", "fnd_pleural_effusion"),
            said(report, "Effusion", "fnd_pleural_effusion"),
        ],
    )

    _, (action, number, text) = edits_of(expert, prompt)

    assert (action, number) == ("replace", 3)
    assert text.endswith("o pleural effusion.")


def test_an_item_of_a_list_goes_with_its_number_for_the_list_is_counted_anew(expert: RulesExpert) -> None:
    report = "IMPRESSION: 1. Right pneumonia. 2. There is blunting. 3. Left effusion. 4. Normal heart."
    prompt = ask(
        report,
        "remove",
        "fnd_pleural_effusion",
        ceases=[
            said(report, "blunting", "att_blunted_cpa"),
            said(report, "effusion", "fnd_pleural_effusion"),
        ],
    )

    edits = edits_of(expert, prompt)

    assert edits == [("drop", 2, ""), ("drop", 3, "")]


def test_what_else_a_sentence_says_stays_when_a_finding_is_removed(expert: RulesExpert) -> None:
    report = "FINDINGS: Small left effusion and right lower lobe pneumonia are present."
    prompt = ask(
        report,
        "remove",
        "fnd_pleural_effusion",
        ceases=[said(report, "effusion", "fnd_pleural_effusion")],
        stays=[said(report, "pneumonia", "fnd_pneumonia")],
    )

    assert edits_of(expert, prompt) == [("replace", 1, "Right lower lobe pneumonia is present.")]


@pytest.mark.parametrize(
    ("sentence", "target", "left"),
    [
        ("Heart and mediastinum normal.", "fnd_cardiomegaly", "Mediastinum normal."),
        (
            "The heart and mediastinum are unremarkable.",
            "fnd_cardiomegaly",
            "The mediastinum is unremarkable.",
        ),
        (
            "Normal heart size and mediastinal contours.",
            "fnd_enlarged_cardiomediastinum",
            "Normal heart size.",
        ),
    ],
)
def test_the_organ_that_nothing_is_said_against_stays_normal(sentence: str, target: str, left: str) -> None:
    report = f"FINDINGS: {sentence} No effusion."
    large = Statement(concept=target, polarity="present", severity="mild")
    ceases = [said(report, sentence.rstrip("."), "nrm_normal_cm_silhouette")]
    prompt = ask(report, "add", target, appears=[large], ceases=ceases)

    ((action, number, text),) = edits_of(RulesExpert(SHIPPED), prompt)

    assert (action, number) == ("replace", 1)
    assert text.endswith(f". {left}")


def test_nothing_is_written_where_a_sentence_cannot_be_cut(expert: RulesExpert) -> None:
    report = "FINDINGS: Left effusion obscures the pneumonia."
    pneumonia = said(report, "pneumonia", "fnd_pneumonia").model_copy(
        update={"side": "left", "region": "lower_lobe"}
    )
    prompt = ask(
        report,
        "remove",
        "fnd_pleural_effusion",
        ceases=[said(report, "effusion", "fnd_pleural_effusion")],
        stays=[pneumonia],
    )

    assert edits_of(expert, prompt) == []


# --- the expert itself ------------------------------------------------------------------------


def test_the_same_prompt_always_gets_the_same_answer_and_others_vary(expert: RulesExpert) -> None:
    report = "FINDINGS: There is no effusion."
    ceases = [said(report, "effusion", "fnd_pleural_effusion", "absent")]
    prompts = [
        ask(report, "add", "fnd_pleural_effusion", appears=[EFFUSION], ceases=ceases, plan_id=str(number))
        for number in range(12)
    ]

    first = [completion.text for batch in expert.answer(taking(prompts)) for completion in batch]
    second = [completion.text for batch in expert.answer(taking(reversed(prompts))) for completion in batch]

    assert first == second[::-1]
    assert len(set(first)) > 1


def test_answers_come_batch_by_batch_before_all_prompts_are_known(expert: RulesExpert) -> None:
    prompt = ask("FINDINGS: No effusion.", "add", "fnd_pleural_effusion", appears=[EFFUSION])

    def endless() -> object:
        while True:
            yield prompt

    batch = next(expert.answer(taking(endless())))  # type: ignore[arg-type]

    assert len(batch) == 256
    assert {completion.expert for completion in batch} == {"rules"}
    assert batch[0].tokens_in == batch[0].tokens_out == 0


def test_nearly_all_answers_to_plans_for_the_demo_corpus_are_accepted() -> None:
    graph, template = load_graph(), load_template("edits")
    lexicon, expert = Lexicon.from_graph(graph.file), RulesExpert(graph)
    verdicts = [
        verdict for study in demo_studies(150) for verdict in judged(study, graph, lexicon, template, expert)
    ]

    accepted = sum(verdicts)

    assert len(verdicts) > 200
    assert accepted / len(verdicts) >= 0.97


def demo_studies(count: int) -> list[Study]:
    reports = [(demo.study_id, canonical_report(demo.text)) for demo in generate_studies(count, seed=5)]
    return [
        Study(
            corpus="demo",
            study_id=study_id,
            subject_id="1",
            split="train",
            text=report.text,
            sentences=report.sentences,
            read_from=report.read_from,
        )
        for study_id, report in reports
        if report is not None
    ]


def judged(
    study: Study, graph: ConceptGraph, lexicon: Lexicon, template: Template, expert: RulesExpert
) -> list[bool]:
    """Whether each counterfactual of a study is accepted."""
    factual = read_facts(study.text, lexicon)
    plans = plan_study(study, factual, graph, per_study=2, seed=7)
    accepted = []
    for plan in plans:
        prompt = write_prompt(plan, study, graph, template, ExpertSettings())
        ((completion,),) = expert.answer(taking([prompt]))
        edit = read_edit(completion, plan, study)
        verdict = check_edit(edit, plan, study, factual, read_facts(edit.text, lexicon), graph)
        accepted.append(verdict.accepted)
    return accepted
