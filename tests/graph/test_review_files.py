"""A radiologist's decisions, on their way into the graph file and nowhere else."""

import csv
from pathlib import Path

import pytest

from ccf_pipeline.errors import GraphError, MissingInput, UnreadableInput
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.graph.review import SheetRow, make_sheet, read_decisions
from ccf_pipeline.graph.review_files import read_sheet, stamp_reviews, write_sheet

SMALL_PATH = Path(__file__).parent / "small.yaml"
EFFUSION = "nrm_no_effusion>fnd_pleural_effusion"
SIGN = "fnd_pneumothorax>att_pleural_line"


def sheet(**decisions: str) -> tuple[SheetRow, ...]:
    named = {"effusion": EFFUSION, "sign": SIGN}
    given = {named[name]: decision for name, decision in decisions.items()}
    rows = make_sheet(load_graph(SMALL_PATH))
    return tuple(row.model_copy(update={"decision": given.get(row.relation, "")}) for row in rows)


def test_a_sheet_lists_what_nobody_reviewed_and_common_teaching_first() -> None:
    rows = sheet()

    states = [row.review for row in rows]
    assert states == sorted(states, reverse=True)
    assert set(states) == {"taught", "cited"}
    row = next(row for row in rows if row.relation == EFFUSION)
    assert (
        row.statement == "No pleural effusion — cannot stand beside — Pleural Effusion (in the same region)"
    )
    assert row.when == "denied without qualification"


def test_a_sheet_survives_the_way_through_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    rows = sheet(sign="agree")

    write_sheet(rows, path)

    assert read_sheet(path) == rows


def test_semicolons_between_cells_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    rows = sheet(sign="agree")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(SheetRow.model_fields), delimiter=";")
        writer.writeheader()
        writer.writerows(row.model_dump() for row in rows)

    assert read_sheet(path) == rows


def test_decisions_are_told_apart() -> None:
    decisions = read_decisions(load_graph(SMALL_PATH).file, sheet(effusion="Agree ", sign="change"))

    assert decisions.agreed == (EFFUSION,)
    assert [row.relation for row in decisions.objections] == [SIGN]


def test_a_relation_the_graph_does_not_have_is_refused() -> None:
    row = sheet(sign="agree")[0].model_copy(update={"relation": "a>b", "decision": "agree"})

    with pytest.raises(GraphError, match="row 2: `a>b` is not a relation of the graph"):
        read_decisions(load_graph(SMALL_PATH).file, [row])


def test_two_decisions_for_one_relation_are_refused() -> None:
    rows = sheet(sign="agree")

    with pytest.raises(GraphError, match="is decided twice"):
        read_decisions(load_graph(SMALL_PATH).file, [*rows, *rows])


def test_a_relation_that_changed_since_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_text(
        SMALL_PATH.read_text(encoding="utf-8").replace("The lung's edge., s", "An edge., s"), encoding="utf-8"
    )

    with pytest.raises(GraphError, match="has changed since the sheet was written"):
        read_decisions(load_graph(path).file, sheet(sign="agree"))


def test_a_word_that_is_no_decision_is_refused() -> None:
    with pytest.raises(GraphError, match="`perhaps` is no decision"):
        read_decisions(load_graph(SMALL_PATH).file, sheet(sign="perhaps"))


def test_a_stamp_changes_the_review_and_not_one_other_character(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    before = SMALL_PATH.read_text(encoding="utf-8")
    path.write_text(before, encoding="utf-8")
    state = "reviewed by Zoë O'Hara on 2026-03-01"

    stamp_reviews(path, {EFFUSION: state, SIGN: state})

    after = path.read_text(encoding="utf-8")
    assert after == before.replace("review: taught  # stays", f"review: {state}  # stays").replace(
        "The lung's edge., sources: [STD], review: taught",
        f"The lung's edge., sources: [STD], review: {state}",
    )
    assert load_graph(path).relations[SIGN].review == state


def test_line_ends_of_another_system_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    before = SMALL_PATH.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(before)

    stamp_reviews(path, {EFFUSION: "cited"})

    assert path.read_bytes() == before.replace(b"review: taught  # stays", b"review: cited  # stays")


def test_a_name_that_yaml_would_misread_is_quoted(tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    path.write_bytes(SMALL_PATH.read_bytes())
    state = "reviewed by A: B #1 {c} on 2026-03-01"

    stamp_reviews(path, {EFFUSION: state})

    assert load_graph(path).relations[EFFUSION].review == state


def test_a_missing_or_foreign_sheet_is_told(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("a,b\n1,2\n", encoding="utf-8")

    with pytest.raises(MissingInput, match="there is no such sheet"):
        read_sheet(tmp_path / "none.csv")
    with pytest.raises(UnreadableInput, match="not a review sheet"):
        read_sheet(foreign)
