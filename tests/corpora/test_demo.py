"""The demo corpus: shaped like MIMIC-CXR, true to its figures, the same every time."""

from __future__ import annotations

import csv
import gzip
import hashlib
import itertools
import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ccf_pipeline.demo import (
    PLANTED_RELATIONS,
    DemoStudy,
    follows_from_planted,
    generate_studies,
    write_demo_corpus,
)
from ccf_pipeline.demo.images import draw_image
from ccf_pipeline.errors import SettingsError

LABELS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture",
    "Lung Lesion", "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia",
    "Pneumothorax", "Support Devices",
)  # fmt: skip

# Per cent positive, negative and uncertain of 227,827 MIMIC-CXR studies.
LABEL_MIX = {
    "Atelectasis": (20.11, 0.67, 4.53),
    "Cardiomegaly": (19.68, 6.98, 2.65),
    "Consolidation": (4.73, 3.50, 1.90),
    "Edema": (11.86, 11.25, 5.78),
    "Enlarged Cardiomediastinum": (3.15, 2.32, 4.11),
    "Fracture": (1.93, 0.39, 0.24),
    "Lung Lesion": (2.76, 0.38, 0.50),
    "Lung Opacity": (22.62, 1.35, 1.68),
    "Pleural Effusion": (23.83, 11.92, 2.55),
    "Pleural Other": (0.88, 0.06, 0.34),
    "Pneumonia": (7.27, 10.68, 8.03),
    "Pneumothorax": (4.55, 18.59, 0.50),
    "Support Devices": (29.21, 1.53, 0.10),
    "No Finding": (33.12, 0.0, 0.0),
}
CODES = (1.0, 0.0, -1.0)


@pytest.fixture(scope="module")
def studies() -> list[DemoStudy]:
    return list(generate_studies(5000, seed=3))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_corpus(folder, studies=40, seed=7)
    return folder


def test_the_tree_is_laid_out_like_mimic_cxr(tree: Path) -> None:
    study = next(generate_studies(1, seed=7))

    path = tree / f"files/p{study.subject_id[:2]}/p{study.subject_id}/s{study.study_id}.txt"

    assert path.read_text() == study.text
    assert re.fullmatch(r"1\d{7}", study.subject_id)
    assert re.fullmatch(r"5\d{7}", study.study_id)
    assert all(re.fullmatch(r"([0-9a-f]{8}-){4}[0-9a-f]{8}", image.dicom_id) for image in study.images)


def test_the_tables_have_the_columns_of_mimic_cxr(tree: Path) -> None:
    headers = {path.name: _rows(path)[0] for path in tree.glob("*.csv.gz")}

    assert headers == {
        "cxr-record-list.csv.gz": ["subject_id", "study_id", "dicom_id", "path"],
        "cxr-study-list.csv.gz": ["subject_id", "study_id", "path"],
        "mimic-cxr-2.0.0-chexpert.csv.gz": ["subject_id", "study_id", *LABELS],
        "mimic-cxr-2.0.0-negbio.csv.gz": ["subject_id", "study_id", *LABELS],
        "mimic-cxr-2.0.0-split.csv.gz": ["dicom_id", "study_id", "subject_id", "split"],
        "mimic-cxr-2.0.0-metadata.csv.gz": [
            "dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows",
            "Columns", "StudyDate", "StudyTime", "ProcedureCodeSequence_CodeMeaning",
            "ViewCodeSequence_CodeMeaning", "PatientOrientationCodeSequence_CodeMeaning",
        ],
    }  # fmt: skip


def test_the_tables_spell_codes_and_splits_as_mimic_cxr_does(tree: Path) -> None:
    labels = _rows(tree / "mimic-cxr-2.0.0-chexpert.csv.gz")[1:]
    splits = _rows(tree / "mimic-cxr-2.0.0-split.csv.gz")[1:]

    assert {code for row in labels for code in row[2:]} == {"1.0", "0.0", "-1.0", ""}
    assert {row[3] for row in splits} == {"train", "validate", "test"}


def test_the_truth_beside_the_tree_is_what_the_generator_says(tree: Path) -> None:
    study = next(generate_studies(1, seed=7))

    with gzip.open(tree / "truth.jsonl.gz", "rt") as lines:
        row = json.loads(lines.readline())

    assert row["study_id"] == study.study_id
    assert row["labels"] == study.labels
    assert row["truth"] == [statement._asdict() for statement in study.truth]


