"""ccf-build graph mine and extract, as they are typed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ccf_pipeline.cli.graph import graph_app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import EndpointRefused, ExpertError, MissingInput, SettingsError
from ccf_pipeline.graph.load import read_graph_file
from ccf_pipeline.reader.facts import read_facts
from tests.model_server import ModelServer, reports_in, serving
from tests.shipped import GRAPH, LEXICON


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=1000, seed=3, as_zip=True, images=False)
    return folder


@pytest.fixture(scope="module")
def several_portions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So many studies that more than one worker has something to read."""
    folder = tmp_path_factory.mktemp("several")
    write_demo_corpus(folder, studies=2400, seed=3, as_zip=True, images=False)
    return folder


def graph_run(*arguments: object) -> str:
    outcome = CliRunner().invoke(graph_app, [str(argument) for argument in arguments])
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.stdout


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# --- mine -------------------------------------------------------------------------------------


def test_a_corpus_is_mined_into_a_summary_and_a_table(corpus: Path, tmp_path: Path) -> None:
    shown = graph_run("mine", "--corpus", f"demo:{corpus}", "--workers", 1, "--out", tmp_path / "mined.csv")

    rows = rows_of(tmp_path / "mined.csv")
    statuses = Counter(row["status"] for row in rows)
    assert "1000 studies read, 0 skipped" in shown
    assert f"confirmed      {statuses['confirmed']}" in shown
    assert statuses["confirmed"] > 45
    assert statuses["proposed"] >= 3
    kerley = next(
        row for row in rows if (row["concept_a"], row["concept_b"]) == ("fnd_edema", "att_kerley_b")
    )
    assert (kerley["status"], kerley["curated"]) == ("confirmed", "fnd_edema>att_kerley_b")


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(several_portions: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        graph_run(
            "mine",
            "--corpus",
            f"demo:{several_portions}",
            "--workers",
            workers,
            "--out",
            tmp_path / f"{workers}.json",
        )

    one, two = ((tmp_path / f"{workers}.json").read_bytes() for workers in (1, 2))
    assert one == two


@pytest.mark.slow
def test_workers_that_die_at_once_are_an_error_and_not_a_wait(several_portions: Path, tmp_path: Path) -> None:
    corpus = several_portions
    # Without the guard that every script needs, each worker runs the script again and dies.
    script = tmp_path / "unguarded.py"
    script.write_text(
        "from pathlib import Path\n"
        "from ccf_pipeline.graph.load import load_graph\n"
        "from ccf_pipeline.mining.run import mine_corpus\n"
        "from ccf_pipeline.settings import CorpusSettings\n"
        f"mine_corpus(CorpusSettings(kind='demo', path=Path({str(corpus)!r})), load_graph(), workers=2)\n"
    )

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 1
    assert "WorkerLost" in done.stderr


def test_json_carries_every_relation_and_how_it_was_found(corpus: Path) -> None:
    told = graph_run("mine", "--corpus", f"demo:{corpus}", "--limit", 300, "--min-support", 7, "--json")

    report = json.loads(told)
    assert report["studies_read"] == 300
    assert report["thresholds"]["min_support"] == 7
    assert report["graph_digest"] == GRAPH.digest
    assert len(report["relations"]) > 300


def test_the_graph_is_left_as_it_is(corpus: Path, tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_bytes((Path(__file__).parents[2] / "graphs" / "thoracic.yaml").read_bytes())
    before = path.read_bytes()

    graph_run("mine", "--corpus", f"demo:{corpus}", "--limit", 50, "--graph", path)

    assert path.read_bytes() == before


def test_a_corpus_that_is_not_there_or_a_table_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="nowhere"):
        graph_run("mine", "--corpus", f"mimic:{tmp_path / 'nowhere'}")
    with pytest.raises(SettingsError, match=r"not a \.csv or \.json file"):
        graph_run("mine", "--corpus", f"mimic:{tmp_path / 'nowhere'}", "--out", tmp_path / "mined.xlsx")


# --- extract ----------------------------------------------------------------------------------


def read_as_a_model(message: str) -> str:
    """What a good model would answer: it reads as the reader does, and has a word of its own."""
    cases = []
    features_of: dict[str, set[str]] = {}
    for number, text in reports_in(message).items():
        asserted = sorted(read_facts(text, LEXICON).asserted)
        diseases = [GRAPH.concept(c).label for c in asserted if c.startswith("fnd_")]
        features = [GRAPH.concept(c).forms[0] for c in asserted if c.startswith("att_")]
        features += ["snowman sign"] if number == 1 else []
        cases.append({"report": number, "diseases": diseases, "features": features})
        for disease in diseases:
            features_of.setdefault(disease, set()).update(features)
    mapped = [{"disease": d, "features": sorted(found)} for d, found in sorted(features_of.items())]
    return json.dumps({"cases": cases, "disease_feature_map": mapped})


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer(answer=read_as_a_model)) as running:
        yield running


def extract(server: ModelServer, corpus: Path, out: Path, *more: object) -> dict[str, Any]:
    base = (
        "extract",
        "--corpus",
        f"demo:{corpus}",
        "--base-url",
        server.base_url,
        "--model",
        "m",
        "--out",
        out,
    )
    report: dict[str, Any] = json.loads(graph_run(*base, *more, "--json"))
    return report


