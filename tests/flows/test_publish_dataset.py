"""The publishing flow pushes what the command line would, and keeps no token and no text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from tests.flows.conftest import Site
from tests.hub_server import GOOD_TOKEN, HubServer

# In a process of its own: huggingface_hub reads its environment when it is imported.
PUBLISH = """
import sys
from flows.publish_dataset import publish_dataset
print("counts", publish_dataset(sys.argv[1], "lab/cxr-ext", "L1", endpoint=sys.argv[2]))
print("again", publish_dataset(sys.argv[1], "lab/cxr-ext", "L1", endpoint=sys.argv[2]))
"""


@pytest.mark.slow
def test_the_flow_verifies_and_pushes_and_its_database_holds_no_token(site: Site, tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=8, seed=2, images=False)
    corpus = CorpusSettings(kind="demo", path=tmp_path / "corpus")
    walk.build(BuildSettings(out=tmp_path / "build", corpus=corpus))

    with HubServer().running() as hub:
        done = subprocess.run(
            [sys.executable, "-c", PUBLISH, str(tmp_path / "build"), hub.endpoint],
            env={**site.environment, **hub.environment(str(tmp_path / "hf"))},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr[-2000:]
    repository = hub.repositories["lab/cxr-ext"]
    assert (repository.private, repository.gated) == (True, "manual")
    files = len(repository.files) - 1
    assert f"counts {{'sent': {files}, 'unchanged': 0}}" in done.stdout
    assert f"again {{'sent': 0, 'unchanged': {files}}}" in done.stdout
    for kept in (*site.home.rglob("*"), *site.temp.rglob("*")):
        assert kept.is_dir() or GOOD_TOKEN.encode() not in kept.read_bytes()
