"""Configs for trainers that take one answer at a time: unpaired rows, and questions with a solution."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from ccf_pipeline.datasets.write import WrittenDataset
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.rewards import score_report
from tests.paired_build import rows_of, shards_of, written

CONFIGS = ("cpo_thinking", "cpo_mirror", "sft", "kto", "trl_kto", "grpo", "trl_grpo", "verl")


@pytest.fixture(scope="module")
def whole(build: BuildFolder, tmp_path_factory: pytest.TempPathFactory) -> WrittenDataset:
    return written(build, tmp_path_factory.mktemp("single"), *CONFIGS, even=False)


def test_every_text_is_right_as_often_as_it_is_wrong(whole: WrittenDataset) -> None:
    rows = rows_of(whole, "kto")
    told = {
        label: Counter(row["messages"][1]["content"] for row in rows if row["label"] is label)
        for label in (True, False)
    }

    assert told[True] == told[False]
    assert len(rows) == 4 * len(rows_of(whole, "cpo_thinking")) > 0


def test_unpaired_rows_say_what_the_pairs_say(whole: WrittenDataset) -> None:
    pairs = [row for config in ("cpo_thinking", "cpo_mirror") for row in rows_of(whole, config)]
    right = Counter((row["images"][0]["path"], row["messages"][1]["content"]) for row in pairs)
    wrong = Counter((row["images"][0]["path"], row["rejected_messages"][1]["content"]) for row in pairs)
    for config, place in (("kto", ("messages", 1)), ("trl_kto", ("completion", 0))):
        for label, expected in ((True, right), (False, wrong)):
            assert expected == Counter(
                (row["images"][0]["path"], row[place[0]][place[1]]["content"])
                for row in rows_of(whole, config)
                if row["label"] is label
            )


def test_a_film_s_solution_rewards_the_text_that_is_right_there(
    whole: WrittenDataset, build: BuildFolder
) -> None:
    solutions = {row["record_id"]: row["solution"] for row in rows_of(whole, "grpo")}
    records = {one.record_id: one for one in build.accepted_records(shards_of(build))}

    assert len(solutions) > len({one.study_id for one in records.values()}) / 2
    for row in rows_of(whole, "grpo"):
        record = records[row["record_id"]]
        is_own = row["images"][0]["path"].startswith(str(record.image_id))
        right, wrong = record.factual_text, record.counterfactual_text
        if not is_own:
            right, wrong = wrong, right
        assert score_report(right, row["solution"]).findings == 1.0
        assert score_report(wrong, row["solution"]).total < score_report(right, row["solution"]).total


def test_all_three_trainers_are_given_the_same_questions(whole: WrittenDataset) -> None:
    swift, trl, verl = (rows_of(whole, config) for config in ("grpo", "trl_grpo", "verl"))

    assert [row["solution"] for row in swift] == [row["solution"] for row in trl]
    assert [row["solution"] for row in swift] == [
        json.loads(row["reward_model"]["ground_truth"]) for row in verl
    ]
    assert {row["messages"][0]["content"].count("<image>") for row in swift} == {1}
    assert {row["prompt"][0]["content"].count("<image>") for row in trl} == {0}
    assert {row["prompt"][0]["content"].count("<image>") for row in verl} == {1}


@pytest.mark.slow
def test_datasets_loads_them(whole: WrittenDataset, tmp_path: Path) -> None:
    import datasets

    for config in ("trl_kto", "trl_grpo", "verl"):
        files = [str(path) for path in (whole.folder / "data" / config).glob("*.parquet")]
        rows = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path), split="train")
        assert len(rows) == len(rows_of(whole, config))
        assert rows[0]["images"]
