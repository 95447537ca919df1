"""Records survive Parquet unchanged, and a file is whole or absent."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.errors import StorageError
from ccf_pipeline.files.arrow import arrow_schema, read_nouns, write_nouns
from ccf_pipeline.records import FindingState, ImageRef, PlannedStudy, Sentence, Skipped, Study

WORDS = st.text(max_size=40)


def study(text: str, image: ImageRef | None) -> Study:
    return Study(
        corpus="demo",
        study_id="50000001",
        subject_id="10000001",
        split="train",
        text=text,
        sentences=(Sentence(number=1, section="findings", start=0, end=len(text), text=text),),
        read_from="findings",
        labels=(FindingState(finding="fnd_edema", state="uncertain"),),
        image=image,
    )


@pytest.mark.slow
@given(text=WORDS, path=st.none() | WORDS)
def test_a_record_comes_back_as_it_went(
    tmp_path_factory: pytest.TempPathFactory, text: str, path: str | None
) -> None:
    image = None if path is None else ImageRef(image_id="a", path=path)
    kept = [PlannedStudy(study=study(text, image), plans=())]
    file = tmp_path_factory.mktemp("arrow") / "kept.parquet"

    write_nouns(file, kept, PlannedStudy)

    assert list(read_nouns(file, PlannedStudy)) == kept


def test_an_optional_field_is_the_only_nullable_column() -> None:
    schema = arrow_schema(Study)

    nullable = [field.name for field in schema if field.nullable]

    assert nullable == ["label_source", "image", "image_missing", "age", "sex"]


def test_no_text_is_copied_into_the_footer(tmp_path: Path) -> None:
    file = tmp_path / "skipped.parquet"

    write_nouns(file, [Skipped(study_id="1", reason="empty_report")], Skipped)

    assert pq.read_metadata(file).row_group(0).column(0).statistics is None


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "skipped.parquet"
    write_nouns(file, [Skipped(study_id="1", reason="first")], Skipped)

    def breaking() -> object:
        yield Skipped(study_id="2", reason="second")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        write_nouns(file, breaking(), Skipped)  # type: ignore[arg-type]

    assert [row.reason for row in read_nouns(file, Skipped)] == ["first"]
    assert [path.name for path in tmp_path.iterdir()] == ["skipped.parquet"]


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "skipped.parquet"
    write_nouns(file, [Skipped(study_id="1", reason="first")], Skipped)
    file.write_bytes(file.read_bytes()[:-20])

    with pytest.raises(StorageError, match=r"skipped\.parquet"):
        list(read_nouns(file, Skipped))
