"""No cell of a table that we write is run by the program that opens it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from ccf_pipeline.files.spreadsheets import plain_cell, read_cell, write_csv


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "plain", "", "'quoted"]
)
def test_a_formula_stays_text_and_comes_back(text: str) -> None:
    assert not plain_cell(text).startswith(("=", "+", "-", "@", "\t", "\r", "＝"))
    assert read_cell(plain_cell(text)) == text


def test_a_table_is_its_owners_alone(tmp_path: Path) -> None:
    write_csv(tmp_path / "t.csv", ("a", "b"), [{"a": "=1", "b": -1}, {"a": "\ud800"}])

    assert (tmp_path / "t.csv").stat().st_mode & 0o777 == 0o600
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["a", "b"], ["'=1", "-1"], ["?", ""]]
