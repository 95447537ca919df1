"""A finished build to measure, and what rows are measured by; made once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.datasets.wrapper import answer, load_wrapper
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.quality.measuring import Rules
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings
from tests.shipped import GRAPH, LEXICON


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measured")
    write_demo_corpus(folder / "corpus", studies=240, seed=5, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return folder / "build"


@pytest.fixture(scope="session")
def records(build: Path) -> list[Record]:
    folder = BuildFolder(build)
    plan = folder.plan_summary()
    assert plan is not None
    return list(folder.accepted_records(plan.shards))


@pytest.fixture(scope="session")
def rules() -> Rules:
    graph = GRAPH
    wrapper = load_wrapper(DatasetSettings())
    wrap = partial(answer, wrapper=wrapper)
    return Rules(graph, LEXICON, wrap, wrapper.question, seed=7)
