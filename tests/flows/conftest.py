"""One Prefect server for all tests of flows: starting it takes longer than most of them."""

from __future__ import annotations

import contextlib
import json
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
from typing import Any
from uuid import UUID

import pytest

from ccf_pipeline.engine.prefect_runs import PROCESS

ROOT = Path(__file__).parents[2]
WAIT_SECONDS = 300
# As `prefect …` does each, but what they import is imported once.
SEVERAL_COMMANDS = """
import json, sys
from prefect.cli import app
for words in json.loads(sys.argv[1]):
    sys.argv = ["prefect", *words]
    try:
        app()
    except SystemExit as ended:
        if ended.code:
            raise
"""


class Site:
    """A Prefect server with a home of its own, and the processes that were begun beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/api"
        self.home = folder / "prefect"
        self.temp = folder / "temp"
        self.flows_here = folder / "flows-here"
        self.temp.mkdir()
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CCF_"))
        }
        self.environment = {
            **kept,
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_URL": self.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_SERVER_CONCURRENCY_MAXIMUM_CONCURRENCY_SLOT_WAIT_SECONDS": "0.2",
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
                cwd=self.flows_here,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def prefect(self, *commands: str) -> None:
        """Commands of Prefect's, one after the other."""
        self.call("-c", SEVERAL_COMMANDS, json.dumps([command.split() for command in commands]))

    def call(self, *words: str) -> str:
        outcome = subprocess.run(
            [sys.executable, *words],
            cwd=self.flows_here,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stdout[-1500:] + outcome.stderr[-1500:]
        return outcome.stdout

    def is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/health").status == 200
        return False

    def states(self) -> list[str]:
        """The states of all flow runs of deployments, in the order they were made."""
        return [str(row[0]) for row in self._deployed("state_type")]

    def runs_with_a_process(self) -> int:
        """How many of them have said which process they live in."""
        return sum(PROCESS in str(row[0]) for row in self._deployed("labels"))

    def run_ids(self) -> list[str]:
        """The ids of the same runs, in the same order."""
        return [str(UUID(row[0])) for row in self._deployed("id")]

    def _deployed(self, column: str) -> list[Any]:
        with contextlib.closing(
            sqlite3.connect(f"file:{self.home / 'prefect.db'}?mode=ro", uri=True)
        ) as database:
            return database.execute(
                f"SELECT {column} FROM flow_run WHERE deployment_id IS NOT NULL ORDER BY created"
            ).fetchall()

    def close(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + WAIT_SECONDS
    while not done():
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server, and a folder with the flows as they are deployed."""
    place = Site(tmp_path_factory.mktemp("site"))
    shutil.copytree(ROOT / "flows", place.flows_here / "flows", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "prefect.yaml", place.flows_here)
    try:
        place.begin("server", "server", "start", "--port", str(place.port))
        until(place.is_up)
        yield place
    finally:
        place.close()


@pytest.fixture
def prefect_here(site: Site) -> Iterator[None]:
    """Flows that are called in this process report to the site's server."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME, PREFECT_LOGGING_LEVEL, temporary_settings

    with temporary_settings(
        {PREFECT_API_URL: site.url, PREFECT_HOME: site.home, PREFECT_LOGGING_LEVEL: "WARNING"}
    ):
        yield
        APILogWorker.drain_all()
        EventsWorker.drain_all()


def artifacts_of(flow_run_id: object) -> dict[str, Any]:
    """What a run left to look at, by key; the progress has none."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    this_run = FlowRunFilter.model_validate({"id": {"any_": [flow_run_id]}})
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(flow_run_filter=this_run)
    return {one.key or str(one.type): one.data for one in found if one.key or one.type == "progress"}
