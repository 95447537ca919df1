"""LLaMA-Factory: dataset_info.json, its loader, its converter and its image reader."""

from __future__ import annotations

import importlib.machinery
import importlib.metadata
import sys
import types

# Speech is not read here, and its package does not load beside a CPU torch.
speech = types.ModuleType("torchaudio")
speech.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = speech

from finding import DATASET, EXPECTED, content, found, same_pixels, tags, tell_seen  # noqa: E402
from llamafactory.data.loader import _load_single_dataset  # noqa: E402
from llamafactory.data.parser import get_dataset_list  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402

found(f"llamafactory {importlib.metadata.version('llamafactory')}")


class Training:
    """What the loader asks of the training arguments."""

    local_process_index = 0
    should_log = False


def load(name):
    data = DataArguments(dataset=name, dataset_dir=str(DATASET), overwrite_cache=True)
    (entry,) = get_dataset_list([name], str(DATASET))
    return _load_single_dataset(entry, ModelArguments(model_name_or_path="none"), data, Training())


for split in ("train", "validation", "test"):
    name = "ccf_dpo" if split == "train" else f"ccf_dpo_{split}"
    rows, pairs = list(load(name)), EXPECTED["mix"][split]
    assert len(rows) == len(pairs), f"{name}: {len(rows)} rows, not {len(pairs)}"
    for row, pair in zip(rows, pairs, strict=True):
        assert [turn["role"] for turn in row["_prompt"]] == ["user"]
        assert tags(row["_prompt"]) == len(row["_images"]) == 1
        chosen, rejected = row["_response"]
        assert (chosen["content"], rejected["content"]) == (pair["chosen"], pair["rejected"])
        same_pixels(row["_images"][0], pair["image"])
found(f"ccf_dpo: {EXPECTED['rows']['llamafactory']} rows, no split mixed with another")

count = 0
for split in ("train", "validation", "test"):
    for row in load("ccf_sft" if split == "train" else f"ccf_sft_{split}"):
        assert tags(row["_prompt"]) == len(row["_images"]) == 1
        assert content(row["_response"]).startswith("<think> ")
        count += 1
assert count == EXPECTED["rows"]["sft"], f"ccf_sft: {count} rows"
found(f"ccf_sft: {count} rows")
tell_seen()