def test_the_reports_can_lie_in_one_zip_file(tmp_path: Path) -> None:
    corpus = write_demo_corpus(tmp_path, studies=3, seed=7, as_zip=True, images=False)

    with zipfile.ZipFile(corpus.reports) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}

    assert texts == {f"{study.folder}.txt": study.text for study in generate_studies(3, seed=7)}
    assert not (tmp_path / "files").exists()


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ccf_pipeline.demo import write_demo_corpus;"
        "write_demo_corpus(Path(sys.argv[1]), studies=12, seed=5);"
        "write_demo_corpus(Path(sys.argv[1]), studies=12, seed=5, as_zip=True, images=False)"
    )

    for hash_seed in ("0", "1"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        subprocess.run([sys.executable, "-c", script, str(tmp_path / hash_seed)], env=environment, check=True)

    assert _tree_digest(tmp_path / "0") == _tree_digest(tmp_path / "1")


def test_another_seed_gives_other_studies() -> None:
    first, second = next(generate_studies(1, seed=1)), next(generate_studies(1, seed=2))

    assert first.study_id != second.study_id
    assert first.text != second.text


@settings(max_examples=25, deadline=None)
@given(start=st.integers(0, 300_000), seed=st.integers(0, 2**40))
def test_a_slice_is_the_same_slice_of_the_whole(start: int, seed: int) -> None:
    whole = list(generate_studies(range(start, start + 6), seed))

    alone = list(generate_studies(range(start + 2, start + 4), seed))

    assert alone == whole[2:4]


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, 300_000), seed=st.integers(0, 2**40))
def test_no_report_contradicts_itself(number: int, seed: int) -> None:
    study = next(generate_studies(range(number, number + 1), seed))

    assert not list(_contradictions(study))


def test_no_report_among_thousands_contradicts_itself(studies: list[DemoStudy]) -> None:
    contradictions = [(study.study_id, *pair) for study in studies for pair in _contradictions(study)]

    assert contradictions == []


def test_more_studies_than_there_are_ids_are_refused() -> None:
    with pytest.raises(SettingsError, match="9,999,990"):
        next(generate_studies(10_000_000, seed=7))


def test_ids_are_never_given_twice(studies: list[DemoStudy]) -> None:
    study_ids = {study.study_id for study in studies}
    image_ids = [image.dicom_id for study in studies for image in study.images]

    assert len(study_ids) == len(studies)
    assert len(set(image_ids)) == len(image_ids)


def test_a_patient_stays_in_one_split_and_the_splits_have_the_official_sizes(
    studies: list[DemoStudy],
) -> None:
    splits_by_patient: dict[str, set[str]] = {}
    for study in studies:
        splits_by_patient.setdefault(study.subject_id, set()).add(study.split)

    counts = Counter(study.split for study in studies)

    assert all(len(splits) == 1 for splits in splits_by_patient.values())
    assert len(studies) / len(splits_by_patient) == pytest.approx(3.5, abs=0.05)
    assert counts["validate"] / 5000 == pytest.approx(0.0079, abs=0.004)
    assert counts["test"] / 5000 == pytest.approx(0.0143, abs=0.006)


@pytest.mark.parametrize("label", LABELS)
def test_the_label_mix_is_that_of_mimic_cxr(studies: list[DemoStudy], label: str) -> None:
    counts = Counter(study.labels.get(label) for study in studies)

    shares = [100 * counts[code] / len(studies) for code in CODES]

    # Four standard errors of a share among 5,000, and a fifth of a point for the fit.
    for share, expected in zip(shares, LABEL_MIX[label], strict=True):
        assert share == pytest.approx(expected, abs=0.2 + 4 * (expected * (100 - expected) / 5000) ** 0.5)


def test_findings_come_together_as_often_as_the_paper_says(studies: list[DemoStudy]) -> None:
    diseases = set(LABELS) - {"No Finding", "Support Devices"}
    counts = [
        sum(code == 1.0 and label in diseases for label, code in study.labels.items()) for study in studies
    ]

    assert sum(count >= 2 for count in counts) / 5000 == pytest.approx(0.4087, abs=0.025)
    assert sum(count >= 3 for count in counts) / 5000 == pytest.approx(0.1997, abs=0.02)


