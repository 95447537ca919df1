"""The walk on one study, step by step: read this to see what each noun holds."""

from __future__ import annotations

import pytest

from ccf_pipeline.corpora.sections import canonical_report
from ccf_pipeline.counterfactual.check import check_edit
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.make_record import make_record
from ccf_pipeline.counterfactual.plan import Change, plan_change
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.records import Direction, FindingState, Lineage, Plan, Spend, Study
from ccf_pipeline.settings import ExpertSettings

REPORT = """\
                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough // ?pneumonia

 FINDINGS:

 The heart is normal in size.  There is a small left pleural effusion with
 blunting of the left costophrenic angle.  No focal consolidation or
 pneumothorax.

 IMPRESSION:

 Small left pleural effusion.
"""

GRAPH = load_graph()
LEXICON = Lexicon.from_graph(GRAPH.file)


@pytest.fixture(scope="module")
def study() -> Study:
    report = canonical_report(REPORT)
    assert report is not None
    return Study(
        corpus="demo",
        study_id="50000001",
        subject_id="10000001",
        split="train",
        text=report.text,
        sentences=report.sentences,
        read_from=report.read_from,
        labels=(FindingState(finding="fnd_pleural_effusion", state="present"),),
    )


def planned(study: Study, direction: Direction, target: str, *gives_way: str) -> Plan:
    reading = read_facts(study.text, LEXICON)
    return plan_change(study, reading, GRAPH, Change(direction, target, gives_way), seed=7)


def test_a_report_becomes_numbered_sentences(study: Study) -> None:
    assert study.text == (
        "FINDINGS: The heart is normal in size. There is a small left pleural effusion with blunting of the"
        " left costophrenic angle. No focal consolidation or pneumothorax.\n"
        "IMPRESSION: Small left pleural effusion."
    )
    assert [(s.number, s.section, s.text) for s in study.sentences] == [
        (1, "findings", "The heart is normal in size."),
        (
            2,
            "findings",
            "There is a small left pleural effusion with blunting of the left costophrenic angle.",
        ),
        (3, "findings", "No focal consolidation or pneumothorax."),
        (4, "impression", "Small left pleural effusion."),
    ]


def test_the_reader_says_what_the_report_asserts_and_denies(study: Study) -> None:
    reading = read_facts(study.text, LEXICON)

    assert reading.states["fnd_pleural_effusion"] == "present"
    assert reading.states["fnd_cardiomegaly"] == "absent"
    assert reading.states["fnd_consolidation"] == "absent"
    assert reading.states["fnd_pneumothorax"] == "absent"
    effusion = next(m for m in reading.mentions if m.concept == "fnd_pleural_effusion")
    assert (effusion.side, effusion.severity, effusion.sentence) == ("left", "small", 2)


def test_a_plan_says_what_must_change_and_what_stays(study: Study) -> None:
    plan = planned(study, "remove", "fnd_pleural_effusion", "fnd_pleural_effusion")

    assert {m.concept for m in plan.must_cease} >= {"fnd_pleural_effusion", "att_blunted_cpa"}
    assert plan.must_appear == ()
    assert plan.free_sentences == (2, 4)
    assert plan.kept_sentences == (1, 3)


def test_a_denied_target_frees_the_sentence_that_denies_it(study: Study) -> None:
    plan = planned(study, "add", "fnd_pneumothorax")

    assert plan.must_appear[0].concept == "fnd_pneumothorax"
    assert 3 in plan.free_sentences
    assert "fnd_consolidation" in {m.concept for m in plan.must_stay}


def test_a_prompt_puts_what_studies_share_before_the_report(study: Study) -> None:
    plan = planned(study, "add", "fnd_pneumothorax")

    prompt = write_prompt(plan, study, GRAPH, load_template("edits"), ExpertSettings())

    system, user = prompt.messages
    assert study.sentences[0].text not in system.content
    assert user.content.index("Pneumothorax") < user.content.index("<report ")
    assert "[3] No focal consolidation or pneumothorax." in user.content


def test_the_walk_ends_in_an_accepted_record(study: Study) -> None:
    plan = planned(study, "add", "fnd_pneumothorax")
    lineage = Lineage(graph_version="g", graph_digest="d", prompt_digest="p", code_version="c")

    prompt = write_prompt(plan, study, GRAPH, load_template("edits"), ExpertSettings())
    ((completion,),) = RulesExpert(GRAPH).answer(taking([prompt]))
    edit = read_edit(completion, plan, study)
    factual, counterfactual = read_facts(study.text, LEXICON), read_facts(edit.text, LEXICON)
    verdict = check_edit(edit, plan, study, factual, counterfactual, GRAPH)
    spent = Spend().plus(completion)
    record = make_record(study, prompt, completion, edit, verdict, factual, counterfactual, lineage, spent)

    assert verdict.problems == ()
    assert record.accepted
    assert record.target == "Pneumothorax"
    assert ("Pneumothorax", "present") in [
        (label.finding, label.state) for label in record.counterfactual_labels
    ]
    assert "The heart is normal in size." in record.counterfactual_text
    assert "No focal consolidation." in record.counterfactual_text
    assert record.seed == 7
