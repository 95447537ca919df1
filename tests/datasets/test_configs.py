"""Every config has the rows, columns and images that its reader expects, and accounts for those it lacks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.datasets.formats import shipped_exports
from ccf_pipeline.datasets.formats.select import Selection, named_more
from ccf_pipeline.datasets.write import LEFT_BY_CHOICE, WrittenDataset
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.records import Record
from tests.paired_build import corpus_of, rows_of, shards_of, written

SWIFT_PAIRS = ("cpo_thinking", "cpo_perception", "cpo_mixed")


@pytest.fixture(scope="module")
def whole(build: BuildFolder, tmp_path_factory: pytest.TempPathFactory) -> WrittenDataset:
    configs = [export.config for export in shipped_exports()]
    return written(build, tmp_path_factory.mktemp("whole"), *configs)


def left_out(data: WrittenDataset, config: str) -> dict[str, int]:
    (one,) = [one for one in data.configs if one.config == config]
    return {entry.reason: entry.count for entry in one.left_out}


def test_every_pair_is_in_a_config_or_left_out_with_a_reason(whole: WrittenDataset) -> None:
    for config in ("ccf", "cpo_thinking", "cpo_perception", "trl_dpo", "llamafactory"):
        assert len(rows_of(whole, config)) + sum(left_out(whole, config).values()) == whole.tally.accepted
    assert len(rows_of(whole, "rejected")) == whole.tally.rejected


def test_a_study_is_one_row_where_its_counterfactuals_stand_together(
    whole: WrittenDataset, build: BuildFolder
) -> None:
    studies = {record.study_id for record in build.accepted_records(shards_of(build))}

    for config in ("sft", "cf_vlm"):
        assert len(rows_of(whole, config)) + sum(left_out(whole, config).values()) == len(studies)
    samples = sum(len(row["cf_samples"]) for row in rows_of(whole, "cf_vlm"))
    assert samples == len(rows_of(whole, "cpo_thinking"))


@pytest.mark.parametrize("config", SWIFT_PAIRS)
def test_there_are_as_many_tags_as_images_on_each_side(whole: WrittenDataset, config: str) -> None:
    rows = rows_of(whole, config)

    assert rows
    for row in rows:
        for side in ("", "rejected_"):
            said = "".join(turn["content"] for turn in row[f"{side}messages"])
            assert said.count("<image>") == len(row[f"{side}images"]) == 1
            assert [turn["role"] for turn in row[f"{side}messages"]] == ["user", "assistant"]


def test_a_thinking_pair_has_one_image_and_two_texts(whole: WrittenDataset) -> None:
    for row in rows_of(whole, "cpo_thinking"):
        assert row["images"] == row["rejected_images"]
        assert row["messages"][0] == row["rejected_messages"][0]
        assert row["messages"][1] != row["rejected_messages"][1]


def test_a_perception_pair_has_one_text_and_two_images(whole: WrittenDataset) -> None:
    rows = rows_of(whole, "cpo_perception")

    assert rows
    for row in rows:
        assert row["messages"] == row["rejected_messages"]
        assert row["images"][0]["path"] != row["rejected_images"][0]["path"]


def test_the_mixed_config_says_which_stream_a_row_is_of(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path, "cpo_mixed", "cpo_thinking", "cpo_perception", perception_weight=0.5)

    found = Counter((row["cpo_source"], row["cpo_sample_weight"]) for row in rows_of(data, "cpo_mixed"))

    assert found == {
        ("thinking", 1.0): len(rows_of(data, "cpo_thinking")),
        ("perception", 0.5): len(rows_of(data, "cpo_perception")),
    }


def test_every_package_is_given_the_same_words(whole: WrittenDataset) -> None:
    def words(config: str, *places: Any) -> list[str]:
        def look(row: Any) -> str:
            for place in places:
                row = row[place]
            return str(row["content"])

        return [look(row) for row in rows_of(whole, config)]

    chosen = words("cpo_thinking", "messages", 1)
    assert chosen == words("trl_dpo", "chosen", 0) == words("llamafactory", "chosen")
    rejected = words("cpo_thinking", "rejected_messages", 1)
    assert rejected == words("trl_dpo", "rejected", 0) == words("llamafactory", "rejected")


def test_trl_is_given_no_tag_and_the_others_one(whole: WrittenDataset) -> None:
    for row in rows_of(whole, "trl_dpo"):
        assert "<image>" not in row["prompt"][0]["content"]
    for row in rows_of(whole, "llamafactory"):
        assert [turn["role"] for turn in row["messages"]] == ["user"]
        assert row["messages"][0]["content"].count("<image>") == 1


def test_an_image_is_the_very_bytes_that_the_record_was_bound_to(
    whole: WrittenDataset, build: BuildFolder
) -> None:
    records = [record for record in build.accepted_records(shards_of(build)) if record.image_path]
    bound = {f"{one.image_id}.jpg": training_image(corpus_of(build) / str(one.image_path)) for one in records}

    for row in rows_of(whole, "cpo_perception"):
        for image in (*row["images"], *row["rejected_images"]):
            assert image["bytes"] == bound[image["path"]]


def test_images_may_be_named_instead(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path, "cpo_thinking", images="paths")

    rows = rows_of(data, "cpo_thinking")

    assert rows
    for row in rows:
        (image,) = row["images"]
        assert image["bytes"] is None
        assert (corpus_of(build) / image["path"]).is_file()


def test_an_image_that_changed_is_left_out_and_never_replaced(build: BuildFolder, tmp_path: Path) -> None:
    record = next(r for r in build.accepted_records(1) if r.image_path)
    path = corpus_of(build) / str(record.image_path)
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    try:
        data = written(build, tmp_path, "cpo_thinking", "cpo_perception")
    finally:
        path.write_bytes(content)

    assert left_out(data, "cpo_thinking")["image changed since it was bound"] >= 1
    shown = [image["path"] for row in rows_of(data, "cpo_perception") for image in row["rejected_images"]]
    assert f"{record.image_id}.jpg" not in shown


def test_k_rejected_per_chosen_keeps_k_and_counts_the_rest(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path, "ccf", "cpo_thinking", "trl_dpo", rejected_per_chosen=1)

    chosen = Counter(row["messages"][1]["content"] for row in rows_of(data, "cpo_thinking"))
    assert set(chosen.values()) == {1}
    assert left_out(data, "cpo_thinking")[LEFT_BY_CHOICE] > 0
    assert len(rows_of(data, "ccf")) == data.tally.accepted
    assert len(rows_of(data, "trl_dpo")) == len(rows_of(data, "cpo_thinking"))


def test_what_is_kept_evens_out_the_diseases_named(build: BuildFolder) -> None:
    """Each study may gain or lose a disease; taking the first would name far more on one side."""
    by_more: dict[int, Record] = {}
    for shard in range(shards_of(build)):
        for record in build.records_of(shard):
            by_more.setdefault(named_more(record), record)
    selection = Selection(1)

    kept = [record for _ in range(30) for record in selection.of([by_more[1], by_more[-1], by_more[0]])]

    assert len(kept) == 30
    assert sum(map(named_more, kept)) == 0
    unevenly = [record for _ in range(30) for record in selection.of([by_more[1], by_more[-1]])]
    assert abs(sum(map(named_more, unevenly))) <= 1
