"""What every check shares: the folder, what must be found there, and images compared by bytes and pixels."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections import Counter
from pathlib import Path

FOLDER = Path(sys.argv[1]).resolve()
DATASET = FOLDER / "dataset"
EXPECTED = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
SPLITS = ("train", "validation", "test")
SEEN = Counter()


def files(config, split):
    return [str(path) for path in sorted((DATASET / "data" / config).glob(f"{split}-*.parquet"))]


def same_bytes(image, name):
    assert hashlib.sha256(image["bytes"]).hexdigest() == name, "an image's bytes differ"
    SEEN["images byte for byte"] += 1


def same_pixels(image, name):
    """Compare a decoded image, or undecoded bytes, with the corpus's own file."""
    from PIL import Image

    if isinstance(image, dict):
        image = Image.open(io.BytesIO(image["bytes"]))
    own = Image.open(FOLDER / "images" / name)
    assert image.size == own.size, "an image's size differs"
    assert image.convert("RGB").tobytes() == own.convert("RGB").tobytes(), "an image's pixels differ"
    SEEN["images pixel for pixel"] += 1


def content(messages):
    return messages[-1]["content"]


def tags(messages):
    count = "".join(message["content"] for message in messages).count("<image>")
    SEEN["tags"] += count
    return count


def found(what):
    print(f"   {what}")


def tell_seen():
    """What was compared on the way, each time it was."""
    found("compared: " + ", ".join(f"{count} {what}" for what, count in sorted(SEEN.items())))