def test_sections_are_as_common_as_in_mimic_cxr(studies: list[DemoStudy]) -> None:
    counts = Counter(("findings" in study.sections, "impression" in study.sections) for study in studies)

    shares = [counts[kind] / 5000 for kind in ((True, True), (False, True), (True, False), (False, False))]

    assert shares == pytest.approx([0.539, 0.293, 0.119, 0.05], abs=0.025)


def test_cardiomegaly_is_commoner_on_ap_films(studies: list[DemoStudy]) -> None:
    rates = {}
    for view in ("AP", "PA"):
        of_view = [study for study in studies if study.view == view]
        rates[view] = sum(study.labels.get("Cardiomegaly") == 1.0 for study in of_view) / len(of_view)

    assert rates["AP"] == pytest.approx(0.261, abs=0.03)
    assert rates["PA"] == pytest.approx(0.102, abs=0.03)


def test_the_side_of_an_effusion_is_written_as_often_as_in_mimic_cxr(studies: list[DemoStudy]) -> None:
    effusions = [
        statement
        for study in studies
        for statement in study.truth
        if statement.concept == "fnd_pleural_effusion" and statement.polarity == "present"
    ]
    sided = [effusion for effusion in effusions if effusion.side]

    assert len(sided) / len(effusions) == pytest.approx(0.903, abs=0.03)
    assert sum(effusion.side == "bilateral" for effusion in sided) / len(sided) == pytest.approx(
        0.506, abs=0.05
    )


def test_labels_are_what_the_labelled_section_states(studies: list[DemoStudy]) -> None:
    codes = {"present": 1.0, "absent": 0.0, "uncertain": -1.0}

    for study in studies[:1000]:
        stated = {
            statement.concept: codes[statement.polarity]
            for statement in sorted(study.truth, key=lambda statement: statement.polarity == "present")
            if statement.section == study.read_from and statement.concept in study.case.states
        }
        labels = {name: codes[state] for name, state in study.case.states.items()}
        assert stated == labels, study.text


def test_every_report_reads_as_a_finished_text(studies: list[DemoStudy]) -> None:
    broken = re.compile(r"[{}\[\]|]| [.,]|\.\.|,,|,\.|\b[Aa] [aeio]|\w  \w")

    for study in studies:
        assert not broken.search(study.text), study.text
        assert max(len(line) for line in study.text.splitlines()) <= 79
        assert all(line.startswith(" ") for line in study.text.splitlines())


def test_headers_are_the_only_lines_that_look_like_headers(studies: list[DemoStudy]) -> None:
    # The rule of MIMIC-CXR's own section splitter.
    header = re.compile(r"\n ([A-Z ()/,-]+):\s")
    apart = {"ADDENDUM", "NOTIFICATION", "WET READ"}

    for study in studies:
        found = [name for name in header.findall("\n" + study.text) if name not in apart]
        assert len(found) == sum(section != "last_paragraph" for section in study.sections), study.text


def test_most_sentences_that_are_not_stock_normals_are_written_once(studies: list[DemoStudy]) -> None:
    stock = re.compile(
        r"(no|there is no|clear|normal|sharp|midline|unremarkable|visualized|imaged|cardiac size|"
        r"((the|both) )?(lungs|hila|hilar|heart|cardiom\w+|mediastin\w+|pulmonary vasc\w+|trachea|"
        r"costo\w+|osseous|hemidia\w+|pleural s\w+))\b",
        re.IGNORECASE,
    )
    sentences = [
        sentence
        for study in studies[:1000]
        for sentence in _sentences(study.text)
        if not stock.match(sentence)
    ]

    assert len(sentences) > 4000
    assert len(set(sentences)) / len(sentences) > 0.6


def test_planted_relations_can_be_found_again_and_little_else() -> None:
    studies = generate_studies(2000, seed=8)
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for study in studies:
        present = sorted({truth.concept for truth in study.truth if truth.polarity == "present"})
        singles.update(present)
        pairs.update(itertools.combinations(present, 2))

    def kind_of(one: str, other: str) -> str | None:
        seen = pairs[min(one, other), max(one, other)]
        expected = singles[one] * singles[other] / 2000
        if seen >= 5 and seen >= 2 * expected and seen - expected > 4 * expected**0.5:
            return "positive"
        return "exclusive" if expected >= 8 and seen < 0.1 * expected else None

    recovered = [kind_of(one, other) == kind for one, other, kind in PLANTED_RELATIONS]
    found = [pair for pair in itertools.combinations(sorted(singles), 2) if kind_of(*pair)]
    unexplained = [pair for pair in found if not follows_from_planted(*pair)]

    assert sum(recovered) / len(recovered) > 0.9
    assert len(unexplained) / len(found) < 0.05


