"""ccf-build metrics and report, as a user types them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command import ccf_build


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("metrics")
    done = ccf_build("demo", "--studies", "30", "--quiet", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def build(folder: Path) -> str:
    (manifest,) = folder.rglob("manifest.json")
    return str(manifest.parent)


def test_figures_gates_and_files(folder: Path, build: str) -> None:
    done = ccf_build("metrics", build, folder=folder)

    assert done.returncode == 0, done.stderr
    for words in (
        "findings flipped",
        "told apart with findings masked, add",
        "preferred by text alone, training mix, by words",
        "≤ 0.55",
        "near duplicates",
        "quality.json",
    ):
        assert words in done.stdout
    assert (Path(build) / "quality.json").is_file()
    assert (Path(build) / "report.html").is_file()


def test_a_gate_that_failed_says_what_to_do_and_figures_wait_for_all(folder: Path, build: str) -> None:
    short, long = (
        ccf_build("metrics", build, folder=folder),
        ccf_build("metrics", build, "--all", folder=folder),
    )

    failed = [line for line in short.stdout.splitlines() if re.search(r" (failed|not measured) *$", line)]
    assert failed
    assert short.stdout.count("→") == len(failed)
    assert "figure" in long.stdout
    assert len(long.stdout.splitlines()) > len(short.stdout.splitlines()) + 20


def test_json_is_the_file(folder: Path, build: str) -> None:
    done = ccf_build("metrics", build, "--json", folder=folder)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((Path(build) / "quality.json").read_text())
    assert json.loads(done.stdout)["version"] == 2


def test_gates_that_fail_say_so_and_exit_with_one(folder: Path, build: str) -> None:
    done = ccf_build("metrics", build, "--gate", "--quiet", folder=folder)

    assert done.returncode == 1
    assert "gates do not pass" in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr


def test_texts_go_out_and_another_readers_labels_come_back(folder: Path, build: str) -> None:
    out = ccf_build("metrics", build, "--write-texts", "texts.jsonl", folder=folder)
    read = ccf_build("read", "--in", "texts.jsonl", "--csv", "labels.csv", folder=folder)
    back = ccf_build("metrics", build, "--labels", "labels.csv", "--json", folder=folder)

    assert (out.returncode, read.returncode, back.returncode) == (0, 0, 0), read.stderr + back.stderr
    flips = json.loads(back.stdout)["figures"]["flips"][-1]
    assert flips["judge"] == "labels.csv"
    assert flips["success"]["share"] > 0.9


def test_a_report_is_written_where_it_is_wanted(folder: Path, build: str) -> None:
    done = ccf_build("report", build, "--out", "page.html", folder=folder)

    assert done.returncode == 0, done.stderr
    assert (folder / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_folder_that_is_no_build_is_named(folder: Path) -> None:
    done = ccf_build("metrics", ".", folder=folder)

    assert done.returncode == 1
    assert "is not a build folder" in done.stderr
