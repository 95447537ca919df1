"""DICOM becomes training images: the reference recipe to the bit, hostile files refused in bounded memory."""

from __future__ import annotations

import ctypes
import hashlib
import io
import resource
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)
from typer.testing import CliRunner

from ccf_pipeline.cli.app import app
from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.corpora.dicom import ImageRefused, equalised, read_grey_levels
from ccf_pipeline.corpora.image_hashes import with_bound_images
from ccf_pipeline.corpora.images import convert_images, jpeg, resized, training_image
from ccf_pipeline.errors import BuildConflict, UnreadableInput
from ccf_pipeline.files.arrow import read_nouns
from ccf_pipeline.files.child_process import Refusal, run_isolated
from ccf_pipeline.records import PlannedStudy, Skipped, Study, TrainingImage
from ccf_pipeline.settings import CorpusSettings
from tests.corpora.conftest import Tree

PATIENT, STUDY = 10000032, 50414267
SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


def film(bits: int = 12, size: tuple[int, int] = (40, 30), seed: int = 0) -> np.ndarray[Any, Any]:
    """Dark on the left, bright on the right, with some noise."""
    ramp = np.linspace(0, 2**bits - 1, size[1])[None, :].repeat(size[0], 0)
    noise = np.random.default_rng(seed).normal(0, 2**bits / 50, size)
    return np.clip(ramp + noise, 0, 2**bits - 1).astype(np.uint8 if bits <= 8 else np.uint16)


def write_dicom(path: Path, pixels: np.ndarray[Any, Any], bits: int = 12, **tags: Any) -> Path:
    """A radiograph with any tags one wants to lie about."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = "2.25.1"
    meta.TransferSyntaxUID = syntax = tags.pop("syntax", ExplicitVRLittleEndian)
    dataset = FileDataset(str(path), {}, file_meta=meta, preamble=tags.pop("preamble", bytes(128)))
    dataset.SOPClassUID, dataset.SOPInstanceUID = ComputedRadiographyImageStorage, "2.25.1"
    dataset.Modality, dataset.PhotometricInterpretation = "CR", "MONOCHROME2"
    dataset.SamplesPerPixel, (dataset.Rows, dataset.Columns) = 1, pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8 * pixels.itemsize, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype(
        pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<")
    ).tobytes()
    dataset["PixelData"].VR = "OW"
    for name, value in tags.items():
        if value is None:
            delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    if syntax == ExplicitVRBigEndian:
        dataset.set_original_encoding(False, False)
    dataset.save_as(path, enforce_file_format=True)
    return path


def reference(pixels: np.ndarray[Any, Any], is_inverted: bool) -> np.ndarray[Any, Any]:
    """The recipe of MIMIC-CXR-JPG, word for word, with OpenCV's equalizeHist as its C++ is written."""
    image = pixels - pixels.min()
    levels = ((image / image.max()) * 255).astype(np.uint8)
    if is_inverted:
        levels = 255 - levels
    histogram = [0] * 256
    for value in levels.ravel().tolist():
        histogram[value] += 1
    first = next(value for value in range(256) if histogram[value])
    scale = np.float32(np.float32(255.0) / np.float32(levels.size - histogram[first]))
    table, total = [0] * 256, 0
    for value in range(first + 1, 256):
        total += histogram[value]
        table[value] = min(255, round(float(np.float32(total) * scale)))
    return np.array(table, dtype=np.uint8)[levels]


# --- the recipes ----------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_the_mimic_recipe_is_the_reference_to_the_bit(bits: int, photometric: str, tmp_path: Path) -> None:
    for seed in range(5):
        pixels = film(bits, (61 + seed, 47), seed)
        path = write_dicom(tmp_path / "a.dcm", pixels, bits, PhotometricInterpretation=photometric)

        levels = read_grey_levels(path)

        np.testing.assert_array_equal(levels, reference(pixels, photometric == "MONOCHROME1"))


