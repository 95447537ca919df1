"""Processes that share a build through an object store and nothing else, and die when it suits them least."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline import walk
from ccf_pipeline.engine.bucket.journal_segments import FOLDER, Segments, spent_in
from ccf_pipeline.engine.bucket.layout import MANIFEST
from ccf_pipeline.engine.bucket.object_store import Store, open_store
from ccf_pipeline.engine.bucket.place import fetch_build
from ccf_pipeline.settings import DatasetSettings, ShardSettings
from tests.bad_server import Act, BadServer, misbehaving
from tests.faults.conftest import Bench, built, kept
from tests.s3_server import S3Server

ROOT = Path(__file__).parents[2]
FLUSH_SECONDS = 0.3
WAIT_SECONDS = 120


def worker(
    folder: Path, name: str, place: str, bench: Bench, server: BadServer, s3: S3Server
) -> subprocess.Popen[bytes]:
    """A machine of its own: nothing of it is known to the others but what it puts into the store."""
    home = folder / name
    home.mkdir(exist_ok=True)
    (home / "build.toml").write_text(
        f"""
out = "{place}"
[corpus]
kind = "mimic"
path = "{bench.corpus}"
[expert]
kind = "openai"
model = "m"
[endpoint]
urls = ["{server.base_url}"]
concurrency = 2
[shards]
size = 2
[dataset]
configs = ["ccf", "cpo_thinking"]
[store]
is_private = true
scratch = "{home / "scratch"}"
flush_seconds = {FLUSH_SECONDS}
lease_seconds = 1.5
"""
    )
    kept_variables = {
        name: value for name, value in os.environ.items() if not name.startswith(("CCF_", "AWS_"))
    }
    with (home / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ccf_pipeline.cli", "run", "--quiet"],
            cwd=home,
            env={**kept_variables, **s3.environment, "PYTHONPATH": str(ROOT), "HOME": str(home)},
            stdout=log,
            stderr=log,
        )


def ended_well(folder: Path, name: str, process: subprocess.Popen[bytes]) -> None:
    code = process.wait(WAIT_SECONDS)
    assert code == 0, (folder / name / "log.txt").read_text()


def until(done: Callable[[], object]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.02)


def asked(server: BadServer) -> Counter[str]:
    return Counter(question(request) for request in server.requests)


def question(request: dict[str, Any]) -> str:
    return str([message["content"] for message in request["messages"]])


@pytest.fixture(scope="module")
def reference(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one process makes of it on a disk."""
    out = tmp_path_factory.mktemp("reference") / "build"
    with misbehaving(BadServer(bench.answer)) as server:
        chosen = bench.settings(out, server).model_copy(
            update={
                "shards": ShardSettings(size=2),
                "dataset": DatasetSettings(configs=("ccf", "cpo_thinking")),
            }
        )
        walk.build(chosen)
    return built(out)


@pytest.mark.faults  # the flows do the same in the suite
def test_two_workers_with_nothing_in_common_but_the_store_share_a_build(
    bench: Bench, server: BadServer, s3: S3Server, reference: dict[str, str], tmp_path: Path
) -> None:
    server.decide = lambda number, body: Act(delay_seconds=0.15)
    place = f"s3://bucket/{uuid.uuid4().hex}"

    workers = {name: worker(tmp_path, name, place, bench, server, s3) for name in ("a", "b")}
    for name, process in workers.items():
        ended_well(tmp_path, name, process)

    fetch_build(Path(place), tmp_path / "fetched")
    assert built(tmp_path / "fetched") == reference
    assert max(asked(server).values()) == 1, "nothing was asked twice"
    folders = {name.split("/")[1] for name in open_store(place).names(FOLDER)}
    assert len(folders) == 2, "both of them asked"


