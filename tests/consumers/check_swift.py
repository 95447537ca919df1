"""ms-swift: its loader, strict, over files, folder and stream; its own template inputs and image loader."""

from __future__ import annotations

import importlib.metadata
import json
import os

from finding import DATASET, EXPECTED, FOLDER, content, files, found, same_bytes, same_pixels, tags, tell_seen

try:
    from swift.dataset import load_dataset
    from swift.template.template_inputs import TemplateInputs
    from swift.template.vision_utils import load_image
except ImportError:
    from swift.llm import load_dataset
    from swift.llm.template.template_inputs import TemplateInputs
    from swift.llm.template.vision_utils import load_image

VERSION = importlib.metadata.version("ms-swift")
found(f"ms-swift {VERSION}")


def load(names, streaming=False, **more):
    rows, _ = load_dataset(
        names, strict=True, streaming=streaming, load_from_cache_file=False, use_hf=True, **more
    )
    return list(rows)


def loaded(image):
    """The image as the package's templates come by it."""
    return load_image((image["bytes"] or image["path"]) if isinstance(image, dict) else image)


def check_pair(row, pair, config):
    inputs = TemplateInputs.from_dict(dict(row))
    for side, name in (("chosen", pair["image"]), ("rejected", pair["other"])):
        one = getattr(inputs, side)
        assert tags(one.messages) == len(one.images) == 1, f"{config}: tags and images differ in number"
        assert content(one.messages) == pair[side], f"{config}: the words differ"
        same_bytes(one.images[0], name)
        same_pixels(loaded(one.images[0]), name)


def check_rows(rows, pairs, config):
    assert len(rows) == len(pairs), f"{config}: {len(rows)} rows, not {len(pairs)}"
    for row, pair in zip(rows, pairs, strict=True):
        check_pair(row, pair, config)


for split in ("train", "validation", "test"):
    for streaming in (False, True):
        rows = load(files("cpo_thinking", split), streaming)
        check_rows(rows, EXPECTED["pairs"][split], f"cpo_thinking {split}")
    rows = load(files("cpo_mirror", split))
    check_rows(rows, EXPECTED["mirror"][split], f"cpo_mirror {split}")
    rows = load(files("cpo_perception", split))
    check_rows(rows, EXPECTED["perception"][split], f"cpo_perception {split}")
found(f"cpo_thinking: {EXPECTED['rows']['cpo_thinking']} rows, files and stream")
found(f"cpo_mirror: {EXPECTED['rows']['cpo_mirror']} rows")
found(f"cpo_perception: {EXPECTED['rows']['cpo_perception']} rows")

counted = sum(len(load(files("sft", split))) for split in ("train", "validation", "test"))
assert counted == EXPECTED["rows"]["sft"], f"sft: {counted} rows"
found(f"sft: {counted} rows")

mixed = [
    row for split in ("train", "validation", "test")
    for row in load(files("cpo_mixed", split), remove_unused_columns=False)
]  # fmt: skip
assert len(mixed) == EXPECTED["rows"]["cpo_mixed"]
sources = [row["cpo_source"] for row in mixed]
assert sources.count("thinking") == EXPECTED["rows"]["cpo_thinking"]
assert sources.count("mirror") == EXPECTED["rows"]["cpo_mirror"]
assert 0 < sources.count("perception") <= EXPECTED["rows"]["cpo_perception"]
found(f"cpo_mixed: {len(mixed)} rows, source and weight kept with remove_unused_columns=False")

if not VERSION.startswith("3."):
    rows = load([f"{DATASET}:cpo_thinking"])
    assert len(rows) == len(EXPECTED["pairs"]["train"])
    found("cpo_thinking by the folder and the config's name: the training rows")

# Images by path: the rows of a JSON export, with the images' folder named by ROOT_IMAGE_DIR.
pair = EXPECTED["pairs"]["train"][0]
image = [{"bytes": None, "path": f"images/{pair['image']}"}]
side = [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "a"}]
other = [side[0], {"role": "assistant", "content": "b"}]
named = FOLDER / "named.jsonl"
row = {"messages": side, "images": image, "rejected_messages": other, "rejected_images": image}
named.write_text(json.dumps(row) + "\n", encoding="utf-8")
os.environ["ROOT_IMAGE_DIR"] = str(FOLDER)
(row,) = load([str(named)])
inputs = TemplateInputs.from_dict(dict(row))
same_pixels(loaded(inputs.chosen.images[0]), pair["image"])
found("images by path below ROOT_IMAGE_DIR")
tell_seen()
