"""The same MIMIC-CXR tree in the layouts that people have it in, and what each gives on the command line."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ccf_pipeline.corpora.mimic_layout import MOST_SEARCHED, find_reports_below
from ccf_pipeline.demo import write_demo_corpus
from tests.command_line import Outcome, ccf_build

REPORTS, JPEG = Path("files/mimic-cxr/2.1.0"), Path("files/mimic-cxr-jpg/2.1.0")
STUDIES = 14


@pytest.fixture(scope="module")
def physionet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`physionet.org` as `wget -r` leaves it: `files/mimic-cxr/2.1.0` and `files/mimic-cxr-jpg/2.1.0`."""
    folder = tmp_path_factory.mktemp("downloads") / "physionet.org"
    whole = folder.parent / "whole"
    write_demo_corpus(whole, studies=STUDIES, seed=3)
    (folder / REPORTS).mkdir(parents=True)
    (folder / JPEG).mkdir(parents=True)
    for path in sorted(whole.rglob("*")):
        if path.is_file() and path.suffix != ".dcm" and path.name != "truth.jsonl.gz":
            release = REPORTS if path.suffix == ".txt" or path.name.startswith("cxr-") else JPEG
            target = folder / release / path.relative_to(whole)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    with zipfile.ZipFile(folder.parent / "mimic-cxr-reports.zip", "w") as archive:
        for report in sorted((folder / REPORTS).rglob("*.txt")):
            archive.write(report, report.relative_to(folder / REPORTS))
    return folder


def ingest(corpus: Path | str, folder: Path, *more: object) -> Outcome:
    return ccf_build("ingest", "--corpus", f"mimic:{corpus}", "--json", *more, folder=folder)


def counts(done: Outcome) -> dict[str, Any]:
    """What was found: splits, labels and views, and where an image is missing."""
    assert done.code == 0, done.err
    funnel = json.loads(done.out)
    return {name: funnel[name] for name in ("used", "splits", "label_sources", "views", "without_image")}


