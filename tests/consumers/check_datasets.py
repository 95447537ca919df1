"""`datasets`, map and streaming: every config and split, every row's words, every image's pixels."""

from __future__ import annotations

import tempfile

import datasets
from finding import DATASET, EXPECTED, SPLITS, content, files, found, same_bytes, same_pixels, tell_seen

found(f"datasets {datasets.__version__}")
with tempfile.TemporaryDirectory() as cache:
    for config, expected in EXPECTED["rows"].items():
        for streaming in (False, True):
            loaded = datasets.load_dataset(str(DATASET), config, cache_dir=cache, streaming=streaming)
            rows = {split: list(loaded[split]) for split in loaded}
            assert sum(map(len, rows.values())) == expected, f"{config}: rows are missing"
            assert set(rows) == {split for split in SPLITS if files(config, split)}
            for split in rows if config in ("cpo_thinking", "trl_dpo", "llamafactory") else ():
                told = EXPECTED["pairs" if config == "cpo_thinking" else "mix"]
                for row, pair in zip(rows[split], told[split], strict=True):
                    (image,) = row["images"]
                    if config == "trl_dpo":
                        assert content(row["chosen"]) == pair["chosen"]
                        assert content(row["rejected"]) == pair["rejected"]
                    elif config == "cpo_thinking":
                        assert content(row["messages"]) == pair["chosen"]
                        assert content(row["rejected_messages"]) == pair["rejected"]
                        same_bytes(image, pair["image"])
                        same_bytes(row["rejected_images"][0], pair["image"])
                    else:
                        assert row["chosen"]["content"] == pair["chosen"]
                    same_pixels(image, pair["image"])
        found(f"{config}: {expected} rows, map and streaming")
    default = datasets.load_dataset(str(DATASET), cache_dir=cache)
    assert "graph_digest" in default["train"].column_names
tell_seen()