def test_images_decode_and_some_are_dicom(tree: Path) -> None:
    jpegs = sorted(tree.glob("files/**/*.jpg"))
    dicoms = sorted(tree.glob("files/**/*.dcm"))

    for path in jpegs:
        with Image.open(path) as image:
            assert image.mode == "L"
            assert max(image.size) <= 256
    assert len(jpegs) > len(dicoms) > 0


def test_dicom_files_carry_no_name_and_twelve_bits(tree: Path) -> None:
    films = [pydicom.dcmread(path) for path in sorted(tree.glob("files/**/*.dcm"))]

    for film in films:
        assert (str(film.PatientName), film.BitsStored, film.BitsAllocated) == ("", 12, 16)
        assert film.Modality in ("CR", "DX")
        assert film.pixel_array.max() < 4096
    assert {film.PhotometricInterpretation for film in films} == {"MONOCHROME1", "MONOCHROME2"}


def test_a_dicom_file_shows_bright_bones_once_its_polarity_is_minded(tree: Path) -> None:
    for path in sorted(tree.glob("files/**/*.dcm")):
        film = pydicom.dcmread(path)
        pixels = film.pixel_array.astype(float) / 4095
        if film.PhotometricInterpretation == "MONOCHROME1":
            pixels = 1 - pixels

        rows, columns = pixels.shape
        assert pixels[-rows // 8 :, columns // 4 : -columns // 4].mean() > pixels[:8, :8].mean() + 0.3


@pytest.mark.parametrize(("side", "is_left"), [("left", True), ("right", False)])
def test_the_image_shows_the_side_of_a_large_effusion(
    studies: list[DemoStudy], side: str, is_left: bool
) -> None:
    study = next(
        study
        for study in studies
        if study.images
        and not study.case.visit.is_supine
        and not {"att_low_lung_volumes", "att_hyperinflation"} & study.case.known
        and [(fact.concept, fact.side) for fact in study.case.facts] == [("fnd_pleural_effusion", side)]
        and study.case.facts[0].polarity == "present"
        and study.case.facts[0].severity in ("moderate", "large")
    )

    pixels = draw_image(study, study.images[0])

    rows, columns = pixels.shape
    bases = pixels[int(rows * 0.64) : int(rows * 0.68)]
    on_the_left_of_the_film = bases[:, int(columns * 0.18) : int(columns * 0.3)].mean()
    on_the_right_of_the_film = bases[:, int(columns * 0.7) : int(columns * 0.82)].mean()
    # The patient's left is on the right of the film.
    assert (on_the_right_of_the_film > on_the_left_of_the_film + 0.2) == is_left
    assert (on_the_left_of_the_film > on_the_right_of_the_film + 0.2) != is_left


def test_some_studies_lack_an_image_or_the_name_of_their_view(studies: list[DemoStudy]) -> None:
    images = [image for study in studies for image in study.images]

    assert any(not study.images for study in studies)
    assert sum(not image.view_is_recorded for image in images) / len(images) == pytest.approx(0.042, abs=0.01)
    assert {image.view for image in images} == {"AP", "PA", "LATERAL", "LL"}


def _rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", newline="") as lines:
        return list(csv.reader(lines))


def _tree_digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _contradictions(study: DemoStudy) -> Iterator[tuple[str, str | None]]:
    for one, other in itertools.permutations(study.truth, 2):
        if one.concept != other.concept or one.polarity != "absent" or other.polarity == "absent":
            continue
        if (
            one.side is None
            or other.side is None
            or "bilateral" in (one.side, other.side)
            or one.side == other.side
        ):
            yield one.concept, one.side


def _sentences(text: str) -> list[str]:
    """The sentences of the reading, without list numbers and organ titles."""
    readings = re.split(r"\n (?:FIND|IMP|CONCL|CHEST, TWO|PA AND)[A-Z, ]*:  ", text)[1:]
    flat = " ".join(re.sub(r"\n (\d+\.|[A-Z][a-z ]+:) ", " ", "\n " + " ".join(readings)).split())
    return [sentence for sentence in re.split(r"(?<=\.) (?=[A-Z0-9])", flat) if sentence]
