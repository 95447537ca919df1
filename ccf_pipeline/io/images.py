"""The image a row is trained on: a JPEG as it is, or a DICOM by the recipe of MIMIC-CXR-JPG."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ccf_pipeline.errors import UnreadableInput

JPEG_QUALITY = 95


def training_image(path: Path) -> bytes:
    """JPEG bytes of an image file; a JPEG's own bytes are not touched."""
    try:
        if path.suffix.lower() != ".dcm":
            return path.read_bytes()
        return _jpeg(_grey_levels(path))
    except (OSError, ValueError, AttributeError, NotImplementedError) as error:
        raise UnreadableInput(
            f"{path}: not an image that can be read ({error.__class__.__name__})"
        ) from error


def _grey_levels(path: Path) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Scale to 0–255 by minimum and maximum, bone white, then equalise the histogram."""
    import pydicom

    dataset = pydicom.dcmread(path)
    pixels = dataset.pixel_array.astype(np.float64)
    pixels -= pixels.min()
    if pixels.max() > 0:
        pixels /= pixels.max()
    levels = (pixels * 255).astype(np.uint8)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        levels = 255 - levels
    return _equalised(levels)


def _equalised(
    levels: np.ndarray[tuple[int, int], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    counts = np.bincount(levels.ravel(), minlength=256)
    lowest = int(np.argmax(counts > 0))
    rest = levels.size - int(counts[lowest])
    if rest == 0:
        return levels
    above = np.cumsum(counts) - counts[lowest]
    table = np.clip(np.rint(above * (255.0 / rest)), 0, 255).astype(np.uint8)
    return np.asarray(table[levels], dtype=np.uint8)


def _jpeg(levels: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(levels).save(buffer, format="JPEG", quality=JPEG_QUALITY)
    return buffer.getvalue()
