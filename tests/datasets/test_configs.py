"""Every config has the rows, columns and images that its reader expects, and accounts for those it lacks."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.datasets.formats import shipped_exports
from ccf_pipeline.datasets.formats.select import BY_CHOICE, NO_MIRROR
from ccf_pipeline.datasets.write import WrittenDataset
from ccf_pipeline.engine.build_folder import BuildFolder
from tests.paired_build import corpus_of, rows_of, shards_of, written

SWIFT_PAIRS = ("cpo_thinking", "cpo_mirror", "cpo_perception", "cpo_mixed", "cpo_unmirrored")
ONE_TEXT_EACH = ("cpo_thinking", "cpo_mirror", "cpo_unmirrored")


@pytest.fixture(scope="module")
def whole(build: BuildFolder, tmp_path_factory: pytest.TempPathFactory) -> WrittenDataset:
    configs = [export.config for export in shipped_exports()]
    return written(build, tmp_path_factory.mktemp("whole"), *configs, even=False)


def left_out(data: WrittenDataset, config: str) -> dict[str, int]:
    (one,) = [one for one in data.configs if one.config == config]
    return {entry.reason: entry.count for entry in one.left_out}


def test_every_pair_is_in_a_config_or_left_out_with_a_reason(whole: WrittenDataset) -> None:
    rows_a_pair = {"ccf": 1, "cpo_perception": 1, "trl_dpo": 2, "llamafactory": 2} | dict.fromkeys(
        ONE_TEXT_EACH, 1
    )
    for config, each in rows_a_pair.items():
        pairs = len(rows_of(whole, config)) / each
        assert pairs + sum(left_out(whole, config).values()) == whole.tally.accepted
    assert len(rows_of(whole, "rejected")) == whole.tally.rejected


def test_rows_are_joined_with_their_records_by_id(whole: WrittenDataset) -> None:
    known = {row["record_id"] for row in rows_of(whole, "ccf")}

    for config in ("sft", "trl_dpo", "llamafactory", *SWIFT_PAIRS):
        rows = rows_of(whole, config)
        told = {row["record_id"] for row in rows if "record_id" in row}
        assert told <= known
        assert bool(told) == (config != "cpo_mixed")


def test_a_study_is_one_row_where_its_counterfactuals_stand_together(
    whole: WrittenDataset, build: BuildFolder
) -> None:
    studies = {record.study_id for record in build.accepted_records(shards_of(build))}

    for config in ("sft", "cf_vlm"):
        apart = sum(count for reason, count in left_out(whole, config).items() if ":" not in reason)
        assert len(rows_of(whole, config)) + apart == len(studies)


def test_readers_of_paths_are_given_nothing_that_they_cannot_open(
    whole: WrittenDataset, build: BuildFolder, tmp_path: Path
) -> None:
    rows = rows_of(whole, "cf_vlm")
    paths = [
        row["orig_input"].removeprefix("CXR Yes: <|vision_start|>")[: -len("<|vision_end|>")] for row in rows
    ]
    paths += [sample["cf_image_path"] for row in rows for sample in row["cf_samples"]]
    scripts = written(build, tmp_path, "cpo_scripts", kind="json")
    objects = [
        one
        for file in (scripts.folder / "data" / "cpo_scripts").glob("*.json")
        for one in json.loads(file.read_text("utf-8"))
    ]

    assert rows
    assert objects
    assert left_out(whole, "cf_vlm")["image is DICOM"] > 0
    for path in paths:
        Image.open(corpus_of(build) / path).verify()
    for one in objects:
        assert list(corpus_of(build).rglob(f"{one['dicom_id']}.jpg"))


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


def test_a_mirror_is_its_pair_turned_round_over_the_other_film(
    whole: WrittenDataset, build: BuildFolder
) -> None:
    pairs, mirrors = rows_of(whole, "cpo_thinking"), rows_of(whole, "cpo_mirror")

    assert pairs
    for pair, mirror in zip(pairs, mirrors, strict=True):
        assert mirror["messages"] == pair["rejected_messages"]
        assert mirror["rejected_messages"] == pair["messages"]
        assert mirror["images"] == mirror["rejected_images"]
        assert mirror["images"][0]["path"] != pair["images"][0]["path"]


def test_pairs_without_a_mirror_have_a_config_of_their_own(whole: WrittenDataset) -> None:
    apart = {row["rejected_messages"][1]["content"] for row in rows_of(whole, "cpo_unmirrored")}
    mixed = {row["rejected_messages"][1]["content"] for row in rows_of(whole, "cpo_thinking")}

    assert apart
    assert apart.isdisjoint(mixed)
    assert left_out(whole, "cpo_thinking")[NO_MIRROR] == len(rows_of(whole, "cpo_unmirrored"))


def test_a_perception_pair_has_one_text_and_two_images(whole: WrittenDataset) -> None:
    rows = rows_of(whole, "cpo_perception")

    assert rows
    for row in rows:
        assert row["messages"] == row["rejected_messages"]
        assert row["images"][0]["path"] != row["rejected_images"][0]["path"]


def test_the_mixed_config_says_which_stream_a_row_is_of(
    whole: WrittenDataset, build: BuildFolder, tmp_path: Path
) -> None:
    data = written(build, tmp_path, "cpo_mixed", even=False, perception_weight=0.5)

    found = Counter((row["cpo_source"], row["cpo_sample_weight"]) for row in rows_of(data, "cpo_mixed"))

    pairs = len(rows_of(whole, "cpo_thinking"))
    perception = found.pop(("perception", 0.5))
    assert 0 < perception <= pairs
    assert found == {("thinking", 1.0): pairs, ("mirror", 1.0): pairs}


def test_every_package_is_given_the_same_words(whole: WrittenDataset) -> None:
    def words(config: str, *places: Any) -> list[str]:
        def look(row: Any) -> str:
            for place in places:
                row = row[place]
            return str(row["content"])

        return [look(row) for row in rows_of(whole, config)]

    def in_turns(own: list[str], mirrored: list[str]) -> list[str]:
        return [text for pair in zip(own, mirrored, strict=True) for text in pair]

    chosen = in_turns(words("cpo_thinking", "messages", 1), words("cpo_mirror", "messages", 1))
    assert chosen == words("trl_dpo", "chosen", 0) == words("llamafactory", "chosen")
    rejected = in_turns(
        words("cpo_thinking", "rejected_messages", 1), words("cpo_mirror", "rejected_messages", 1)
    )
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
    data = written(build, tmp_path, "cpo_thinking", images="paths", even=False)

    rows = rows_of(data, "cpo_thinking")

    assert rows
    for row in rows:
        (image,) = row["images"]
        assert image["bytes"] is None
        assert (corpus_of(build) / image["path"]).is_file()


@pytest.mark.slow
def test_an_image_that_changed_is_left_out_and_takes_the_mirror_with_it(
    build: BuildFolder, tmp_path: Path
) -> None:
    record = next(r for r in build.accepted_records(1) if r.image_path)
    path = corpus_of(build) / str(record.image_path)
    content = path.read_bytes()
    path.write_bytes(content + b"\0")
    try:
        data = written(build, tmp_path, even=False)
    finally:
        path.write_bytes(content)

    assert left_out(data, "trl_dpo")["image changed since it was bound"] >= 1
    shown = [
        image["path"] for config in SWIFT_PAIRS for row in rows_of(data, config) for image in row["images"]
    ]
    assert f"{record.image_id}.jpg" not in shown
    chosen = Counter(row["chosen"][0]["content"] for row in rows_of(data, "trl_dpo"))
    assert chosen == Counter(row["rejected"][0]["content"] for row in rows_of(data, "trl_dpo"))


@pytest.mark.slow
def test_k_rejected_per_chosen_keeps_k_and_counts_the_rest(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path, "ccf", "cpo_thinking", "trl_dpo", rejected_per_chosen=1, even=False)

    chosen = Counter(row["messages"][1]["content"] for row in rows_of(data, "cpo_thinking"))
    assert set(chosen.values()) == {1}
    assert left_out(data, "cpo_thinking")[BY_CHOICE] > 0
    assert len(rows_of(data, "ccf")) == data.tally.accepted
    assert len(rows_of(data, "trl_dpo")) == 2 * len(rows_of(data, "cpo_thinking"))
