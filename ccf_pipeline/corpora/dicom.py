"""A DICOM radiograph as grey levels: its header is checked before a pixel is decoded.

There are two recipes. `mimic-jpg` is that of MIMIC-CXR-JPG to the bit, for parity with what others trained
on. `voi` applies modality and VOI tables and suits a hospital's own files. Polarity is never guessed.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from ccf_pipeline.files.child_process import JobRefused
from ccf_pipeline.files.hostile import open_file
from ccf_pipeline.files.installed import install_command

Recipe = Literal["mimic-jpg", "voi"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
Grey = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

MOST_PIXELS = 64_000_000
"""A large detector has 4,280 × 3,520; a scanned film rarely more than thrice that."""
MOST_BYTES = 512 << 20
RADIOGRAPHS = frozenset({"CR", "DX", "RG"})
MONOCHROME = frozenset({"MONOCHROME1", "MONOCHROME2"})
IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)
NATIVE = frozenset({IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN})
ENCAPSULATED = frozenset(
    {
        "1.2.840.10008.1.2.5",  # RLE
        *(f"1.2.840.10008.1.2.4.{end}" for end in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
    }
)
UNDEFINED_LENGTH = 0xFFFFFFFF
_HEADER = 1 << 20


class ImageRefused(JobRefused):
    """An image that cannot become a training image."""

    hint = "The image is left out and counted; look at the file if there are many of its kind."


def read_grey_levels(path: Path, recipe: Recipe = "mimic-jpg") -> Grey:
    """Decode a radiograph: air dark, bone bright."""
    import pydicom

    check_header(path)
    try:
        dataset = pydicom.dcmread(path)
        if "PixelData" not in dataset:
            raise ImageRefused("no_pixels", "no pixel data that can be read")
        pixels = _decode_pixels(dataset)
        if pixels.ndim != 2:
            raise ImageRefused("not_one_grey_frame", f"{pixels.ndim} dimensions")
        if pixels.min() == pixels.max():
            raise ImageRefused("constant_image", "every pixel has the same value")
        return mimic_levels(dataset, pixels) if recipe == "mimic-jpg" else voi_levels(dataset, pixels)
    except MemoryError as error:
        raise ImageRefused("out_of_memory") from error
    except malformed() as error:
        raise ImageRefused("undecodable", error.__class__.__name__) from error


def _decode_pixels(dataset: Any) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(dataset.pixel_array)
    except (NotImplementedError, RuntimeError) as error:
        raise _make_decoding_refusal(dataset.file_meta.TransferSyntaxUID, error) from error


def malformed() -> tuple[type[Exception], ...]:
    """Return what pydicom raises on bytes that are no DICOM, or not all of it."""
    from pydicom.errors import BytesLengthException

    return (
        ValueError, AttributeError, KeyError, IndexError, TypeError, OSError, EOFError, NotImplementedError,
        RecursionError, struct.error, zlib.error, BytesLengthException,
    )  # fmt: skip


# --- the recipes ----------------------------------------------------------------------------


def mimic_levels(dataset: Any, pixels: np.ndarray[Any, Any]) -> Grey:
    """Subtract the minimum, divide by the maximum, times 255 cut to bytes; invert MONOCHROME1; equalise.

    It looks at no table, slope or presentation state, so a file whose polarity hangs on one is refused.
    """
    if float(dataset.get("RescaleSlope", 1) or 1) < 0 or (
        dataset.PhotometricInterpretation == "MONOCHROME2" and _is_shown_inverted(dataset)
    ):
        raise ImageRefused("polarity_beyond_recipe", "the recipe `voi` reads it")
    lowest, highest = int(pixels.min()), int(pixels.max())
    steps = np.arange(highest - lowest + 1, dtype=np.float64) / (highest - lowest)
    # A table of all values gives the same bytes as the division of every pixel, several times faster.
    table = (steps * 255).astype(np.uint8)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        table = 255 - table
    levels = table[pixels.astype(np.int64) - lowest]
    return equalised(levels)


def voi_levels(dataset: Any, pixels: np.ndarray[Any, Any]) -> Grey:
    """Modality table, then VOI table or window, then polarity, then the full range; padding is black."""
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    padding = _find_padding(dataset, pixels)
    shown = apply_voi_lut(apply_modality_lut(pixels, dataset), dataset).astype(np.float64)
    # The inside alone sets the range: padding lies far below the darkest pixel and would turn it all white.
    inside = shown[~padding] if padding.any() else shown
    if inside.size == 0 or inside.min() == inside.max():
        raise ImageRefused("constant_image", "nothing is left within the window")
    scaled = np.clip((shown - inside.min()) / (inside.max() - inside.min()), 0, 1)
    if dataset.PhotometricInterpretation == "MONOCHROME1" or _is_shown_inverted(dataset):
        scaled = 1 - scaled
    scaled[padding] = 0
    return np.asarray(np.rint(scaled * 255), dtype=np.uint8)


def equalised(levels: Grey) -> Grey:
    """OpenCV's equalizeHist, to the bit: it scales in single precision and rounds half to even."""
    counts = np.bincount(levels.ravel(), minlength=256)
    lowest = int(np.argmax(counts > 0))
    rest = levels.size - int(counts[lowest])
    if rest == 0:
        return levels
    scale = np.float32(255) / np.float32(rest)
    above = (np.cumsum(counts) - counts[lowest]).astype(np.float32)
    table = np.clip(np.rint(above * scale), 0, 255).astype(np.uint8)
    table[: lowest + 1] = 0
    return np.asarray(table[levels], dtype=np.uint8)


