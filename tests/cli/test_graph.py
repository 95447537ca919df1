"""ccf-build graph, as it is typed."""

import csv
import json
from pathlib import Path

import networkx
import pytest
from typer.testing import CliRunner, Result

from ccf_pipeline.cli.graph import graph_app
from ccf_pipeline.errors import GraphError, SettingsError

SMALL = Path(__file__).parents[1] / "graph" / "small.yaml"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(graph_app, [str(argument) for argument in arguments])


def graph_run(*arguments: object) -> str:
    outcome = run(*arguments)
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.stdout


# --- show -------------------------------------------------------------------------------


def test_a_card_shows_signs_exclusions_conditions_sources_and_review(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    card = graph_run("show", "pleural effusion", "--graph", SMALL)

    for words in (
        "Fluid in the pleural space.",
        "Blunted angle",
        "Fluid fills the angle.",
        "No pleural effusion",
        "small or more",
        "STD (taught",
        "STD: Standard teaching",
        "often seen with, never added because of it: Atelectasis",
    ):
        assert words in card


def test_a_card_tells_what_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")

    card = graph_run("show", "consolidation", "--graph", SMALL)

    assert "a kind of: Lung Opacity" in card
    assert "by inheritance also excludes: Clear lungs" in card


def test_a_misspelt_finding_is_answered_with_what_may_be_meant() -> None:
    with pytest.raises(GraphError) as refused:
        graph_run("show", "pnuemothorax", "--graph", SMALL)

    assert refused.value.hint == "Did you mean Pneumothorax (fnd_pneumothorax)?"


def test_every_finding_of_the_shipped_graph_has_a_card() -> None:
    for finding in ("Atelectasis", "No Finding", "Support Devices"):
        assert finding in graph_run("show", finding)


# --- lint -------------------------------------------------------------------------------


def test_lint_passes_a_sound_graph_and_counts_it() -> None:
    out = graph_run("lint", SMALL, "--stats")

    assert out.endswith("no faults\n")
    counted = dict(line.rsplit(maxsplit=1) for line in out.splitlines() if line.startswith("  "))
    assert counted["  finding"] == "14"
    assert counted["  exclusive"] == "10"
    assert counted["  reviewed"] == "1"


def test_lint_lists_every_fault_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    text = SMALL.read_text(encoding="utf-8")
    path.write_text(text.replace("sources: [FG24]", "sources: [FG]"), encoding="utf-8")

    outcome = run("lint", path)

    assert isinstance(outcome.exception, GraphError)
    lines = outcome.stdout.splitlines()
    assert len(lines) == text.count("sources: [FG24]")
    assert all(line.startswith(f"{path}:") and line.endswith("[unknown-source]") for line in lines)


# --- render, export, diff -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["graph.svg", "graph.png"])
def test_the_graph_is_drawn_whole_or_for_one_finding(tmp_path: Path, name: str) -> None:
    graph_run("render", "--graph", SMALL, "--out", tmp_path / name)
    graph_run("render", "pneumothorax", "--graph", SMALL, "--out", tmp_path / f"one-{name}")

    assert (tmp_path / name).stat().st_size > 5_000
    assert (tmp_path / f"one-{name}").stat().st_size > 5_000


def test_a_picture_in_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"not an \.svg or \.png file"):
        graph_run("render", "--graph", SMALL, "--out", tmp_path / "graph.gif")


def test_other_tools_read_the_exports(tmp_path: Path) -> None:
    for form in ("graphml", "node-link", "cytoscape", "csv"):
        graph_run("export", "--format", form, "--graph", SMALL, "--out", tmp_path / form)

    graphml = networkx.read_graphml(tmp_path / "graphml")
    assert graphml.nodes["fnd_edema"]["exact_forms"] == "CHF"
    node_link = networkx.node_link_graph(json.loads((tmp_path / "node-link").read_text()), edges="edges")
    assert node_link.number_of_edges() == graphml.number_of_edges()
    cytoscape = json.loads((tmp_path / "cytoscape").read_text())
    assert len(cytoscape["elements"]["nodes"]) == graphml.number_of_nodes()
    with (tmp_path / "csv" / "relations.csv").open(newline="") as file:
        rows = {(row["source"], row["target"]): row for row in csv.DictReader(file)}
    assert rows["att_deep_sulcus", "fnd_pneumothorax"]["when.views"] == "supine"


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such format"):
        graph_run("export", "--format", "dot", "--graph", SMALL, "--out", tmp_path / "x")


def test_a_difference_is_told_by_field_whatever_the_layout(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    text = SMALL.read_text(encoding="utf-8").replace("why: Less air.", "why: Less air in it.")
    text = text.replace(
        "  - {id: R01, level: warn, condition: always, message: Look twice., sources: [STD]}", ""
    )
    other.write_text("# another layout\n\n" + text.replace("rules:\n", ""), encoding="utf-8")

    assert graph_run("diff", SMALL, other) == (
        "~ relations fnd_atelectasis>att_volume_loss\n"
        "    why: Less air. → Less air in it.\n"
        "- rules R01\n"
        "2 differences\n"
    )


def test_a_graph_does_not_differ_from_itself() -> None:
    assert graph_run("diff", SMALL, SMALL) == "0 differences\n"


# --- review -------------------------------------------------------------------------------


def test_a_review_goes_out_as_a_sheet_and_comes_back_into_the_file(tmp_path: Path) -> None:
    path, sheet = tmp_path / "graph.yaml", tmp_path / "sheet.csv"
    path.write_bytes(SMALL.read_bytes())
    graph_run("review", "sheet", "--graph", path, "--out", sheet)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8-sig", newline="")))
    rows[0]["decision"] = "agree"
    rows[1].update(decision="change", comment="Only on a supine film.")
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    out = graph_run(
        "review", "apply", sheet, "--name", "Dr. B. Reader", "--date", "2026-05-04", "--graph", path
    )

    assert "1 relation reviewed by Dr. B. Reader on 2026-05-04" in out
    assert f"asked to change: {rows[1]['relation']}: Only on a supine film." in out
    assert path.read_text(encoding="utf-8").count("reviewed by Dr. B. Reader on 2026-05-04") == 1
    assert graph_run("lint", path).endswith("no faults\n")


def test_a_conflict_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path, sheet = tmp_path / "graph.yaml", tmp_path / "sheet.csv"
    path.write_bytes(SMALL.read_bytes())
    graph_run("review", "sheet", "--graph", path, "--out", sheet)
    rows = list(csv.DictReader(sheet.open(encoding="utf-8-sig", newline="")))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**rows[0], "decision": "agree"}, {**rows[0], "decision": "change"}])

    with pytest.raises(GraphError, match="decided twice"):
        graph_run("review", "apply", sheet, "--name", "B. Reader", "--date", "2026-05-04", "--graph", path)

    assert path.read_bytes() == SMALL.read_bytes()


@pytest.mark.parametrize("name", ["", "on", "A\nB on 2026-01-01\nreview: x"])
def test_a_name_is_kept_on_one_line_or_refused(tmp_path: Path, name: str) -> None:
    path, sheet = tmp_path / "graph.yaml", tmp_path / "sheet.csv"
    path.write_bytes(SMALL.read_bytes())
    graph_run("review", "sheet", "--graph", path, "--out", sheet)
    text = sheet.read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerow({**rows[0], "decision": "agree"})

    run("review", "apply", sheet, "--name", name, "--date", "2026-05-04", "--graph", path)

    assert graph_run("lint", path).endswith("no faults\n")
