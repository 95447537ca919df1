"""A finished build of twenty invented studies in four shards, for tests that stop, damage or verify it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ShardSettings


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=20, seed=3, images=False)
    return folder


def settings(corpus: Path, out: Path) -> BuildSettings:
    return BuildSettings(
        out=out, corpus=CorpusSettings(kind="demo", path=corpus), shards=ShardSettings(size=5)
    )


@pytest.fixture(scope="session")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "build"
    walk.build(settings(corpus, out))
    return out


@pytest.fixture
def build(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "build"))