def test_a_model_that_reads_well_confirms_the_graph(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    report = extract(server, corpus, tmp_path / "x", "--limit", 400)

    found = {(row["feature"], row["disease"]): row for row in report["relations"]}
    assert (report["cases"], report["studies_unreadable"], len(server.requests)) == (400, 0, 20)
    assert found["att_kerley_b", "fnd_edema"]["status"] == "confirmed"
    assert found["att_kerley_b", "fnd_edema"]["curated"] == "fnd_edema>att_kerley_b"
    assert {row["status"] for row in report["relations"]} >= {"confirmed", "not in ours", "ours not seen"}


def test_terms_that_no_form_knows_are_listed_for_a_person(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    extract(server, corpus, tmp_path / "x", "--limit", 100)

    unknown = rows_of(tmp_path / "x" / "unknown_terms.csv")
    assert [row["term"] for row in unknown] == ["snowman sign"]
    assert int(unknown[0]["times"]) >= 5


@pytest.mark.slow
def test_the_draft_is_a_graph_that_diff_reads(server: ModelServer, corpus: Path, tmp_path: Path) -> None:
    report = extract(server, corpus, tmp_path / "x", "--limit", 400)
    shipped = Path(__file__).parents[2] / "graphs" / "thoracic.yaml"

    told = graph_run("diff", shipped, tmp_path / "x" / "draft.yaml")

    new = [row for row in report["relations"] if row["status"] == "not in ours"]
    added = [line for line in told.splitlines() if line.startswith("+ relations")]
    removed = [line for line in told.splitlines() if line.startswith("- relations")]
    assert {line.split()[-1] for line in added} == {f"{row['disease']}>{row['feature']}" for row in new}
    assert removed
    assert not any("nrm_" in line for line in removed)
    draft = read_graph_file(tmp_path / "x" / "draft.yaml")
    assert draft.concepts == GRAPH.file.concepts


@pytest.mark.slow
def test_the_same_command_again_asks_nothing_and_says_the_same(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    first = extract(server, corpus, tmp_path / "x", "--limit", 100)
    again = extract(server, corpus, tmp_path / "x", "--limit", 100)

    assert len(server.requests) == 5
    assert (again["answers_kept_before"], again["answers_paid_for"]) == (5, 0)
    assert first["relations"] == again["relations"]


@pytest.mark.slow
def test_a_bad_day_of_the_server_changes_nothing_but_the_number_of_requests(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    good = extract(server, corpus, tmp_path / "good", "--limit", 100, "--batch", 10)
    asked = len(server.requests)
    server.misbehave = ["429", "500", "cut off", "prose", "503", "", "cut off"]

    bad = extract(server, corpus, tmp_path / "bad", "--limit", 100, "--batch", 10)

    def counted(report: dict[str, Any]) -> list[tuple[object, ...]]:
        # The model's map is per batch, and there are more batches after a cut.
        return [(row["disease"], row["feature"], row["cases"]) for row in report["relations"]]

    assert sorted(counted(bad)) == sorted(counted(good))
    assert (bad["cases"], bad["studies_unreadable"]) == (100, 0)
    assert len(server.requests) - asked == 10 + 3 + 2 * 3


@pytest.mark.slow
def test_halves_of_a_cut_batch_are_not_asked_again_either(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    server.misbehave = ["cut off"]
    extract(server, corpus, tmp_path / "x", "--limit", 40)
    asked = len(server.requests)

    extract(server, corpus, tmp_path / "x", "--limit", 40)

    assert asked == len(server.requests) == 4


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with_and_only_what_is_missing_is_asked(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    server.delay_seconds = 0.15
    out = tmp_path / "x"
    words = f"graph extract --corpus demo:{corpus} --limit 200 --batch 5 --concurrency 2 --model m --json"
    command = [sys.executable, "-m", "ccf_pipeline.cli", *words.split(), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--base-url", server.base_url], stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    while len(server.requests) < 12 and process.poll() is None:
        time.sleep(0.02)
    process.kill()
    process.wait()
    asked_before = len(server.requests)
    server.delay_seconds = 0

    report = extract(server, corpus, out, "--limit", 200, "--batch", 5)

    assert 12 <= asked_before < 40
    assert report["answers_kept_before"] + report["answers_paid_for"] == 40
    assert report["answers_kept_before"] >= asked_before - 4
    assert len(set(server.texts())) == 40
    assert report["cases"] == 200


def test_a_model_that_never_holds_to_the_form_is_given_up(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    server.answer = lambda message: "Certainly!"

    with pytest.raises(ExpertError, match="asked 20 times"):
        extract(server, corpus, tmp_path / "x", "--limit", 2000, "--batch", 4)

    assert len(server.requests) <= 20 + 8


def test_a_public_address_is_refused_and_nothing_is_made(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(EndpointRefused, match="not this machine"):
        graph_run(
            "extract", "--corpus", f"mimic:{corpus}", "--base-url", "https://api.openai.com/v1",
            "--model", "m", "--out", tmp_path / "x",
        )  # fmt: skip

    assert not (tmp_path / "x").exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="folders are closed to others on POSIX systems")
def test_the_answers_are_closed_to_others(server: ModelServer, corpus: Path, tmp_path: Path) -> None:
    extract(server, corpus, tmp_path / "x", "--limit", 20)

    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o700


def test_a_summary_tells_how_the_extraction_stands_to_the_graph(
    server: ModelServer, corpus: Path, tmp_path: Path
) -> None:
    shown = graph_run(
        "extract", "--corpus", f"demo:{corpus}", "--base-url", server.base_url,
        "--model", "m", "--out", tmp_path / "x", "--limit", 200,
    )  # fmt: skip

    assert (
        "200 cases of 200 studies, 0 unreadable, 0 left out by the model; 10 answers asked for"
        in " ".join(shown.split())
    )
    assert "not in ours" in shown
    assert "unknown terms" in shown
