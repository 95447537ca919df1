"""Open-i, CheXpert Plus and tables of one's own become the same kind of study as MIMIC-CXR."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.errors import MissingInput, PatientLeakage, SettingsError, UnreadableInput
from ccf_pipeline.settings import CorpusSettings
from tests.corpora.conftest import write_csv

Read = Callable[..., Any]
SHARED = Path(__file__).parents[3] / "shared" / "data" / "openi"


def xml(number: int, findings: str, impression: str) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><eCitation><uId id="CXR{number}"/><Abstract>'
        f'<AbstractText Label="INDICATION">Cough XXXX</AbstractText>'
        f'<AbstractText Label="FINDINGS">{findings}</AbstractText>'
        f'<AbstractText Label="IMPRESSION">{impression}</AbstractText></Abstract></eCitation>'
    )


def archive_of(path: Path, files: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        link = tarfile.TarInfo("ecgen-radiology/9.xml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return path


# --- Open-i -----------------------------------------------------------------------------


def test_open_i_reads_the_same_from_folder_archive_and_re_cut(tmp_path: Path, read: Read) -> None:
    text = "Borderline heart &lt; 1 XXXX.\n  Clear lungs."
    for folder in ("folder/ecgen-radiology", "archive", "csv"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "folder/ecgen-radiology/2.xml").write_text(xml(2, text, "Normal x-XXXX."))
    archive_of(
        tmp_path / "archive/NLMCXR_reports.tgz", {"ecgen-radiology/2.xml": xml(2, text, "Normal x-XXXX.")}
    )
    write_csv(
        tmp_path / "csv/indiana_reports.csv",
        [("uid", "findings", "impression"), ("2", text.replace("&lt;", "<"), "Normal x-XXXX.")],
    )

    texts = [read(tmp_path / form, "openi")[0]["CXR2"].text for form in ("folder", "archive", "csv")]

    assert texts == ["FINDINGS: Borderline heart < 1 XXXX. Clear lungs.\nIMPRESSION: Normal x-XXXX."] * 3


def test_open_i_refuses_what_an_archive_should_not_hold(tmp_path: Path, read: Read) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]><eCitation><uId id="CXR3"/>&a;</eCitation>'
    archive = archive_of(
        tmp_path / "r.tgz", {"../../1.xml": xml(1, "a", "b"), "e/3.xml": bomb, "e/4.xml": "<open"}
    )

    _, skipped, _ = read(archive, "openi")

    assert skipped == {
        "unsafe_path": 1, "unsafe_xml": 1, "unreadable_report": 1, "leaves_the_corpus": 1
    }  # fmt: skip


def test_a_cut_archive_gives_what_it_holds_only_when_told_to(tmp_path: Path, read: Read) -> None:
    files = {f"e/{n}.xml": xml(n, f"Clear lungs {n * n * 7919}.", "Normal.") for n in range(200)}
    archive = archive_of(tmp_path / "r.tgz", files)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(UnreadableInput, match="breaks off at byte"):
        read(archive, "openi")
    studies, _, survey = read(archive, "openi", skip_bad=True)
    assert 0 < len(studies) < 200
    assert survey.remarks


def test_open_i_pairs_the_frontal_image_of_the_same_report(tmp_path: Path, read: Read) -> None:
    write_csv(
        tmp_path / "indiana_reports.csv",
        [("uid", "findings", "impression"), *((n, "", "Clear.") for n in (1, 2, 3, 4))],
    )
    projections = [("uid", "filename", "projection"), (1, "1_b.png", "Frontal"), (1, "1_a.png", "Lateral")]
    projections += [(2, "2_b.png", "Lateral"), (3, "3_b.png", "Frontal")]
    write_csv(tmp_path / "indiana_projections.csv", projections)
    (tmp_path / "images").mkdir()
    for name in ("1_a.png", "1_b.png", "2_b.png"):
        (tmp_path / "images" / name).write_bytes(b"png")

    studies, _, _ = read(tmp_path, "openi")

    assert studies["CXR1"].image.path == "images/1_b.png"
    missing = [studies[f"CXR{n}"].image_missing for n in (2, 3, 4)]
    assert missing == ["no_frontal_view", "image_not_on_disk", "no_image_listed"]


@pytest.mark.skipif(not SHARED.is_dir(), reason="the Open-i samples are not on this machine")
def test_every_report_of_the_open_i_samples_is_accounted_for(read: Read) -> None:
    studies, skipped, _ = read(SHARED / "reports_train.jsonl", "table")
    original, _, _ = read(SHARED / "xml_sample.tgz", "openi")
    re_cut, _, _ = read(SHARED / "indiana_reports_sample.csv", "openi")

    assert (len(studies), skipped) == (3160, {"empty_report": 24})
    both = original.keys() & re_cut.keys()
    assert len(both) > 290
    assert [name for name in both if original[name].text != re_cut[name].text] == []


# --- CheXpert Plus ------------------------------------------------------------------------

PLUS = (
    "path_to_image", "frontal_lateral", "ap_pa", "deid_patient_id", "report", "section_findings",
    "section_impression", "age", "sex", "split",
)  # fmt: skip


def test_chexpert_plus_rows_of_a_study_are_one_study(tmp_path: Path, read: Read) -> None:
    folder = "train/patient42142/study5"
    rows = [
        (f"{folder}/view1_frontal.jpg", "Frontal", "AP", "", "", "", "No\nedema.", "67.0", "Female", "train"),
        (f"{folder}/view3_frontal.jpg", "Frontal", "PA", "", "", "", "No\nedema.", "67.0", "Female", "train"),
        (f"{folder}/view2_lateral.jpg", "Lateral", "", "", "", "", "No\nedema.", "67.0", "Female", "train"),
        ("valid/patient64541/study1/view1_frontal.jpg", "Frontal", "AP", "q",
         "IMPRESSION:\n1. Clear lungs.\nEND OF IMPRESSION", "", "", "", "Unknown", "valid"),
    ]  # fmt: skip
    write_csv(tmp_path / "df_chexpert_plus_240401.csv", [PLUS, *rows])
    for name in ("view1_frontal.jpg", "view3_frontal.jpg"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / name).write_bytes(b"jpeg")

    studies, _, survey = read(tmp_path, "chexpert_plus")

    first, second = studies["patient42142_study5"], studies["patient64541_study1"]
    assert (first.text, first.read_from) == ("IMPRESSION: No edema.", "impression")
    assert (first.subject_id, first.age, first.sex) == ("patient42142", 67, "F")
    assert first.image.view == "PA"
    assert (second.split, second.image_missing) == ("validate", "image_not_on_disk")
    assert "Clear lungs." in second.text
    assert survey.images_listed == 4


# --- tables of one's own ------------------------------------------------------------------


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".csv":
        write_csv(path, [list(rows[0]), *(list(row.values()) for row in rows)])
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_table_with_usual_names_needs_no_settings(suffix: str, tmp_path: Path, read: Read) -> None:
    rows = [
        {"report_id": "a1", "findings": "Clear lungs.", "impression": "", "patient_id": "007", "age": 40.0},
        {"report_id": "a2", "findings": "", "impression": "Edema.", "patient_id": "008", "age": 41.0},
    ]

    studies, _, _ = read(write_rows(tmp_path / f"reports.{suffix}", rows), "table")

    assert studies["a1"].text == "FINDINGS: Clear lungs."
    assert (studies["a2"].subject_id, studies["a2"].age) == ("008", 41)


def test_columns_go_by_the_names_that_the_settings_say(tmp_path: Path, read: Read) -> None:
    rows = [{"Nr": 50414267.0, "Befund": "FINDINGS: Clear.\nIMPRESSION: Normal.", "Pat": 7, "Set": "dev"}]
    path = write_rows(tmp_path / "t.parquet", rows)

    columns = {"study_id": "Nr", "text": "Befund", "subject_id": "Pat", "split": "Set"}
    studies, _, _ = read(path, "table", columns=columns)

    study = studies["50414267"]
    assert (study.read_from, study.subject_id, study.split) == ("findings+impression", "7", "validate")


def test_a_table_that_does_not_say_what_is_what_is_refused(tmp_path: Path, read: Read) -> None:
    path = write_rows(tmp_path / "t.jsonl", [{"Nr": 1, "Befund": "Clear."}])

    with pytest.raises(SettingsError, match="no column is known to hold the id") as refusal:
        read(path, "table")
    assert "[corpus.columns]" in refusal.value.hint
    with pytest.raises(SettingsError, match=r"has no column `No`, which corpus\.columns\.study_id names"):
        read(path, "table", columns={"study_id": "No", "text": "Befund"})


def test_a_table_without_a_header_does_not_show_its_first_report(tmp_path: Path, read: Read) -> None:
    report = "Heart of Mr. Doe is large, and there is a small effusion."
    write_csv(tmp_path / "t.csv", [("1", report), ("2", report)])

    with pytest.raises(SettingsError) as refusal:
        read(tmp_path / "t.csv", "table")
    assert "Doe" not in f"{refusal.value.what} {refusal.value.hint}"


def test_rows_that_are_none_are_counted(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(
        '{"id": "a", "text": "FINDINGS: Clear."}\n{"id": "b", "te\n\n[1]\n{"id": "", "text": "x"}\n'
    )

    studies, skipped, _ = read(path, "table")

    assert list(studies) == ["a"]
    assert skipped == {"bad_row": 2, "bad_id": 1}


def test_a_patient_in_two_splits_of_a_table_stops_the_reading(tmp_path: Path, read: Read) -> None:
    rows = [
        {"id": n, "patient_id": "x", "text": "FINDINGS: Clear.", "split": s}
        for n, s in ((1, "train"), (2, "test"))
    ]

    with pytest.raises(PatientLeakage, match="patient x is in `train` and in `test`"):
        read(write_rows(tmp_path / "t.csv", rows), "table")


def test_an_image_path_may_not_lead_out(tmp_path: Path, read: Read) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "in" / "a.jpg").write_bytes(b"x")
    paths = ("a.jpg", "../secret.jpg", str(tmp_path / "secret.jpg"), "")
    rows = [{"id": f"r{n}", "text": "FINDINGS: Clear.", "image": path} for n, path in enumerate(paths)]

    studies, _, _ = read(write_rows(tmp_path / "in" / "t.jsonl", rows), "table")

    assert studies["r0"].image.path == "a.jpg"
    missing = [studies[f"r{n}"].image_missing for n in (1, 2, 3)]
    assert missing == ["image_not_on_disk", "image_not_on_disk", "no_image_listed"]


def test_no_table_and_no_parquet_are_told(tmp_path: Path, read: Read) -> None:
    with pytest.raises(MissingInput, match="no table here"):
        read(tmp_path, "table")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(UnreadableInput, match="is not readable Parquet"):
        read(tmp_path, "table")


# --- terms --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "said", "sensitivity"),
    [
        ("mimic", None, "credentialed"),
        ("mimic", "open", "credentialed"),
        ("chexpert_plus", "open", "credentialed"),
        ("openi", None, "open"),
        ("demo", None, "open"),
        ("table", None, "credentialed"),
        ("table", "open", "open"),
        ("studies", "open", "credentialed"),
        ("openi", "credentialed", "credentialed"),
    ],
)
def test_a_corpus_is_credentialed_unless_it_is_known_to_be_open(
    kind: Any, said: Any, sensitivity: str, tmp_path: Path
) -> None:
    settings = CorpusSettings(kind=kind, path=tmp_path, sensitivity=said)

    assert corpus_terms(settings).sensitivity == sensitivity