def test_equalising_rounds_as_opencv_does() -> None:
    # What cv2.equalizeHist 5.0 gives; 6,000 random images were compared with it the same way.
    levels = np.array([[0, 0, 1, 2], [2, 2, 3, 9], [9, 9, 9, 255]], dtype=np.uint8)

    assert equalised(levels).tolist() == [[0, 0, 26, 102], [102, 102, 128, 230], [230, 230, 230, 255]]


@pytest.mark.parametrize("recipe", ["mimic-jpg", "voi"])
@pytest.mark.parametrize("is_inverted", [False, True])
def test_bone_is_white_and_air_is_dark(recipe: Any, is_inverted: bool, tmp_path: Path) -> None:
    pixels = film()
    stored = 4095 - pixels if is_inverted else pixels
    photometric = "MONOCHROME1" if is_inverted else "MONOCHROME2"
    path = write_dicom(tmp_path / "a.dcm", stored, PhotometricInterpretation=photometric)

    levels = read_grey_levels(path, recipe)

    assert levels[:, :5].mean() < 60
    assert levels[:, -5:].mean() > 195


@pytest.mark.parametrize(
    "tags", [{"PresentationLUTShape": "INVERSE"}, {"RescaleSlope": "-1", "RescaleIntercept": "4095"}]
)
def test_polarity_that_hangs_on_a_table_is_read_by_voi_and_refused_by_mimic(
    tags: dict[str, str], tmp_path: Path
) -> None:
    path = write_dicom(tmp_path / "a.dcm", 4095 - film(), **tags)

    levels = read_grey_levels(path, "voi")

    assert levels[:, :5].mean() < levels[:, -5:].mean()
    with pytest.raises(ImageRefused, match="polarity_beyond_recipe"):
        read_grey_levels(path)


def test_signed_pixels_are_read(tmp_path: Path) -> None:
    pixels = (film().astype(np.int32) - 2048).astype(np.int16)
    path = write_dicom(tmp_path / "a.dcm", pixels, 16, PixelRepresentation=1)

    np.testing.assert_array_equal(read_grey_levels(path), reference(pixels.astype(np.int32), False))


