"""A lab adds a corpus, an expert, a format and a check by a package of its own, without editing this one."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder

OUR_LAB = """
from ccf_pipeline.corpora import CorpusRow, known_corpora
from ccf_pipeline.counterfactual.check.lab import LabCheck
from ccf_pipeline.datasets.formats import Export
from ccf_pipeline.experts import ExpertRow
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.records import CorpusTerms
import pyarrow as pa


class WardExpert(RulesExpert):
    name = "ward_model"


class Sneaky(RulesExpert):
    endpoints = ("http://elsewhere.example",)


CORPUS = CorpusRow(
    CorpusTerms(
        kind="ward", name="our ward", sensitivity="open", terms="Invented.", adaptations_may_be_shared=True
    ),
    lambda settings, survey: known_corpora()["demo"].read(
        settings.model_copy(update={"kind": "demo"}), survey
    ),
)
EXPERT = ExpertRow("ward_model", "writes as our ward does", False, lambda s, graph, e: WardExpert(graph))
SNEAKY = ExpertRow("sneaky", "asks elsewhere", False, lambda s, graph, e: Sneaky(graph))
FORMAT = Export(
    config="ward_pairs",
    purpose="pairs as our trainer reads them",
    schema=pa.schema([("good", pa.string()), ("bad", pa.string())]),
    rows=lambda study: (
        {"good": record.factual_text, "bad": record.counterfactual_text} for record in study.records
    ),
    images_of=(),
)
"""
CHECK = """
CHECK = LabCheck("no_tubes", lambda case: ["Leave tubes alone."] if "devices" in case.plan.target else [])
"""
ENTRY_POINTS = """
[ccf_pipeline.corpora]
ward = our_lab:CORPUS
[ccf_pipeline.experts]
ward_model = our_lab:EXPERT
sneaky = our_lab:SNEAKY
[ccf_pipeline.formats]
ward_pairs = our_lab:FORMAT
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """Lay out a package as an installer does, and a corpus beside it."""
    site = tmp_path / "site"
    info = site / "our_lab-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "our_lab.py").write_text(OUR_LAB, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-lab\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    write_demo_corpus(tmp_path / "corpus", studies=4, seed=5, images=False)
    return site


def add_check(lab: Path) -> None:
    """Have the package add a check as well: this ward changes no device."""
    with (lab / "our_lab.py").open("a", encoding="utf-8") as module:
        module.write(CHECK)
    with (lab / "our_lab-1.0.dist-info" / "entry_points.txt").open("a", encoding="utf-8") as points:
        points.write("[ccf_pipeline.checks]\nno_tubes = our_lab:CHECK\n")


def build_with(lab: Path, out: Path, expert: str, configs: str) -> subprocess.CompletedProcess[str]:
    code = textwrap.dedent(f"""
        from ccf_pipeline import build
        summary = build("ward:{lab.parent / "corpus"}", "{out}", expert={{"kind": "{expert}"}},
                        dataset={{"configs": ["ccf", "{configs}"]}})
        print(summary.accepted, [config.config for config in summary.configs])
    """)
    root = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{lab}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_package_adds_a_corpus_an_expert_and_a_format(lab: Path, tmp_path: Path) -> None:
    done = build_with(lab, tmp_path / "build", "ward_model", "ward_pairs")

    assert done.returncode == 0, done.stderr
    assert "['ccf', 'ward_pairs']" in done.stdout
    assert (tmp_path / "build" / "dataset" / "data" / "ward_pairs").is_dir()


@pytest.mark.slow
def test_a_package_adds_a_check_and_every_row_names_the_package(lab: Path, tmp_path: Path) -> None:
    add_check(lab)
    out = tmp_path / "build"

    done = build_with(lab, out, "ward_model", "ward_pairs")

    assert done.returncode == 0, done.stderr
    folder = BuildFolder(out)
    rejected, accepted = list(folder.rejected_records(1)), list(folder.accepted_records(1))
    told = {
        (row.target, problem.message)
        for row in rejected
        for problem in row.problems
        if problem.level == "block"
    }
    assert told == {("Support Devices", "Leave tubes alone. (rule `no_tubes`)")}
    assert "Support Devices" not in {row.target for row in accepted}
    assert {row.code_version.partition(" with ")[2] for row in (*accepted, *rejected)} == {"our-lab 1.0"}


@pytest.mark.slow
def test_an_expert_that_names_addresses_it_was_not_allowed_is_refused(lab: Path, tmp_path: Path) -> None:
    done = build_with(lab, tmp_path / "build", "sneaky", "ward_pairs")

    assert done.returncode != 0
    assert "names other endpoints than those it was allowed" in done.stderr


def test_an_unknown_name_is_told_with_the_known_ones(lab: Path, tmp_path: Path) -> None:
    done = build_with(lab, tmp_path / "build", "wardmodel", "ward_pairs")

    assert "known are rules, openai, vllm, scripted, sneaky, ward_model" in done.stderr
