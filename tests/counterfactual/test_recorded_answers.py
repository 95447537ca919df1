"""What language models answered to the pipeline's prompts, read and judged again: see tests/recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.counterfactual.check import check_edit, check_rewording
from ccf_pipeline.counterfactual.edit import read_edit
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.reader.facts import Reading
from ccf_pipeline.records import Completion, Edit, Plan, Problem, Study

RECORDED = Path(__file__).parents[1] / "recorded"
REPAIRS = sorted(
    str(path.relative_to(RECORDED).with_suffix("")) for path in RECORDED.rglob("*-repairs.jsonl")
)
RETOLD = "unrelated_rewrite"

# The answers that are refused, by the beginning of their prompt's id; docs/experts-yield.md says why.
# Those in first/ were written to an older wording of the prompts.
REFUSED: dict[str, dict[str, set[str]]] = {
    "first/edits": {
        "47060531": {"exclusive_asserted"},  # its plan left "no acute process" beside marked atelectasis
        "6b14b5a0": {RETOLD},
        "d2e27bd3": {RETOLD},
        "db9eb4a8": {RETOLD},
        "ddf080c6": {RETOLD},
    },
    "first/lines": {
        "2df1e086": {"orphaned_advice"},  # a follow-up of the mediastinum, which is normal now
        "be169969": {"orphaned_reference"},  # a fracture between calcifications and their follow-up
        "c77c47c3": {"orphaned_reference"},
        "2bf51bc6": {"exclusive_asserted"},  # its plan left "no consolidation" beside extensive pneumonia
        "6cc0e92c": {RETOLD},
        "7fa0e4b5": {RETOLD},
        "bc70fef2": {"support_missing"},
        "d3da6eb3": {RETOLD},
    },
    "first/rewrite": {
        "00847dbc": {RETOLD},
        "19c93ba0": {RETOLD},
        "2dd43b53": {RETOLD},
        "58164687": {"exclusive_asserted"},
    },
    "first/paper": {
        "00cda60f": {RETOLD},
        "1042c10b": {RETOLD},
        "3306fa29": {RETOLD},
        "c2acd4f2": {RETOLD},
        "da48819e": {RETOLD},
    },
    "first/minimal": {
        "28bb3168": {"orphaned_advice"},  # "Correlate clinically." of the fracture, behind an edema
        "b7840ad0": {RETOLD},
        "bff414fd": {RETOLD},
        "e9cae3b7": {RETOLD},
    },
    "first/chosen": {},
    "edits": {"02aa2663": {"exclusive_asserted"}},
    "lines": {},
    "rewrite": {
        "0bb687ae": {"target_uncertain_only"},
        "17f6bde3": {RETOLD},
        "1b96c869": {"target_uncertain_only"},
    },
    "paper": {"0ac72064": {RETOLD}, "43699a86": {"exclusive_asserted"}},
    "minimal": {"3a21ebd8": {"exclusive_asserted"}},
    "chosen": {"088e2075": {"chosen_refused"}, "5b794fd6": {"chosen_refused"}},
}
REPAIRED = {
    "first/edits": 4,
    "first/lines": 4,
    "first/rewrite": 3,
    "first/paper": 5,
    "first/minimal": 3,
    "edits": 1,
    "rewrite": 1,  # the prompts of the other two asked for "borderline" cardiomegaly, which is a doubt
    "paper": 2,
    "minimal": 1,
}
"""How many of the recorded repairs are accepted, at least."""

Judge = Callable[[dict[str, Any], str], tuple[Edit, tuple[Problem, ...]]]


@pytest.fixture(scope="session")
def judge(graph: ConceptGraph, read: Callable[[str], Reading]) -> Judge:
    """The edit of a recorded answer, and what speaks against it."""

    def judged(row: dict[str, Any], strategy: str) -> tuple[Edit, tuple[Problem, ...]]:
        study, plan = Study.model_validate(row["study"]), Plan.model_validate(row["plan"])
        told = {"prompt_id": row["prompt_id"], "model": row["model"], "text": row["text"]}
        edit = read_edit(Completion(expert="recorded", **told), plan, study, row["form"])
        check = check_rewording if strategy == "chosen" else check_edit
        found = check(edit, plan, study, read(study.text), read(edit.text), graph)
        problems = found if isinstance(found, tuple) else found.problems
        return edit, tuple(p for p in problems if p.level == "block" or p.code == "chosen_refused")

    return judged


def strategy_of(name: str) -> str:
    return name.rpartition("/")[2]


@lru_cache
def rows_of(name: str) -> list[dict[str, Any]]:
    path = RECORDED / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("name", REFUSED)
def test_recorded_answers_are_applied_and_refused_for_known_reasons_only(name: str, judge: Judge) -> None:
    rows = rows_of(name)
    assert len(rows) >= 40

    refused: dict[str, set[str]] = {}
    for row in rows:
        edit, problems = judge(row, strategy_of(name))
        assert edit.problem is None, row["prompt_id"]
        if problems:
            refused[row["prompt_id"][:8]] = {problem.code for problem in problems}

    # A reader or checker that has learned may take more of them; it may not refuse what it took.
    known = REFUSED[name]
    unknown = {key: codes - known.get(key, set()) for key, codes in refused.items()}
    assert not {key: codes for key, codes in unknown.items() if codes}


@pytest.mark.parametrize("name", REFUSED)
def test_every_recorded_answer_says_who_wrote_it_and_what_was_asked(name: str) -> None:
    rows = rows_of(name)

    assert (
        len({row["messages_digest"] for row in rows}) == len({row["prompt_id"] for row in rows}) == len(rows)
    )
    for row in rows:
        assert "without sight of the checker" in row["origin"]
        assert row["model"]
        assert row["text"]
        assert row["study"]["corpus"] == "demo"


@pytest.mark.parametrize("name", REPAIRS)
def test_recorded_repairs_mend_what_was_refused(name: str, judge: Judge) -> None:
    answered = name.removesuffix("-repairs")
    first = {row["prompt_id"]: row for row in rows_of(answered)}

    accepted = 0
    for row in rows_of(name):
        asked = first[row["repairs"]]
        told = {**row, "study": asked["study"], "plan": asked["plan"]}
        _, problems = judge(told, strategy_of(answered))
        assert row["attempt"] == 2
        assert "without sight of the checker" in row["origin"]
        accepted += not problems

    assert accepted >= REPAIRED[answered]


def test_no_wave_of_answers_is_left_out() -> None:
    found = {str(path.relative_to(RECORDED).with_suffix("")) for path in RECORDED.rglob("*.jsonl")}
    found -= {"extract"}  # test_recorded_extraction.py

    assert found == {*REFUSED, *REPAIRS}
