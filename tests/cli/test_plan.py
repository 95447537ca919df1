"""ccf-build plan: what would be asked for, in a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline.cli.app import app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.records import FINDING_LABELS


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=60, images=False)
    return folder


def run(corpus: Path, *words: str) -> str:
    done = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["plan", "--corpus", f"demo:{corpus}", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_table_fits_on_a_hundred_columns(corpus: Path) -> None:
    shown = run(corpus)

    before_examples = shown.split("Examples")[0]
    assert max(map(len, before_examples.splitlines())) <= 100
    assert "60  planned" in shown
    assert "120  counterfactuals under the preset balanced" in shown
    header = next(line for line in shown.splitlines() if "Atel" in line and "none" in line)
    assert len(header.split()) == 15
    assert all(label in shown for label in FINDING_LABELS.values())


def test_the_csv_holds_the_same_counts_as_the_json(corpus: Path, tmp_path: Path) -> None:
    view = json.loads(run(corpus, "--json", "--csv", str(tmp_path / "matrix.csv")))

    with (tmp_path / "matrix.csv").open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["lost", *FINDING_LABELS.values(), "nothing"]
    assert [row[0] for row in rows] == [*FINDING_LABELS.values(), "nothing"]
    assert sum(int(count) for row in rows for count in row[1:]) == sum(c["count"] for c in view["changes"])
    gained = {entry["finding"]: entry["gained"] for entry in view["balance"]}
    assert gained["Support Devices"] == sum(int(row[head.index("Support Devices")]) for row in rows)
    assert sum(entry["count"] for entry in view["directions"]) == 120


def test_examples_tell_why_and_nothing_of_the_report(corpus: Path) -> None:
    view = json.loads(run(corpus, "--json", "--preset", "minimal"))

    assert {change["direction"] for change in view["changes"]} == {"alter"}
    assert len(view["examples"]) >= 3
    assert all("stay word for word" in example for example in view["examples"])


def test_a_preset_that_is_not_known_is_refused(corpus: Path) -> None:
    done = CliRunner().invoke(app, ["plan", "--corpus", f"demo:{corpus}", "--preset", "fancy"])

    assert done.exit_code == 2


def test_the_cost_of_asking_is_told_with_what_it_rests_on(corpus: Path, tmp_path: Path) -> None:
    config = tmp_path / "build.toml"
    config.write_text("[prices]\ninput = 1.0\ncached = 0.1\noutput = 4.0\n")
    flags = ("--config", str(config), "--cost", "--chosen", "--tokens-per-second", "1000")

    cost = json.loads(run(corpus, "--json", *flags))["cost"]

    spend = cost["spend"]
    assert cost["counterfactuals"] == cost["looked_at"] == 120
    assert spend["answers"] == 120 + cost["repairs"] + 60
    assert 0 < spend["tokens_cached"] < spend["tokens_in"]
    fresh = spend["tokens_in"] - spend["tokens_cached"]
    assert cost["hours"] == pytest.approx((fresh + spend["tokens_out"]) / 1000 / 3600)
    assert cost["price"] == pytest.approx(
        (fresh + 0.1 * spend["tokens_cached"] + 4 * spend["tokens_out"]) / 1e6
    )
    assert cost["price"] < cost["price_without_cache"]

    shown = run(corpus, *flags)
    assert "estimated without a tokenizer" in shown
    assert "at the prices of [prices]" in shown
    assert "Cost of asking" not in run(corpus)


def test_edits_cost_less_than_the_papers_prompts(corpus: Path) -> None:
    def spend(strategy: str) -> dict[str, int]:
        told = json.loads(run(corpus, "--json", "--cost", "--strategy", strategy, "--repair", "0"))["cost"]
        assert told["repairs"] == 0
        assert told["price"] is None
        return dict(told["spend"])

    edits, paper = spend("edits"), spend("paper")

    assert (edits["tokens_in"] - edits["tokens_cached"]) * 6 < paper["tokens_in"]
    assert edits["tokens_out"] < paper["tokens_out"]
