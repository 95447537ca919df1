"""Every string of a file is found, wherever the format hides it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ccf_pipeline.files.arrow import write_parquet
from ccf_pipeline.sharing.strings import footer_texts, strings_of

HIDDEN = "hidden words"


@pytest.mark.parametrize(
    "column",
    [
        pa.array([HIDDEN]),
        pa.array([HIDDEN], pa.large_string()),
        pa.array([HIDDEN]).dictionary_encode(),
        pa.array([[HIDDEN]]),
        pa.array([None, [None, HIDDEN]]),
        pa.array([{"a": {"b": [HIDDEN]}}]),
        pa.array([[{"role": "user", "content": HIDDEN}]]),
        pa.array([[("key", HIDDEN)]], pa.map_(pa.string(), pa.string())),
        pa.array([[(HIDDEN, "value")]], pa.map_(pa.string(), pa.string())),
    ],
)
def test_strings_of_every_kind_of_column_are_found(tmp_path: Path, column: pa.Array) -> None:
    pq.write_table(pa.table({"it": column}), tmp_path / "a.parquet")

    assert HIDDEN in [text for _, text in strings_of(tmp_path / "a.parquet")]


def test_metadata_of_a_parquet_file_is_read(tmp_path: Path) -> None:
    schema = pa.schema([pa.field("it", pa.int64())], metadata={"note": HIDDEN})
    pq.write_table(pa.table({"it": [1]}, schema=schema), tmp_path / "a.parquet")

    assert HIDDEN in [text for _, text in strings_of(tmp_path / "a.parquet")]


def test_json_text_and_image_comments_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"x": [{HIDDEN: 1}]}))
    (tmp_path / "a.jsonl").write_text(json.dumps({"x": HIDDEN}) + "\n")
    (tmp_path / "a.md").write_text(f"# Title\n{HIDDEN}\n")
    comment = PngInfo()
    comment.add_text("Comment", HIDDEN)
    Image.new("L", (2, 2)).save(tmp_path / "a.png", pnginfo=comment)
    Image.new("L", (2, 2)).save(tmp_path / "a.jpg", comment=HIDDEN)

    for name in ("a.json", "a.jsonl", "a.md", "a.png", "a.jpg"):
        assert HIDDEN in [text for _, text in strings_of(tmp_path / name)], name


@pytest.mark.parametrize("name", ["a.parquet", "a.pkl", "a.arrow", "a.zip", "a.json"])
def test_what_cannot_be_read_is_an_error_and_no_silence(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80nothing")

    with pytest.raises(ValueError, match=r"."):
        list(strings_of(tmp_path / name))


def test_text_in_a_footer_is_named_by_its_column_and_ours_has_none(tmp_path: Path) -> None:
    table = pa.table({"report": [HIDDEN], "number": [1]})
    pq.write_table(table, tmp_path / "theirs.parquet")
    pq.write_table(table, tmp_path / "paged.parquet", write_statistics=True, write_page_index=True)
    write_parquet(tmp_path / "ours.parquet", table.to_pylist(), table.schema)

    assert list(footer_texts(tmp_path / "theirs.parquet")) == ["report"]
    assert list(footer_texts(tmp_path / "paged.parquet")) == ["report"]
    assert list(footer_texts(tmp_path / "ours.parquet")) == []
    assert HIDDEN.encode() not in (tmp_path / "ours.parquet").read_bytes()[-400:]
