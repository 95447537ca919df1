"""The way that operators go: server, work pool, two workers, a deployment, and a worker that is killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ccf_pipeline import pipeline
from ccf_pipeline.io.builds import BuildFolder
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.io.locks import is_leased
from ccf_pipeline.io.lost_runs import PROCESS
from ccf_pipeline.settings import load_settings
from tests.flows.test_build_dataset import dataset_files, write_settings

ROOT = Path(__file__).parents[2]
CANARY = "CANARYQZX"
WAIT_SECONDS = 120


class Site:
    """A Prefect server of our own, its home and its processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = folder / "prefect"
        self.temp = folder / "temp"
        self.temp.mkdir()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CCF_"))
        }
        self.environment = {
            **kept,
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": f"http://127.0.0.1:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "DO_NOT_TRACK": "1",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "TMPDIR": str(self.temp),
        }
        self.processes: list[subprocess.Popen[bytes]] = []

    def begin(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *words],
                cwd=self.folder / "flows-here",
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def prefect(self, *words: str) -> str:
        return self.call("prefect", *words)

    def call(self, module: str, *words: str) -> str:
        outcome = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=self.folder / "flows-here",
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout[-1500:] + outcome.stderr[-1500:]
        return outcome.stdout

    def is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.environment['PREFECT_API_URL']}/health").status == 200
        return False

    def states(self) -> list[str]:
        """The states of all flow runs, in the order they were made."""
        database = sqlite3.connect(f"file:{self.home / 'prefect.db'}?mode=ro", uri=True)
        try:
            return [row[0] for row in database.execute("SELECT state_type FROM flow_run ORDER BY created")]
        finally:
            database.close()

    def runs_with_a_process(self) -> int:
        """How many runs have said which process they live in."""
        database = sqlite3.connect(f"file:{self.home / 'prefect.db'}?mode=ro", uri=True)
        try:
            return sum(PROCESS in str(row[0]) for row in database.execute("SELECT labels FROM flow_run"))
        finally:
            database.close()

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    flows_here = tmp_path / "flows-here"
    shutil.copytree(ROOT / "flows", flows_here / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", flows_here)
    place = Site(tmp_path)
    try:
        place.begin("server", "server", "start", "--port", str(place.port))
        until(place.is_up)
        yield place
    finally:
        place.close()


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.1)


def children_of(pid: int) -> list[int]:
    out = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    found = [int(line) for line in out.stdout.split()]
    return [*found, *(inner for child in found for inner in children_of(child))]


def read_quietly(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def test_a_killed_worker_costs_nothing_and_no_text_leaves_the_build(site: Site, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=240, seed=5, images=False)
    plant_canaries(corpus)
    by_flow = write_settings(tmp_path, tmp_path / "by_flow", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)
    site.prefect("work-pool", "create", "ccf", "--type", "process")
    site.prefect("--no-prompt", "deploy", "--name", "build-dataset/default")
    workers = [site.begin(f"worker{n}", "worker", "start", "--pool", "ccf", "--limit", "1") for n in (1, 2)]
    request = f'request={{"config": "{by_flow}"}}'
    folder = BuildFolder(tmp_path / "by_flow")

    for _ in workers:
        site.prefect("deployment", "run", "build-dataset/default", "--param", request)
    until(lambda: site.runs_with_a_process() == len(workers))
    until(lambda: any(map(folder.is_sealed, range(48))))
    victim = workers[0]
    for pid in (victim.pid, *children_of(victim.pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(folder.is_finished)
    until(lambda: "COMPLETED" in site.states())
    lost_before = site.states()
    said = site.call("ccf_pipeline.cli", "recover")
    site.prefect("deployment", "run", "build-dataset/default", "--param", request)
    until(lambda: site.states()[-1] == "COMPLETED")

    assert "RUNNING" in lost_before
    assert "crashed; run it again" in said
    assert sorted(site.states()) == ["COMPLETED", "COMPLETED", "CRASHED"]
    pipeline.build(load_settings(by_hand))
    assert dataset_files(tmp_path / "by_flow") == dataset_files(tmp_path / "by_hand")
    assert not any(is_leased(path) for path in (folder.path / "leases").iterdir())
    assert canaries_in(folder.path) > 0
    for place in (site.home, site.temp, tmp_path / "flows-here", *tmp_path.glob("*.log")):
        assert canaries_in(place) == 0, place


def plant_canaries(corpus: Path) -> None:
    """A word that stands nowhere else, in every report."""
    for number, report in enumerate(sorted(corpus.rglob("s*.txt"))):
        text = report.read_text()
        report.write_text(text.replace("FINDINGS:", f"FINDINGS: {CANARY}{number} was here. ", 1))


def canaries_in(place: Path) -> int:
    """How many files hold the word: as bytes, and as what databases and Parquet files decode to."""
    found = 0
    for path in [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]:
        found += CANARY.encode() in path.read_bytes() or CANARY in decoded(path)
    return found


def decoded(path: Path) -> str:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return str(pq.read_table(path).to_pylist())
    if path.suffix not in (".db", ".sqlite"):
        return ""
    database = sqlite3.connect(path)
    try:
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return "".join(str(database.execute(f'SELECT * FROM "{table}"').fetchall()) for table in tables)
    finally:
        database.close()
