"""The data set folder opens in `datasets` as it is, and both sides of a pair wear the same wrapper."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.records import BuildSummary
from ccf_pipeline.settings import BuildSettings, CorpusSettings

CONFIGS = ("ccf", "cpo_thinking", "trl_dpo", "rejected")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildSummary]:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_corpus(folder / "corpus", studies=60, seed=11)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    return folder / "build", walk.build(BuildSettings(out=folder / "build", corpus=corpus))


@pytest.fixture(autouse=True)
def private_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def load(built: tuple[Path, BuildSummary], config: str, tmp_path: Path) -> dict[str, list[dict[str, object]]]:
    import datasets

    loaded = datasets.load_dataset(str(built[0] / "dataset"), config, cache_dir=str(tmp_path))
    return {split: list(rows) for split, rows in loaded.items()}


@pytest.mark.parametrize("config", CONFIGS)
def test_every_config_loads_with_all_its_rows(
    built: tuple[Path, BuildSummary], config: str, tmp_path: Path
) -> None:
    expected = next(entry.rows for entry in built[1].configs if entry.config == config)
    if expected == 0:
        pytest.skip(f"this build has no rows in {config}")

    splits = load(built, config, tmp_path)

    assert sum(len(rows) for rows in splits.values()) == expected


def test_the_default_config_is_the_whole_record(built: tuple[Path, BuildSummary], tmp_path: Path) -> None:
    import datasets

    loaded = datasets.load_dataset(str(built[0] / "dataset"), cache_dir=str(tmp_path))

    assert {"target", "factual_text", "counterfactual_text", "graph_digest"} <= set(
        loaded["train"].column_names
    )


def test_both_sides_wear_the_same_wrapper(built: tuple[Path, BuildSummary], tmp_path: Path) -> None:
    wrapper = re.compile(r"^<think> .+ </think> The disease of this patient is [A-Z][A-Za-z, ]+\.$")

    rows = [row for part in load(built, "cpo_thinking", tmp_path).values() for row in part]

    assert rows
    for row in rows:
        for side in ("messages", "rejected_messages"):
            question, answer = row[side]  # type: ignore[misc]
            assert question["content"].count("<image>") == 1
            assert wrapper.match(answer["content"])
        assert row["messages"] != row["rejected_messages"]
        assert row["images"] == row["rejected_images"]


def test_images_decode_for_trl(built: tuple[Path, BuildSummary], tmp_path: Path) -> None:
    row = load(built, "trl_dpo", tmp_path)["train"][0]

    (image,) = row["images"]  # type: ignore[misc]
    assert image.size[0] > 50
    assert "<image>" not in row["prompt"][0]["content"]  # type: ignore[index]


def test_the_card_tells_where_every_row_went(built: tuple[Path, BuildSummary]) -> None:
    out, summary = built

    card = (out / "dataset" / "README.md").read_text(encoding="utf-8")

    assert f"| accepted | {summary.accepted} |" in card
    assert "no patient is behind them" in card
    backed = r"0 reviewed, \d+ cited, \d+ derived, \d+ mined, \d+ taught"
    assert re.search(rf"bear on these rows \| \d{{3}}: {backed} \|", card)