@pytest.mark.slow
def test_a_machine_that_dies_loses_what_it_had_not_flushed_and_no_more(
    bench: Bench, server: BadServer, s3: S3Server, reference: dict[str, str], tmp_path: Path
) -> None:
    server.decide = lambda number, body: Act(delay_seconds=0.1)
    place = f"s3://bucket/{uuid.uuid4().hex}"

    before = killed_after(6, worker(tmp_path, "dying", place, bench, server, s3), place, server)
    flushed = journal_in(open_store(place), tmp_path)
    ended_well(tmp_path, "heir", worker(tmp_path, "heir", place, bench, server, s3))

    fetch_build(Path(place), tmp_path / "fetched")
    assert built(tmp_path / "fetched") == reference
    asked_again = (before & asked(server)).total()
    assert len(flushed) >= 6
    assert asked_again == before.total() - len(flushed), "what lay in the store was not asked again"
    # Two at once, a tenth of a second each; a flush may be late on a busy machine.
    assert asked_again <= 4 * (2 * FLUSH_SECONDS / 0.1 + 2)


@pytest.mark.faults
def test_a_machine_that_comes_back_loses_only_what_was_under_way(
    bench: Bench, server: BadServer, s3: S3Server, reference: dict[str, str], tmp_path: Path
) -> None:
    server.decide = lambda number, body: Act(delay_seconds=0.1)
    place = f"s3://bucket/{uuid.uuid4().hex}"

    before = killed_after(4, worker(tmp_path, "a", place, bench, server, s3), place, server)
    [scratch] = (tmp_path / "a").glob("scratch/*/build")
    acknowledged = kept(scratch)
    ended_well(tmp_path, "a", worker(tmp_path, "a", place, bench, server, s3))

    fetch_build(Path(place), tmp_path / "fetched")
    assert built(tmp_path / "fetched") == reference
    asked_again = (before & asked(server)).total()
    assert asked_again == before.total() - len(acknowledged)
    assert asked_again <= 2


@pytest.mark.shows(
    "workers in a store die",
    "others take over; the same bytes",
)
@pytest.mark.faults
@pytest.mark.parametrize("seed", range(20))
def test_whichever_of_three_workers_die_the_build_is_the_same(
    seed: int, bench: Bench, server: BadServer, s3: S3Server, reference: dict[str, str], tmp_path: Path
) -> None:
    chance = random.Random(seed)
    server.decide = lambda number, body: Act(delay_seconds=0.05)
    place = f"s3://bucket/{uuid.uuid4().hex}"
    store = open_store(place)
    asked_before: Counter[str] = Counter()
    safe: set[str] = set()

    for life in range(3):
        names = [f"{life}-{number}" for number in range(3)]
        workers = [worker(tmp_path, name, place, bench, server, s3) for name in names]
        time.sleep(chance.uniform(2.0, 9.0))
        for process in chance.sample(workers, chance.randint(1, 3)):
            process.kill()
        for process in workers:
            process.wait(WAIT_SECONDS)
        asked_before += asked(server)
        safe |= journal_in(store, tmp_path)
        server.requests.clear()
    ended_well(tmp_path, "last", worker(tmp_path, "last", place, bench, server, s3))

    fetch_build(Path(place), tmp_path / "fetched")
    assert built(tmp_path / "fetched") == reference
    assert len(set(asked_before) & set(asked(server))) <= len(asked_before) - len(safe)


def killed_after(
    answers: int, process: subprocess.Popen[bytes], place: str, server: BadServer
) -> Counter[str]:
    """Kill a worker once so many answers lie in the store; returns what it had asked."""
    store = open_store(place)
    until(lambda: spent_in(store.names(FOLDER)).answers >= answers)
    process.kill()
    process.wait()
    assert store.read(MANIFEST) is None, "it was too quick"
    before = asked(server)
    server.requests.clear()
    return before


def journal_in(store: Store, folder: Path) -> set[str]:
    """The prompts whose answers lie in the store."""
    path = folder / uuid.uuid4().hex
    Segments(store, "reader", path / "journal" / "completions.sqlite").bring()
    return {completion.prompt_id for completion in kept(path)}
