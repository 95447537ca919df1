"""A push cut off at any of its requests leaves a repository that is whole, or that it goes on with."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import Unfinished
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing import publish as publishing
from ccf_pipeline.sharing.hub import LAST, HubDataset
from ccf_pipeline.sharing.nouns import PushSummary
from tests.hub_server import GOOD_TOKEN, Cut, HubServer, Repository

NAME = "lab/cxr-ext-counterfact"
CUTS: tuple[Cut, ...] = ("before it is done", "once it is done")
Break = Literal["once", "for good", "killed"]
"""The request alone gets no reply, or the line stays dead after it, or the process dies with it."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    write_demo_corpus(folder / "corpus", studies=12, seed=11, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return folder / "build"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files a commit, so that there are several, and no waiting between attempts."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr("ccf_pipeline.sharing.hub.FILES_PER_COMMIT", 2)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


@dataclass
class Undisturbed:
    """What a push leaves and asks when nobody disturbs it."""

    files: dict[str, bytes]
    commits: list[list[str]]
    requests: list[str]


@dataclass
class Ledger:
    """What fault runs came to."""

    cuts: int = 0
    went_on_by_themselves: int = 0
    went_on_when_asked: int = 0
    kills: int = 0
    points: set[tuple[str, Cut]] = field(default_factory=set)

    def __str__(self) -> str:
        return (
            f"{self.cuts} cuts at {len(self.points)} points: {self.went_on_by_themselves} pushes went on by"
            f" themselves, {self.went_on_when_asked} with the same command, {self.kills} of them killed"
        )


@pytest.fixture
def undisturbed(build: Path) -> Undisturbed:
    with HubServer().running() as hub:
        forget(build)
        push(hub, build)
        repository = hub.repositories[NAME]
        return Undisturbed(files_of(repository), repository.commits, hub.requests)


@pytest.mark.slow
def test_a_push_cut_off_anywhere_is_whole_or_goes_on(build: Path, undisturbed: Undisturbed) -> None:
    ledger = Ledger()
    for number, cut in list(every_point(undisturbed))[1::11]:
        interrupt(build, undisturbed, number, cut, "for good", ledger)
    assert ledger.cuts >= 5, "the push asks less than it did: cut it oftener"


@pytest.mark.faults
def test_a_push_cut_off_at_every_request_is_whole_or_goes_on(build: Path, undisturbed: Undisturbed) -> None:
    ledger = Ledger()
    for (number, cut), how in itertools.product(every_point(undisturbed), ("once", "for good")):
        interrupt(build, undisturbed, number, cut, how, ledger)
    print(f"\n{ledger}")
    assert len(ledger.points) >= 50


@pytest.mark.faults
def test_a_push_killed_at_every_request_is_whole_or_goes_on(
    build: Path, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    ledger = Ledger()
    for number, cut in every_point(undisturbed):
        interrupt(build, undisturbed, number, cut, "killed", ledger, home=tmp_path)
    print(f"\n{ledger}")
    assert ledger.kills >= 40


# --- how a push is interrupted, and what must hold then ---------------------------------------------


def every_point(undisturbed: Undisturbed) -> Iterator[tuple[int, Cut]]:
    return itertools.product(range(1, len(undisturbed.requests) + 1), CUTS)


def interrupt(
    build: Path,
    undisturbed: Undisturbed,
    number: int,
    cut: Cut,
    how: Break,
    ledger: Ledger,
    *,
    home: Path | None = None,
) -> None:
    """Cut one request of a push, look at what it left, then push again to the end."""
    forget(build)
    where = f"request {number} ({undisturbed.requests[number - 1]}), cut {cut}, {how}"
    with HubServer().running() as hub:
        hub.before_commit = require_private
        ledger.cuts += 1
        ledger.points.add((undisturbed.requests[number - 1] + str(number), cut))
        if how == "killed":
            assert home is not None
            ledger.kills += kill_push(hub, build, number, cut, home)
            done = False
        else:
            hub.cut = lambda asked: cut_of(asked, number, cut, lasting=how == "for good")
            try:
                push(hub, build)
                done = True
            except Unfinished:
                done = False
        hub.cut = lambda asked: None
        require_whole_or_unfinished(hub, undisturbed, where)
        again = push(hub, build)
        ledger.went_on_by_themselves += done
        ledger.went_on_when_asked += not done
        repository = hub.repositories[NAME]
        assert files_of(repository) == undisturbed.files, where
        require_private(repository)
        assert not done or again.uploaded == 0, f"{where}: what was whole was sent again"
        # The commits are in all those of an undisturbed push, whoever made which: none twice, none empty.
        assert sorted(repository.commits) == sorted(undisturbed.commits), where
        assert repository.commits[-1] == list(LAST), where


def cut_of(asked: int, number: int, cut: Cut, *, lasting: bool) -> Cut | None:
    if asked == number:
        return cut
    return "before it is done" if lasting and asked > number else None


def kill_push(hub: HubServer, build: Path, number: int, cut: Cut, home: Path) -> bool:
    """Push from a process that dies while its request is under way; whether it did."""
    command = [sys.executable, "-c", PUSH, str(build), NAME, hub.endpoint]
    environment = {**os.environ, **hub.environment(str(home))}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill(asked: int) -> Cut | None:
        if asked != number:
            return None
        os.kill(process.pid, signal.SIGKILL)
        return cut

    hub.cut = kill
    process.communicate()
    return process.returncode == -signal.SIGKILL


PUSH = """
import sys
from pathlib import Path
from ccf_pipeline.sharing import hub, publish
hub.FILES_PER_COMMIT = 2
publish.push(Path(sys.argv[1]), sys.argv[2], level="L1", endpoint=sys.argv[3])
"""


def require_whole_or_unfinished(hub: HubServer, undisturbed: Undisturbed, where: str) -> None:
    """README and manifest stand for the whole: where one of them is, everything is."""
    repository = hub.repositories.get(NAME)
    if repository is None:
        return
    files = files_of(repository)
    assert files.items() <= undisturbed.files.items(), where
    assert files == undisturbed.files or not set(LAST) & set(files), where


def require_private(repository: Repository) -> None:
    assert (repository.private, repository.gated) == (True, "manual")


def push(hub: HubServer, build: Path) -> PushSummary:
    target = HubDataset(NAME, endpoint=hub.endpoint, token=GOOD_TOKEN)
    return publishing.push(build, NAME, level="L1", hub=target)


def files_of(repository: Repository) -> dict[str, bytes]:
    return {name: content for name, content in repository.files.items() if name != ".gitattributes"}


def forget(build: Path) -> None:
    """Nothing of an earlier push is remembered."""
    shutil.rmtree(build / "share", ignore_errors=True)
