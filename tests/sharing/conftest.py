"""A finished build, a Hub on this machine, and a push to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing import publish as publishing
from ccf_pipeline.sharing.hub import HubDataset
from ccf_pipeline.sharing.nouns import PushSummary, ShareLevel
from tests.hub_server import GOOD_TOKEN, HubServer

NAME = "lab/cxr-ext-counterfact"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    write_demo_corpus(folder / "corpus", studies=24, seed=11, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return folder / "build"


@pytest.fixture
def build(finished: Path) -> Path:
    """Nothing of an earlier push is remembered."""
    shutil.rmtree(finished / "share", ignore_errors=True)
    return finished


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with HubServer().running() as server:
        yield server


def push(hub: HubServer, build: Path, level: ShareLevel = "L1", name: str = NAME) -> PushSummary:
    target = HubDataset(name, endpoint=hub.endpoint, token=GOOD_TOKEN)
    return publishing.push(build, name, level=level, hub=target)
