"""Auditing data sets of every make, and a build once more."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline.cli.app import app

FACTUAL = "Heart size is normal. No effusion or pneumothorax."
CANDIDATE = "Heart size is normal. Small left pleural effusion. No pneumothorax."
CPO = {"dicom_id": "a", "report": FACTUAL, "diagnose": "None", "counterfact": {"Pleural Effusion": CANDIDATE}}
CF_VLM = {"orig_input": "", "orig_output": FACTUAL, "cf_samples": [{"cf_text": CANDIDATE}]}
PLAIN = {
    "id": "x",
    "factual": FACTUAL,
    "candidate": CANDIDATE,
    "target": "Pleural Effusion",
    "direction": "add",
}


def run(*words: str) -> str:
    outcome = CliRunner().invoke(app, list(words))
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


@pytest.mark.parametrize("row", [CPO, CF_VLM, PLAIN], ids=["cpo", "cf_vlm", "plain"])
@pytest.mark.parametrize("indent", [None, 1], ids=["lines", "list"])
def test_a_data_set_of_any_make_is_judged(tmp_path: Path, row: dict[str, object], indent: int | None) -> None:
    file, out = tmp_path / "set.json", tmp_path / "verdicts.jsonl"
    file.write_text(json.dumps(row) + "\n" if indent is None else json.dumps([row], indent=indent))

    summary = json.loads(run("check", str(file), "--out", str(out), "--json"))

    assert summary == {"pairs": 1, "accepted": 1, "reasons": {}}
    assert json.loads(out.read_text())["accepted"] is True


def test_an_alteration_is_judged_as_one(tmp_path: Path) -> None:
    row = {"factual": CANDIDATE, "target": "Pleural Effusion", "direction": "alter"}
    altered = [CANDIDATE.replace("left", "right"), CANDIDATE.replace("Small left", "Severe right")]
    file = tmp_path / "set.jsonl"
    file.write_text("".join(json.dumps({**row, "candidate": text}) + "\n" for text in altered))

    summary = json.loads(run("check", str(file), "--json"))

    assert summary == {"pairs": 2, "accepted": 1, "reasons": {"collateral_change": 1}}


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "set.csv"
    file.write_text(f"before,after,label\n{FACTUAL},{FACTUAL},Pleural Effusion\n,x,Nonsense\n")

    said = run("check", str(file), "--columns", "factual=before,candidate=after,target=label", "--json")

    assert json.loads(said)["reasons"] == {"unchanged": 1, "not_a_pair": 1}


@pytest.mark.slow
def test_a_build_is_judged_again_without_an_expert(tmp_path: Path) -> None:
    run("demo", "--out", str(tmp_path), "--studies", "12", "--quiet")
    (build,) = tmp_path.glob("build-*")

    again = json.loads(run("recheck", str(build), "--write", "--json"))

    assert again["newly_rejected"] == again["newly_accepted"] == []
    assert again["written"]
    assert again["judged"] > 0
    assert json.loads(run("check", str(build), "--json"))["pairs"] == again["accepted"]


def test_a_plan_is_shown_before_anything_is_asked(tmp_path: Path) -> None:
    run("demo", "--out", str(tmp_path), "--studies", "12", "--quiet")
    (corpus,) = tmp_path.glob("corpus-*")

    view = json.loads(run("plan", "--corpus", f"demo:{corpus}", "--json"))

    assert sum(change["count"] for change in view["changes"]) > 0
    assert view["examples"]
