"""What language models answered to the pipeline's prompts, read and judged again: see tests/recorded."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.concepts import ConceptGraph
from ccf_pipeline.records import Completion, Edit, Plan, Problem, Study
from ccf_pipeline.steps.checking import check_edit, check_rewording
from ccf_pipeline.steps.editing import read_edit
from ccf_pipeline.steps.facts import Reading

RECORDED = Path(__file__).parents[1] / "recorded"
STRATEGIES = ("edits", "lines", "rewrite", "paper", "minimal", "chosen")
RETOLD = "unrelated_rewrite"

# The answers that are refused, by the beginning of their prompt's id; docs/experts-yield.md says why.
REFUSED: dict[str, dict[str, set[str]]] = {
    "edits": {
        "47060531": {"exclusive_asserted"},  # its plan left "no acute process" beside marked atelectasis
        "6b14b5a0": {RETOLD},
        "d2e27bd3": {RETOLD},
        "db9eb4a8": {RETOLD},
        "ddf080c6": {RETOLD},
    },
    "lines": {
        "2bf51bc6": {"exclusive_asserted"},  # its plan left "no consolidation" beside extensive pneumonia
        "6cc0e92c": {RETOLD},
        "7fa0e4b5": {RETOLD},
        "bc70fef2": {"support_missing"},
        "d3da6eb3": {RETOLD},
    },
    "rewrite": {
        "00847dbc": {RETOLD},
        "0e815d5f": {RETOLD},
        "16a0df94": {"exclusive_asserted"},
        "19c93ba0": {RETOLD},
        "2dd43b53": {RETOLD},
        "58164687": {"exclusive_asserted"},
    },
    "paper": {
        "00cda60f": {RETOLD},
        "1042c10b": {RETOLD},
        "3306fa29": {RETOLD},
        "c2acd4f2": {RETOLD},
        "da48819e": {RETOLD},
    },
    "minimal": {"b7840ad0": {RETOLD}, "bff414fd": {RETOLD}, "e9cae3b7": {RETOLD}},
    "chosen": {"8f4ce614": {"chosen_refused"}},
}
REPAIRED: dict[str, int] = {}
"""How many of a strategy's recorded repairs are accepted, at least."""

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


@lru_cache
def rows_of(name: str) -> list[dict[str, Any]]:
    path = RECORDED / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_recorded_answers_are_applied_and_refused_for_known_reasons_only(strategy: str, judge: Judge) -> None:
    rows = rows_of(strategy)
    assert len(rows) >= 40

    refused: dict[str, set[str]] = {}
    for row in rows:
        edit, problems = judge(row, strategy)
        assert edit.problem is None, row["prompt_id"]
        if problems:
            refused[row["prompt_id"][:8]] = {problem.code for problem in problems}

    # A reader or checker that has learned may take more of them; it may not refuse what it took.
    known = REFUSED[strategy]
    unknown = {key: codes - known.get(key, set()) for key, codes in refused.items()}
    assert not {key: codes for key, codes in unknown.items() if codes}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_recorded_answer_says_who_wrote_it_and_what_was_asked(strategy: str) -> None:
    rows = rows_of(strategy)

    assert (
        len({row["messages_digest"] for row in rows}) == len({row["prompt_id"] for row in rows}) == len(rows)
    )
    for row in rows:
        assert "without sight of the checker" in row["origin"]
        assert row["model"]
        assert row["text"]
        assert row["study"]["corpus"] == "demo"


@pytest.mark.parametrize("path", sorted(RECORDED.glob("*-repairs.jsonl")), ids=lambda path: path.stem)
def test_recorded_repairs_mend_what_was_refused(path: Path, judge: Judge) -> None:
    strategy = path.stem.removesuffix("-repairs")
    first = {row["prompt_id"]: row for row in rows_of(strategy)}

    accepted = 0
    for row in rows_of(path.stem):
        asked = first[row["repairs"]]
        _, problems = judge({**row, "study": asked["study"], "plan": asked["plan"]}, strategy)
        assert row["attempt"] == 2
        accepted += not problems

    assert accepted >= REPAIRED.get(strategy, 1)
