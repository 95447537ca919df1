"""Every reason of the checker has one row that says what it means, with an example of each verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from ccf_pipeline.counterfactual.check import check_rewording, lab
from ccf_pipeline.counterfactual.check.foreign_pairs import audit_pair, study_of
from ccf_pipeline.counterfactual.check.reasons import REASONS, describe_reasons, pair_of
from ccf_pipeline.counterfactual.edit.align import align_candidate
from ccf_pipeline.counterfactual.plan import Change, plan_as_asked
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.reader.facts import Reading, read_facts
from ccf_pipeline.records import Problem, ReasonCode

DOCS = Path(__file__).parents[3] / "docs" / "checking.md"
Judge = Callable[[ReasonCode, bool], tuple[Problem, ...]]


@pytest.fixture(scope="module")
def judge(graph: ConceptGraph) -> Judge:
    lexicon = Lexicon.from_graph(graph.file)

    def read(text: str) -> Reading:
        return read_facts(text, lexicon)

    def problems(code: ReasonCode, accepted: bool) -> tuple[Problem, ...]:
        example = REASONS[code].example
        pair = pair_of(example, accepted=accepted)
        if code != "chosen_refused":
            return audit_pair(pair, graph, lexicon).problems
        study, factual = study_of(pair), read(pair.factual)
        plan = plan_as_asked(study, factual, graph, Change("add", example.target, ()))
        edit = align_candidate(study, pair.candidate, plan.plan_id)
        steps = tuple({"action": "replace", "number": s.number, "text": s.text} for s in edit.sentences)
        edit = type(edit).model_validate(edit.model_dump() | {"steps": steps})
        return check_rewording(edit, plan, study, factual, read(pair.candidate), graph)

    return problems


def test_each_code_has_its_row() -> None:
    assert set(REASONS) == set(get_args(ReasonCode))


@pytest.fixture
def ward_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a rule as a plug-in does: this ward calls nothing tiny."""
    rule = lab.LabCheck("no_tiny", lambda case: ["Say small."] if "Tiny" in case.edit.text else [])
    monkeypatch.setattr(lab, "known_lab_checks", lambda: (rule,))


@pytest.mark.usefixtures("ward_rule")
@pytest.mark.parametrize("code", get_args(ReasonCode))
def test_the_examples_get_the_verdicts_they_show(code: ReasonCode, judge: Judge) -> None:
    good, bad = judge(code, True), judge(code, False)

    assert [
        p.code for p in good if p.level == "block" or (p.code == code and REASONS[code].level == "warn")
    ] == []
    assert code in [p.code for p in bad if p.level == REASONS[code].level]


def test_the_page_on_checking_shows_the_table() -> None:
    page = DOCS.read_text(encoding="utf-8")

    assert "\n".join(describe_reasons()) in page
