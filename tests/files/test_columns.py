"""Tables from buffers are those that Arrow itself would make, without pandas."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.files.arrow import arrow_schema
from ccf_pipeline.files.columns import table_of_nouns, table_of_rows
from ccf_pipeline.records import FindingState, ImageRef, Sentence, Study

TEXT = pa.string()
PLACE = pa.struct(
    [pa.field("x", pa.int64(), nullable=False), ("names", pa.list_(TEXT)), ("sure", pa.bool_())]
)
SCHEMA = pa.schema(
    [
        pa.field("text", TEXT, nullable=False),
        ("image", pa.binary()),
        ("count", pa.int64()),
        ("score", pa.float64()),
        ("weight", pa.float32()),
        ("good", pa.bool_()),
        ("words", pa.list_(TEXT)),
        ("place", PLACE),
        ("places", pa.list_(PLACE)),
        ("nested", pa.struct([("place", PLACE), ("images", pa.list_(pa.struct([("bytes", pa.binary())])))])),
    ]
)
LETTERS = st.characters(exclude_categories=["Cs"])
WORDS = st.text(LETTERS, max_size=5)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
PLACES = st.fixed_dictionaries(
    {
        "x": INTEGERS,
        "names": st.none() | st.lists(st.none() | WORDS, max_size=3),
        "sure": st.none() | st.booleans(),
    }
)
IMAGES = st.lists(st.fixed_dictionaries({"bytes": st.none() | st.binary(max_size=4)}), max_size=2)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "text": WORDS,
            "image": st.none() | st.binary(max_size=5),
            "count": st.none() | INTEGERS,
            "score": st.none() | st.floats(allow_nan=False),
            "weight": st.none() | st.floats(allow_nan=False, width=32),
            "good": st.none() | st.booleans(),
            "words": st.none() | st.lists(WORDS, max_size=3),
            "place": st.none() | PLACES,
            "places": st.none() | st.lists(st.none() | PLACES, max_size=3),
            "nested": st.none() | st.fixed_dictionaries({"place": st.none() | PLACES, "images": IMAGES}),
        }
    ),
    max_size=20,
)


@given(ROWS)
def test_rows_make_the_table_that_arrow_makes_of_them(rows: list[dict[str, Any]]) -> None:
    table = table_of_rows(rows, SCHEMA)

    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist(rows, schema=SCHEMA), check_metadata=True)


@pytest.mark.slow
@given(
    st.lists(
        st.builds(
            Study,
            corpus=WORDS,
            study_id=WORDS,
            subject_id=WORDS,
            split=st.sampled_from(["train", "test"]),
            text=WORDS,
            sentences=st.lists(
                st.builds(
                    Sentence, number=st.just(1), section=WORDS, start=st.just(0), end=st.just(1), text=WORDS
                ),
                max_size=2,
            ).map(tuple),
            read_from=st.just("findings"),
            labels=st.just((FindingState(finding="fnd_edema", state="uncertain"),)),
            image=st.none() | st.builds(ImageRef, image_id=WORDS, path=WORDS),
            age=st.none() | st.integers(0, 99),
        ),
        max_size=5,
    )
)
def test_records_make_the_table_of_their_rows(studies: list[Study]) -> None:
    schema = arrow_schema(Study)

    table = table_of_nouns(studies, schema)

    table.validate(full=True)
    assert table.equals(pa.Table.from_pylist([study.model_dump() for study in studies], schema=schema))


def test_a_number_that_does_not_fit_its_column_is_an_error() -> None:
    with pytest.raises(OverflowError):
        table_of_rows([{"n": 2**63}], pa.schema([("n", pa.int64())]))


def test_a_row_without_one_of_the_columns_is_an_error() -> None:
    with pytest.raises(KeyError):
        table_of_rows([{}], pa.schema([("n", pa.int64())]))


def test_pandas_stays_out_of_memory_when_a_file_is_written_and_read() -> None:
    code = """
import sys, tempfile, pathlib
from ccf_pipeline.files.arrow import read_nouns, write_nouns
from ccf_pipeline.records import Skipped
path = pathlib.Path(tempfile.mkdtemp()) / "skipped.parquet"
write_nouns(path, [Skipped(study_id="1", reason="empty_report")], Skipped)
assert [one.study_id for one in read_nouns(path, Skipped)] == ["1"]
print("pandas" in sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"
