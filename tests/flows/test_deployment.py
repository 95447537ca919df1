"""The way that operators go: server, work pool, two workers, a deployment, and a worker that is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import folder_place
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.claim import join_build
from ccf_pipeline.engine.locks import guarded, holder_of, is_leased, leased
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.settings import load_settings
from tests.flows.conftest import Site, artifacts_of, until
from tests.flows.test_build_dataset import dataset_files, write_settings

CANARY = "CANARYQZX"
LAST_SHARD = 7


def children_of(pid: int) -> list[int]:
    out = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    found = [int(line) for line in out.stdout.split()]
    return [*found, *(inner for child in found for inner in children_of(child))]


WORKER = ("worker", "start", "--pool", "ccf", "--limit", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_killed_worker_costs_nothing_and_no_text_leaves_the_build(site: Site, tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=40, seed=5, images=False)
    plant_canaries(corpus)
    by_flow = write_settings(tmp_path, tmp_path / "by_flow", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)
    cancelled = write_settings(tmp_path, tmp_path / "cancelled", corpus)
    run, other_run = deployment_run(by_flow), deployment_run(cancelled)
    site.prefect(
        "work-pool create ccf --type process",
        "--no-prompt deploy --name build-dataset/default",
        *(run, run, other_run),
    )
    workers = [site.begin(f"worker{number}", *WORKER) for number in (1, 2)]

    with joined(cancelled) as other, guarded(other.path):  # who comes to it waits
        with joined(by_flow) as folder, leased(folder_place.lease_path(folder, LAST_SHARD)):
            with guarded(folder.path):  # nobody begins before both are there
                until(lambda: site.runs_with_a_process() == 2)
            until(lambda: any(map(folder.is_sealed, range(LAST_SHARD))))
            kill_with_children(workers[0].pid)
            finished_before = folder.is_finished()  # it cannot be: one shard is ours
        until(lambda: site.runs_with_a_process() == 3)
        lost_before = site.states()
        said = site.call("-m", "ccf_pipeline.cli", "recover")
        site.prefect(f"flow-run cancel {site.run_ids()[2]}", run)
        until(lambda: site.states()[2] == "CANCELLED")
    until(lambda: site.states()[3] == "COMPLETED")

    assert not finished_before
    assert sorted(lost_before) == ["COMPLETED", "RUNNING", "RUNNING"]
    assert said.count("crashed; run it again") == 1
    assert sorted(site.states()) == ["CANCELLED", "COMPLETED", "COMPLETED", "CRASHED"]
    (ended,) = json.loads(artifacts_of(site.run_ids()[2])["ended"])
    assert (ended["build"], ended["ended"], ended["sealed"]) == (str(other.path), "Cancelling", 0)
    assert holder_of(other.path) is None
    walk.build(load_settings(by_hand))
    assert dataset_files(tmp_path / "by_flow") == dataset_files(tmp_path / "by_hand")
    assert not any(is_leased(path) for path in (folder.path / "leases").iterdir())
    assert canaries_in(folder.path) > 0
    for place in (site.home, site.temp, site.flows_here, *site.folder.glob("*.log")):
        assert canaries_in(place) == 0, place


def deployment_run(config: Path) -> str:
    return f'deployment run build-dataset/default --param request={{"config":"{config}"}}'


@contextlib.contextmanager
def joined(config: Path) -> Iterator[BuildFolder]:
    """Take part in a build as one more process that builds the same."""
    settings = load_settings(config)
    with join_build(settings.out, Materials.load(settings).identity) as folder:
        yield folder


def kill_with_children(pid: int) -> None:
    for one in (pid, *children_of(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


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
