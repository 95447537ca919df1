"""The factual side in the words of the rules: the same statements, or the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.counterfactual.check import check_rewording
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.counterfactual.plan import Change, plan_change
from ccf_pipeline.counterfactual.prompt import write_chosen
from ccf_pipeline.counterfactual.prompt.load_templates import load_template
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.experts import taking
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.reader.facts import read_facts
from ccf_pipeline.reader.sentences import split_report
from ccf_pipeline.records import Edit, Problem, Record, Sentence, Study
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ExpertSettings
from tests.shipped import LEXICON


@pytest.fixture(scope="module")
def graph() -> ConceptGraph:
    return load_graph(None)


@pytest.fixture(scope="module")
def rules(graph: ConceptGraph) -> RulesExpert:
    return RulesExpert(graph)


def reworded(
    rules: RulesExpert, graph: ConceptGraph, report: str, change: Change, *, seed: int = 1
) -> tuple[Edit, tuple[Problem, ...]]:
    """A report in other words where the change would touch it, and what the checker has against them."""
    sentences = tuple(
        Sentence(number=n, section=heading.lower(), start=a, end=b, text=report[a:b])
        for n, (heading, a, b) in enumerate(split_report(report), 1)
    )
    study = Study(
        corpus="test",
        study_id="s",
        subject_id="p",
        split="train",
        text=report,
        sentences=sentences,
        read_from="test",
    )
    factual = read_facts(report, LEXICON)
    plan = plan_change(study, factual, graph, change, seed=seed)
    prompt = write_chosen((plan,), study, load_template("chosen"), ExpertSettings())
    ((completion,),) = rules.answer(taking([prompt]))
    edit = read_edit(completion, plan, study)
    return edit, check_rewording(edit, plan, study, factual, read_facts(edit.text, LEXICON), graph)


EFFUSION = Change("remove", "fnd_pleural_effusion", ("fnd_pleural_effusion",))
LESION = Change("remove", "fnd_lung_lesion", ("fnd_lung_lesion",))


def test_a_finding_is_told_again_with_its_side_and_its_degree(
    rules: RulesExpert, graph: ConceptGraph
) -> None:
    report = "FINDINGS: Pleural effusion, small, on the left. The heart is normal in size."

    told = [reworded(rules, graph, report, EFFUSION, seed=seed) for seed in range(12)]

    texts = {edit.text for edit, faults in told if not faults}
    assert len(texts) == 2
    for text in texts:
        assert text.endswith("The heart is normal in size.")
        assert re.search(r"small left (?:pleural )?effusion", text, re.IGNORECASE)
        assert text.count("left") == 1


def test_a_denial_that_will_give_way_is_denied_again_and_the_rest_of_its_list_stays(
    rules: RulesExpert, graph: ConceptGraph
) -> None:
    report = "FINDINGS: No pneumothorax, effusion or edema."

    edit, faults = reworded(rules, graph, report, Change("add", "fnd_pneumothorax", ()))

    assert not faults
    assert edit.text.count("pneumothorax") == 1
    assert re.search(r"No effusion or edema\.$", edit.text)


@pytest.mark.parametrize(
    ("report", "change", "kept"),
    [
        ("FINDINGS: A 7 mm nodule in the left upper lobe.", LESION, "7 mm"),
        ("FINDINGS: Small left effusion, best seen on the lateral view.", EFFUSION, "lateral view"),
        ("FINDINGS: There is a left effusion, decreased from the prior study.", EFFUSION, "decreased"),
        ("FINDINGS: There is a left effusion, for which drainage is advised.", EFFUSION, "advised"),
        ("FINDINGS: Heart size is now normal.", Change("add", "fnd_cardiomegaly", ()), "now"),
        ("FINDINGS: Left effusion measuring 4 cm is seen.", EFFUSION, "measuring 4 cm"),
    ],
)
def test_sizes_comparisons_and_advice_are_never_lost(
    rules: RulesExpert, graph: ConceptGraph, report: str, change: Change, kept: str
) -> None:
    for seed in range(8):
        edit, faults = reworded(rules, graph, report, change, seed=seed)

        assert faults or kept in edit.text


def test_a_finding_is_not_called_what_the_report_does_not_call_it(
    rules: RulesExpert, graph: ConceptGraph
) -> None:
    report = "FINDINGS: There is evidence of a rounded mass in the left upper lobe."

    texts = {reworded(rules, graph, report, LESION, seed=seed)[0].text for seed in range(20)}

    assert not any(re.search("lobulated|spiculated|cavit", text, re.IGNORECASE) for text in texts)


def test_what_the_change_does_not_touch_is_not_reworded(rules: RulesExpert, graph: ConceptGraph) -> None:
    report = "FINDINGS: Note is made of cardiomegaly. Clear lungs bilaterally."

    edit, faults = reworded(rules, graph, report, Change("add", "fnd_fracture", ()))

    assert (edit.text, edit.steps, faults) == (report, (), ())


# --- through a build --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=60, seed=5, images=False)
    return folder


def rows(corpus: Path, out: Path, **expert: object) -> list[Record]:
    settings = ExpertSettings(**expert)  # type: ignore[arg-type]
    walk.build(BuildSettings(out=out, corpus=CorpusSettings(kind="demo", path=corpus), expert=settings))
    return list(BuildFolder(out).records_of(0))


def test_rules_write_the_chosen_side_of_a_pair_unless_told_otherwise(corpus: Path, tmp_path: Path) -> None:
    both = rows(corpus, tmp_path / "both")
    one = rows(corpus, tmp_path / "one", chosen=False)

    assert all(row.chosen_text is None for row in one)
    assert [(r.record_id, r.factual_text, r.counterfactual_text) for r in both] == [
        (r.record_id, r.factual_text, r.counterfactual_text) for r in one
    ]
    assert sum(row.chosen_text is not None for row in both) > len(both) / 3
    assert all(row.chosen_text != row.factual_text for row in both)


def test_words_that_do_not_hold_are_left_out_and_the_row_says_so(corpus: Path, tmp_path: Path) -> None:
    told = rows(corpus, tmp_path / "build")

    refused = [row for row in told if any(p.code == "chosen_refused" for p in row.problems)]
    assert all(row.chosen_text is None for row in refused)
    assert len(refused) < len(told) / 10


def test_a_second_build_writes_the_same_words(corpus: Path, tmp_path: Path) -> None:
    assert rows(corpus, tmp_path / "a") == rows(corpus, tmp_path / "b")