@pytest.fixture(scope="module")
def whole(physionet: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the folder above both releases gives."""
    return counts(ingest(physionet / "files", tmp_path_factory.mktemp("whole")))


def test_the_reports_folder_of_a_download_gives_rows_with_images(physionet: Path, tmp_path: Path) -> None:
    done = ccf_build("run", "--corpus", f"mimic:{physionet / REPORTS}", "--json", folder=tmp_path)

    configs = json.loads(done.out)["configs"]
    assert {config["config"] for config in configs if config["rows"]} >= {"ccf", "sft", "cf_vlm"}
    # Few studies match another's film here; one of their own they lack only if none is frontal.
    reasons = {entry["reason"] for config in configs for entry in config["left_out"]}
    assert {one for one in reasons if "image" in one and "matched" not in one} <= {"no frontal image"}
    assert {
        row.as_py()
        for file in (tmp_path / "build" / "dataset" / "data" / "ccf").glob("*.parquet")
        for row in pq.read_table(file, columns=["split"])["split"]
    } >= {"train", "test"}


def test_the_folder_above_both_releases_gives_splits_and_images(whole: dict[str, Any]) -> None:
    assert whole["used"] == STUDIES
    assert whole["views"]
    assert {entry["reason"] for entry in whole["splits"]} == {"train", "test"}


@pytest.mark.parametrize("named", [REPORTS, REPORTS.parent, REPORTS / "files", JPEG, JPEG.parent])
def test_one_release_finds_the_other_beside_it(
    named: Path, physionet: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    assert counts(ingest(physionet / named, tmp_path)) == whole


def test_the_releases_may_lie_apart(physionet: Path, whole: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(physionet / REPORTS, tmp_path / "texts")
    shutil.copytree(physionet / JPEG, tmp_path / "pictures" / "jpg")

    assert counts(ingest("texts", tmp_path, "--tables", "pictures/jpg")) == whole


def test_tables_and_images_may_lie_apart_too(physionet: Path, whole: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(physionet / REPORTS, tmp_path / "texts")
    shutil.copytree(physionet / JPEG / "files", tmp_path / "pictures" / "files")
    (tmp_path / "tables").mkdir()
    for table in (physionet / JPEG).glob("*.csv.gz"):
        shutil.copy(table, tmp_path / "tables")

    assert counts(ingest("texts", tmp_path, "--tables", "tables", "--images", "pictures")) == whole


def test_the_archive_of_the_reports_stands_for_their_tree(
    physionet: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    home = tmp_path / "mimic-cxr" / "2.1.0"
    home.mkdir(parents=True)
    shutil.copy(physionet.parent / "mimic-cxr-reports.zip", home)
    shutil.copytree(physionet / JPEG, tmp_path / "mimic-cxr-jpg" / "2.1.0")

    assert counts(ingest(home / "mimic-cxr-reports.zip", tmp_path, "--out", "by-file")) == whole
    assert counts(ingest(home, tmp_path, "--out", "by-folder")) == whole


def test_reports_alone_are_refused_until_the_user_says_so(physionet: Path, tmp_path: Path) -> None:
    shutil.copytree(physionet / REPORTS, tmp_path / "mimic-cxr")

    refused = ingest("mimic-cxr", tmp_path)
    allowed = ingest("mimic-cxr", tmp_path, "--allow-missing-tables")

    assert refused.code == 1
    assert "no split table and no image table" in refused.error
    assert "--tables" in refused.hint
    assert "--allow-missing-tables" in refused.hint
    assert counts(allowed)["used"] == STUDIES


@pytest.mark.parametrize("verb", ["plan", "run"])
def test_every_command_that_plans_refuses_reports_alone(verb: str, physionet: Path, tmp_path: Path) -> None:
    shutil.copytree(physionet / REPORTS, tmp_path / "mimic-cxr")

    refused = ccf_build(verb, "--corpus", "mimic:mimic-cxr", folder=tmp_path)
    allowed = ccf_build(verb, "--corpus", "mimic:mimic-cxr", "--allow-missing-tables", folder=tmp_path)

    assert (refused.code, allowed.code) == (1, 0)
    assert "--allow-missing-tables" in refused.hint


def test_the_jpeg_release_alone_has_no_reports(physionet: Path, tmp_path: Path) -> None:
    shutil.copytree(physionet / JPEG, tmp_path / "mimic-cxr-jpg")

    refused = ingest("mimic-cxr-jpg", tmp_path)

    assert refused.code == 1
    assert "no report text" in refused.error


def test_a_folder_further_up_says_where_the_reports_lie(
    physionet: Path, whole: dict[str, Any], tmp_path: Path
) -> None:
    refused = ingest(physionet, tmp_path)

    assert refused.code == 1
    assert str(physionet / REPORTS) in refused.error
    (advised,) = re.findall(r"--corpus (\S+)", refused.hint)
    corpus = shlex.split(advised)[0]
    assert corpus == f"mimic:{physionet / REPORTS}"
    assert counts(ingest(corpus.removeprefix("mimic:"), tmp_path)) == whole


def test_a_home_folder_is_expanded(physionet: Path, whole: dict[str, Any], tmp_path: Path) -> None:
    done = ccf_build(
        "ingest", "--corpus", "mimic:~/files", "--json", folder=tmp_path, environment={"HOME": str(physionet)}
    )

    assert counts(done) == whole


def test_the_search_for_reports_gives_up_in_a_large_tree(tmp_path: Path) -> None:
    for number in range(MOST_SEARCHED + 10):
        (tmp_path / f"d{number:05}").mkdir()
    (tmp_path / "d00005" / "files" / "p10" / "p10000001").mkdir(parents=True)
    (tmp_path / "d00005" / "files" / "p10" / "p10000001" / "s50000001.txt").write_text("x")

    assert find_reports_below(tmp_path) == []