def _is_shown_inverted(dataset: Any) -> bool:
    return str(dataset.get("PresentationLUTShape", "")).upper() == "INVERSE"


def _find_padding(dataset: Any, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(pixels.shape, dtype=bool)
    other = dataset.get("PixelPaddingRangeLimit", value)
    low, high = sorted((int(value), int(other)))
    return (pixels >= low) & (pixels <= high)


# --- before a pixel is decoded ----------------------------------------------------------------


def check_header(path: Path) -> None:
    """Refuse what is no single grey radiograph of a sane size, before memory is asked for it."""
    import pydicom
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    try:
        size = path.stat().st_size
    except OSError as error:
        raise ImageRefused("unreadable_image", error.strerror or "") from error
    if size == 0:
        raise ImageRefused("empty_file")
    if size > MOST_BYTES:
        raise ImageRefused("too_large", f"{size} bytes")
    try:
        # Nothing is decoded here: the header and the size of the file decide, so that a file of a few bytes
        # cannot ask for gigabytes.
        syntax = str(read_file_meta_info(path).get("TransferSyntaxUID", ""))
        if syntax not in NATIVE | ENCAPSULATED:
            raise ImageRefused("transfer_syntax", syntax or "not given")
        if syntax == DEFLATED:
            _refuse_bomb(path)
        with open_file(path) as file:
            header = pydicom.dcmread(file, stop_before_pixels=True)
            at = file.tell()
        _refuse_other_kinds(header)
        if syntax != DEFLATED:
            _refuse_lying_length(path, at, size, syntax, header)
    except InvalidDicomError as error:
        raise ImageRefused("not_dicom") from error
    except MemoryError as error:
        raise ImageRefused("out_of_memory") from error
    except malformed() as error:
        raise ImageRefused("not_dicom", error.__class__.__name__) from error


def _refuse_other_kinds(header: Any) -> None:
    try:
        rows, columns = int(header.get("Rows") or 0), int(header.get("Columns") or 0)
        frames, samples = int(header.get("NumberOfFrames") or 1), int(header.get("SamplesPerPixel") or 1)
        allocated, stored = int(header.get("BitsAllocated") or 0), int(header.get("BitsStored") or 0)
    except (TypeError, ValueError) as error:
        raise ImageRefused("not_dicom", "sizes that are no numbers") from error
    if str(header.get("Modality", "")) not in RADIOGRAPHS:
        raise ImageRefused("not_a_radiograph", f"modality {str(header.get('Modality', 'not given'))[:16]}")
    if rows < 1 or columns < 1:
        raise ImageRefused("no_pixels", f"{rows} rows, {columns} columns")
    if frames != 1 or samples != 1 or str(header.get("PhotometricInterpretation", "")) not in MONOCHROME:
        raise ImageRefused("not_one_grey_frame", f"{frames} frames, {samples} samples")
    if rows * columns > MOST_PIXELS:
        raise ImageRefused("too_large", f"{rows} × {columns} pixels")
    if allocated not in (8, 16) or not 1 <= stored <= allocated:
        raise ImageRefused("bits", f"{stored} of {allocated} bits")
    if str(header.get("BurnedInAnnotation", "")).upper() == "YES":
        raise ImageRefused("burned_in_annotation", "text in the image may name the patient")


def _refuse_lying_length(path: Path, at: int, size: int, syntax: str, header: Any) -> None:
    """Compare the length that the pixel element declares with what is there and what the image needs."""
    order: Literal["big", "little"] = "big" if syntax == BIG_ENDIAN else "little"
    with open_file(path) as file:
        file.seek(at)
        head = file.read(12)
    group, element = (int.from_bytes(head[i : i + 2], order) for i in (0, 2))
    if (group, element) != (0x7FE0, 0x0010):
        raise ImageRefused("no_pixels", "no pixel data that can be read")
    # An explicit element has two bytes for its type and two that are reserved before its length.
    width = 8 if syntax == IMPLICIT else 12
    length = int.from_bytes(head[width - 4 : width], order)
    # Compressed data has no length that the image could be held against; the decoder is watched instead.
    if syntax in ENCAPSULATED:
        return
    needed = int(header.Rows) * int(header.Columns) * int(header.BitsAllocated) // 8
    if length == UNDEFINED_LENGTH or length > size - at - width:
        raise ImageRefused("lying_length", "declares more pixel data than the file holds")
    if length < needed:
        raise ImageRefused("truncated", f"{length} of {needed} bytes of pixels")


def _refuse_bomb(path: Path) -> None:
    """Inflate a deflated file without keeping it; a radiograph does not fill more than its pixels need."""
    from pydicom.filereader import _read_file_meta_info as read_meta
    from pydicom.filereader import read_preamble

    unpacker, total = zlib.decompressobj(wbits=-15), 0
    with open_file(path) as file:
        read_preamble(file, force=False)
        read_meta(file)
        while piece := file.read(1 << 16):
            while piece and not unpacker.eof:
                total += len(unpacker.decompress(piece, 1 << 20))
                piece = unpacker.unconsumed_tail
                if total > 2 * MOST_PIXELS + _HEADER:
                    raise ImageRefused("too_large", "a deflated file that does not stop")


def _make_decoding_refusal(syntax: Any, error: Exception) -> ImageRefused:
    name = getattr(syntax, "name", str(syntax))
    if "missing" in str(error) or "plugin" in str(error) or "decoder" in str(error):
        return ImageRefused("decoder_missing", f"{name}: {install_command('dicom')}")
    return ImageRefused("undecodable", error.__class__.__name__)
