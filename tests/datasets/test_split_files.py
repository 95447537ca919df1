"""Rows become files of a size, all of one schema, named when they are whole; a cell is never a formula."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.datasets import split_files
from ccf_pipeline.datasets.split_files import SplitFiles, csv_cell
from ccf_pipeline.errors import StorageError

SCHEMA = pa.schema([("text", pa.string()), ("images", pa.list_(pa.binary())), ("note", pa.string())])


def rows(count: int, image: bytes = b"x" * 4000) -> list[dict[str, object]]:
    # A column that is empty in the first file and filled in the last must not change its type.
    return [
        {"text": str(i), "images": [image], "note": "late" if i > count // 2 else None} for i in range(count)
    ]


def test_files_are_cut_by_size_and_say_how_many_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(split_files, "FILE_BYTES", 50_000)
    monkeypatch.setattr(split_files, "GROUP_BYTES", 20_000)
    files = SplitFiles(tmp_path, "train", SCHEMA)

    for row in rows(30):
        files.add(row)
    sealed = files.seal()

    assert [path.name for path in sealed] == [f"train-{n:05}-of-00003.parquet" for n in range(3)]
    assert [row["text"] for path in sealed for row in pq.read_table(path).to_pylist()] == [
        str(i) for i in range(30)
    ]
    assert len({pq.read_schema(path) for path in sealed}) == 1
    assert all(pq.read_metadata(path).num_row_groups > 1 for path in sealed)


def test_an_image_that_several_rows_show_is_stored_once(tmp_path: Path) -> None:
    import os

    image, sizes = os.urandom(3_000_000), []
    for count in (1, 4):
        files = SplitFiles(tmp_path / str(count), "train", SCHEMA)
        for row in rows(count, image):
            files.add(row)
        sizes.append(files.seal()[0].stat().st_size)

    assert sizes[1] < sizes[0] * 1.1


def test_nothing_stands_before_it_is_whole(tmp_path: Path) -> None:
    files = SplitFiles(tmp_path, "train", SCHEMA)
    files.add(rows(1)[0])

    assert [path.suffix for path in tmp_path.iterdir()] == [".tmp"]
    files.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_as_the_disks_refusal(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file in the way")

    with pytest.raises(StorageError):
        SplitFiles(tmp_path / "data" / "ccf", "train", SCHEMA).add(rows(1)[0])


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", '=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"]
)
def test_a_cell_cannot_be_a_formula(tmp_path: Path, text: str) -> None:
    files = SplitFiles(tmp_path, "train", SCHEMA, "csv")
    files.add({"text": text, "images": [], "note": None})
    (path,) = files.seal()

    with path.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert row["text"] == f"'{text}"
    assert row["images"] == "[]"


@given(st.text())
def test_a_cell_is_its_text_but_for_an_apostrophe(text: str) -> None:
    assert csv_cell(text) in (text, f"'{text}")
    assert not str(csv_cell(text)).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_json_is_one_list_and_jsonl_a_line_each(tmp_path: Path, count: int) -> None:
    said = [{"text": "é\n", "images": [], "note": None}] * count
    for kind in ("json", "jsonl"):
        files = SplitFiles(tmp_path, "train", SCHEMA, kind)  # type: ignore[arg-type]
        for row in said:
            files.add(row)
        files.seal()

    if count:
        assert json.loads((tmp_path / "train-00000-of-00001.json").read_text("utf-8")) == said
        lines = (tmp_path / "train-00000-of-00001.jsonl").read_text("utf-8").split("\n")
        assert [json.loads(line) for line in lines if line] == said
    else:
        assert list(tmp_path.iterdir()) == []