def test_padding_is_black_and_does_not_count(tmp_path: Path) -> None:
    pixels = film() // 2 + 100
    pixels[:, :3] = 4095
    path = write_dicom(tmp_path / "a.dcm", pixels, PixelPaddingValue=4095)

    levels = read_grey_levels(path, "voi")

    assert levels[:, :3].max() == 0
    assert levels[:, 3:].max() == 255


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_every_native_syntax_gives_the_same_pixels(syntax: Any, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", film(), syntax=syntax)

    np.testing.assert_array_equal(read_grey_levels(path), reference(film(), False))


def test_run_length_gives_the_same_pixels(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", film())
    dataset = pydicom.dcmread(path)
    dataset.compress(RLELossless)
    dataset.save_as(tmp_path / "rle.dcm")

    np.testing.assert_array_equal(read_grey_levels(tmp_path / "rle.dcm"), reference(film(), False))


@pytest.mark.parametrize(
    "name", ["JPEG2000.dcm", "MR_small_jp2klossless.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPGExtended.dcm"]
)
def test_a_decoder_that_is_missing_is_named_with_its_extra(name: str, tmp_path: Path) -> None:
    dataset = pydicom.dcmread(str(get_testdata_file(name)))
    dataset.Modality = "CR"
    dataset.save_as(tmp_path / "a.dcm")

    try:
        levels = read_grey_levels(tmp_path / "a.dcm")
    except ImageRefused as refused:
        assert refused.reason == "decoder_missing"  # noqa: PT017
        assert "[dicom]" in refused.detail  # noqa: PT017
    else:
        assert levels.shape == (dataset.Rows, dataset.Columns)


def test_a_real_chest_film_reads_the_same_compressed_and_not(tmp_path: Path) -> None:
    pytest.importorskip("data_store", reason="pydicom-data is not installed")
    pytest.importorskip("openjpeg", reason="pylibjpeg-openjpeg is not installed")
    plain, packed = (str(get_testdata_file(f"RG1_{kind}.dcm")) for kind in ("UNCR", "J2KR"))

    np.testing.assert_array_equal(read_grey_levels(Path(plain)), read_grey_levels(Path(packed)))


def test_resizing_makes_smaller_and_never_larger() -> None:
    image = Image.fromarray(np.zeros((400, 300), np.uint8))

    assert resized(image, 150).shape == (200, 150)
    assert resized(image, 500).shape == (400, 300)


def test_nothing_of_a_header_goes_into_the_image(tmp_path: Path) -> None:
    names = [f"Zebulon{n}^Quartermain" for n in range(50)]
    for name in names:
        tags = {
            "PatientName": name,
            "PatientID": name,
            "StudyDate": "20010203",
            "preamble": b"MZ" + bytes(126),
        }
        content = training_image(write_dicom(tmp_path / "a.dcm", film(), **tags))

        assert name.encode() not in content
        assert b"20010203" not in content
        assert not content.startswith(b"MZ")


# --- hostile and odd files --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({"PixelData": None}, "no_pixels"),
        ({"Rows": 0}, "no_pixels"),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"NumberOfFrames": "1000000000"}, "not_one_grey_frame"),
        ({"BitsStored": 17}, "bits"),
        ({"BitsAllocated": 32}, "bits"),
        ({"Rows": 4000, "Columns": 4000}, "truncated"),
        ({"Modality": "CT"}, "not_a_radiograph"),
        ({"Modality": None}, "not_a_radiograph"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "not_one_grey_frame"),
        ({"PhotometricInterpretation": "RGB"}, "not_one_grey_frame"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "not_one_grey_frame"),
        ({"BurnedInAnnotation": "YES"}, "burned_in_annotation"),
    ],
)
def test_what_is_no_single_grey_radiograph_is_refused_from_its_header(
    tags: dict[str, Any], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_dicom(tmp_path / "a.dcm", film(), **tags)
    monkeypatch.setattr(FileDataset, "pixel_array", property(lambda self: pytest.fail("it was decoded")))

    with pytest.raises(ImageRefused) as refused:
        read_grey_levels(path)
    assert refused.value.reason == reason


@pytest.mark.parametrize("recipe", ["mimic-jpg", "voi"])
def test_a_constant_image_is_refused_without_a_division(recipe: Any, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", np.full((8, 8), 7, np.uint16))

    with pytest.raises(ImageRefused, match="constant_image"):
        read_grey_levels(path, recipe)


@pytest.mark.parametrize(
    ("spoil", "reasons"),
    [
        (lambda raw: b"", {"empty_file"}),
        (lambda raw: raw[:100], {"not_dicom"}),
        (lambda raw: raw[132:], {"not_dicom"}),
        (lambda raw: raw[:400], {"not_dicom", "no_pixels", "not_a_radiograph", "bits"}),
        (lambda raw: raw[:-500], {"lying_length"}),
        (lambda raw: b"\x1f\x8b" + zlib.compress(raw), {"not_dicom"}),
        (lambda raw: bytes(5000), {"not_dicom"}),
        (lambda raw: raw.replace(b"\xe0\x7f\x10\x00OW\0\0" + (2400).to_bytes(4, "little"),
                                 b"\xe0\x7f\x10\x00OW\0\0\xf0\xff\xff\xff"), {"lying_length"}),
        (lambda raw: raw.replace(b"\xe0\x7f\x10\x00OW\0\0" + (2400).to_bytes(4, "little"),
                                 b"\xe0\x7f\x10\x00OW\0\0\xff\xff\xff\xff"), {"lying_length"}),
    ],
    ids=range(9),
)  # fmt: skip
def test_a_file_that_is_cut_or_lies_is_refused(spoil: Any, reasons: set[str], tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "a.dcm", film())
    path.write_bytes(spoil(path.read_bytes()))

    with pytest.raises(ImageRefused) as refused:
        read_grey_levels(path)
    assert refused.value.reason in reasons
    with pytest.raises(UnreadableInput):
        training_image(path)


def test_every_cut_of_a_file_is_refused_and_none_crashes(tmp_path: Path) -> None:
    raw = write_dicom(tmp_path / "a.dcm", film(size=(9, 9))).read_bytes()
    for length in range(0, len(raw) - 1, 7):
        (tmp_path / "cut.dcm").write_bytes(raw[:length])
        with pytest.raises(ImageRefused):
            read_grey_levels(tmp_path / "cut.dcm")


def deflated_bomb(path: Path) -> Path:
    """Half a megabyte that inflates to half a gigabyte."""
    raw = write_dicom(path, film(), syntax=DeflatedExplicitVRLittleEndian).read_bytes()
    head = raw[: 132 + 12 + pydicom.dcmread(path).file_meta.FileMetaInformationGroupLength]
    packer = zlib.compressobj(wbits=-15)
    zeros = bytes(1 << 20)
    path.write_bytes(head + b"".join(packer.compress(zeros) for _ in range(512)) + packer.flush())
    return path


def test_a_deflate_bomb_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = deflated_bomb(tmp_path / "a.dcm")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(ImageRefused, match="too_large"):
        read_grey_levels(path)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize(
    ("name", "reason"),
    [("CT_small.dcm", "not_a_radiograph"), ("SC_rgb_rle.dcm", "not_a_radiograph"),
     ("rtplan.dcm", "not_a_radiograph"), ("examples_palette.dcm", "not_a_radiograph"),
     ("waveform_ecg.dcm", "not_a_radiograph"), ("no_meta.dcm", "transfer_syntax")],
)  # fmt: skip
def test_pydicoms_own_odd_files_are_refused(name: str, reason: str) -> None:
    with pytest.raises(ImageRefused) as refused:
        read_grey_levels(Path(str(get_testdata_file(name))))
    assert refused.value.reason in (reason, "not_dicom")


def test_pydicom_is_new_enough_and_no_file_set_is_ever_opened() -> None:
    sources = (Path(__file__).parents[2] / "ccf_pipeline").rglob("*.py")

    assert tuple(int(part) for part in pydicom.__version__.split(".")[:3]) >= (3, 0, 2)
    texts = {path.name: path.read_text(encoding="utf-8").lower() for path in sources}
    words_of_croissant = '"fileset": "cr:fileset"'
    assert [name for name, text in texts.items() if "fileset" in text.replace(words_of_croissant, "")] == []


# --- processes that may be lost ---------------------------------------------------------------


def answer(job: str) -> str:
    if job == "crash":
        ctypes.string_at(0)
    if job == "hang":
        time.sleep(600)
    if job == "gorge":
        return str(len(bytearray(2 << 30)))
    if job == "refuse":
        raise ImageRefused("constant_image", "grey")
    return job.upper()


@pytest.mark.slow
def test_a_process_that_crashes_hangs_or_gorges_costs_only_its_own_row() -> None:
    jobs = ["a", "crash", "b", "hang", "c", "gorge", "d", "refuse", "e", "crash", "f"]

    outcomes = run_isolated(answer, jobs, workers=2, timeout_seconds=8, memory_bytes=1 << 30)
    by_number = {number: outcome for number, _, outcome in outcomes}

    told = [o.reason if isinstance(o, Refusal) else o for _, o in sorted(by_number.items())]
    assert told == [
        "A", "crashed", "B", "timeout", "C", "out_of_memory", "D", "constant_image", "E", "crashed", "F"
    ]  # fmt: skip


# --- a whole corpus ---------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "mimic").mkdir()
    tree = Tree(tmp_path / "mimic")
    rows = []
    for number in range(6):
        tree.report(PATIENT + number, STUDY + number)
        rows.append((f"image{number}", PATIENT + number, STUDY + number, "PA"))
    tree.metadata(*rows)
    write_dicom(tree.image(PATIENT, STUDY, "image0.dcm"), film(seed=0, size=(80, 60)))
    write_dicom(tree.image(PATIENT + 1, STUDY + 1, "image1.dcm"), film(seed=1))
    tree.image(PATIENT + 2, STUDY + 2, "image2.jpg", jpeg(reference(film(seed=2), False)))
    write_dicom(tree.image(PATIENT + 3, STUDY + 3, "image3.dcm"), np.full((8, 8), 3, np.uint16))
    tree.image(PATIENT + 4, STUDY + 4, "image4.jpg", b"no image")
    return tree


def test_every_study_has_its_own_image_or_a_reason(tree: Tree, tmp_path: Path) -> None:
    corpus, out = CorpusSettings(kind="mimic", path=tree.folder), tmp_path / "out"

    summary = convert_images(corpus, out)

    assert (summary.studies, summary.converted, summary.as_they_were) == (6, 2, 1)
    assert [(r.reason, r.count) for r in summary.refused] == [("constant_image", 1), ("not_an_image", 1)]
    assert [(r.reason, r.count) for r in summary.without_image] == [("image_not_on_disk", 1)]
    images = {image.study_id: image for image in read_nouns(out / "images.parquet", TrainingImage)}
    for number, image in images.items():
        content = (out / image.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == image.sha256
        assert f"s{number}/" in image.path
    first = images[str(STUDY)]
    assert (out / first.path).read_bytes() == jpeg(reference(film(seed=0, size=(80, 60)), False))
    kept = images[str(STUDY + 2)]
    assert (kept.recipe, kept.sha256) == ("as it was", kept.source_sha256)
    quarantine = list(read_nouns(out / "quarantine.parquet", Skipped))
    assert [entry.study_id for entry in quarantine] == [str(STUDY + 3), str(STUDY + 4)]

    built_with = CorpusSettings(kind="mimic", path=tree.folder, images=out)
    studies = [study for study in read_corpus(built_with) if isinstance(study, Study)]
    bound = {study.study_id: study.image.sha256 for study in studies if study.image}
    assert bound == {study_id: image.sha256 for study_id, image in images.items()}


def test_a_build_leaves_out_an_image_that_is_not_the_one_that_was_made(tree: Tree, tmp_path: Path) -> None:
    convert_images(CorpusSettings(kind="mimic", path=tree.folder), tmp_path / "out")
    corpus = CorpusSettings(kind="mimic", path=tree.folder, images=tmp_path / "out")
    study = next(study for study in read_corpus(corpus) if isinstance(study, Study) and study.image)
    planned = PlannedStudy(study=study, plans=())
    assert study.image is not None
    path = tmp_path / "out" / study.image.path

    whole = with_bound_images(planned, tmp_path / "out")
    neighbour = path.parents[3] / f"p10/p{PATIENT + 1}/s{STUDY + 1}/image1.jpg"
    path.unlink()
    path.write_bytes(neighbour.read_bytes())
    exchanged = with_bound_images(planned, tmp_path / "out")
    path.unlink()
    gone = with_bound_images(planned, tmp_path / "out")

    assert whole.study.image == study.image
    assert (exchanged.study.image, gone.study.image) == (None, None)


@pytest.mark.slow
def test_the_number_of_processes_does_not_change_a_byte(tree: Tree, tmp_path: Path) -> None:
    corpus = CorpusSettings(kind="mimic", path=tree.folder)
    for out, workers in (("one", 1), ("three", 3)):
        convert_images(corpus, tmp_path / out, workers=workers, resize=32)

    one, three = (
        {p.relative_to(tmp_path / out): p.read_bytes() for p in (tmp_path / out).rglob("*") if p.is_file()}
        for out in ("one", "three")
    )
    assert one == three


def test_a_folder_holds_images_of_one_recipe(tree: Tree, tmp_path: Path) -> None:
    corpus = CorpusSettings(kind="mimic", path=tree.folder, limit=1)
    convert_images(corpus, tmp_path / "out")

    with pytest.raises(BuildConflict, match="holds images made with"):
        convert_images(corpus, tmp_path / "out", recipe="voi")


def test_the_command_tells_what_became_of_the_images(tree: Tree, tmp_path: Path) -> None:
    arguments = [
        "images",
        "--corpus",
        f"mimic:{tree.folder}",
        "--out",
        str(tmp_path / "out"),
        "--resize",
        "32",
    ]

    told = CliRunner().invoke(app, [*arguments, "--workers", "1"], catch_exceptions=False).output

    assert "converted      3" in told
    assert "constant_image 1" in told
    with Image.open(io.BytesIO(next((tmp_path / "out").rglob("image0.jpg")).read_bytes())) as image:
        assert image.size == (32, 43)
