"""Images made small enough to sit in a page by the hundred."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image

from ccf_pipeline.corpora.images import training_image
from ccf_pipeline.errors import UnreadableInput

LONGER_SIDE = 120
QUALITY = 60


def bound_image(path: Path, sha256: str | None) -> bytes | None:
    """The training image a row is bound to; None where it has gone, changed or cannot be read."""
    try:
        if sha256 is None or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return None
        return training_image(path)
    except (OSError, UnreadableInput):
        return None


def thumbnail(path: Path, sha256: str | None) -> bytes | None:
    """A small grey JPEG of the image a row is bound to; None where it has gone, changed or cannot be read."""
    whole = bound_image(path, sha256)
    if whole is None:
        return None
    try:
        with Image.open(io.BytesIO(whole)) as image:
            image.draft("L", (2 * LONGER_SIDE, 2 * LONGER_SIDE))  # a JPEG is decoded small to begin with
            small = image.convert("L")
            small.thumbnail((LONGER_SIDE, LONGER_SIDE))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=QUALITY, optimize=True)
    return buffer.getvalue()
