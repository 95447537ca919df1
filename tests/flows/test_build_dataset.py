"""The Prefect flow makes the same data set as the command line, and knows no text."""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.bucket.place import fetch_build
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import SettingsError, Unfinished
from ccf_pipeline.settings import load_settings
from tests.flows.conftest import Site, artifacts_of

if TYPE_CHECKING:
    from prefect import State


def write_settings(folder: Path, out: Path, corpus: Path) -> Path:
    file = folder / f"{out.name}.toml"
    file.write_text(
        f'out = "{out}"\n[corpus]\nkind = "demo"\npath = "{corpus}"\n[shards]\nsize = 5\n', encoding="utf-8"
    )
    return file


def dataset_files(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "dataset").rglob("*"))
        if path.is_file()
    }


@pytest.mark.usefixtures("prefect_here")
def test_the_flow_ends_in_the_same_bytes_as_the_command_line(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_flow = write_settings(tmp_path, tmp_path / "by_flow", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)

    counts = build_dataset(BuildRequest(config=str(by_flow)))
    summary = walk.build(load_settings(by_hand))

    assert counts == {
        "planned": summary.plan.plans,
        "accepted": summary.accepted,
        "rejected": summary.rejected,
    }
    assert dataset_files(tmp_path / "by_flow") == dataset_files(tmp_path / "by_hand")


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_shards_may_be_built_by_a_dask_cluster(tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask")
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_dask = write_settings(tmp_path, tmp_path / "by_dask", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)

    build_dataset(BuildRequest(config=str(by_dask), runner="dask", shards_at_once=2))
    walk.build(load_settings(by_hand))

    assert dataset_files(tmp_path / "by_dask") == dataset_files(tmp_path / "by_hand")


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_an_error_that_quotes_a_report_reaches_prefect_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    def quotes(*_: object) -> None:
        raise ValueError("There is a large effusion.")

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=4, seed=5)
    monkeypatch.setattr(folder_place, "plan_build", quotes)

    with pytest.raises(RuntimeError, match=r"^ValueError in test_build_dataset\.py:\d+$") as told:
        build_dataset(BuildRequest(config=str(write_settings(tmp_path, tmp_path / "build", corpus))))

    assert told.value.__suppress_context__


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here", "s3")
def test_two_runs_share_a_build_in_an_object_store(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus, place = tmp_path / "corpus", f"s3://bucket/{uuid.uuid4().hex}"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)
    summary = walk.build(load_settings(by_hand))
    config = tmp_path / "in_store.toml"
    store = f'[store]\nscratch = "{tmp_path / "scratch"}"\nflush_seconds = 0.2\n'
    config.write_text(by_hand.read_text().replace(str(tmp_path / "by_hand"), place) + store)
    request = BuildRequest(config=str(config), shards_at_once=2)

    with ThreadPoolExecutor(2) as pool:
        # Where Prefect's server is, is known in this thread's context.
        runs = [pool.submit(copy_context().run, build_dataset, request) for _ in range(2)]
    first, second = (run.result() for run in runs)

    assert first == second
    assert first["accepted"] == summary.accepted
    fetch_build(Path(place), tmp_path / "fetched")
    assert dataset_files(tmp_path / "fetched") == dataset_files(tmp_path / "by_hand")
    assert list((tmp_path / "scratch").glob("*/build")) == []


# --- a limit for the endpoint -----------------------------------------------------------------


def make_limit(name: str, slots: int) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate

    with get_client(sync_client=True) as client:
        client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=name, limit=slots))


def slots_taken(name: str) -> int:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        return client.read_global_concurrency_limit_by_name(name).active_slots


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_limit_of_prefects_holds_shards_to_so_many_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    at_work, most, taken = [], [], []
    really_build = folder_place.build_if_free

    def watched(folder: BuildFolder, materials: Materials, shard: int, **watching: Any) -> bool:
        at_work.append(shard)
        most.append(len(at_work))
        taken.append(slots_taken("one-at-a-time"))
        made = really_build(folder, materials, shard, **watching)
        at_work.remove(shard)
        return made

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)
    make_limit("one-at-a-time", 1)
    monkeypatch.setattr(folder_place, "build_if_free", watched)

    build_dataset(BuildRequest(config=str(config), shards_at_once=3, endpoint_limit="one-at-a-time"))

    assert len(most) >= 3
    assert set(most) == set(taken) == {1}
    assert slots_taken("one-at-a-time") == 0


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_without_a_limit_shards_are_built_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    two = threading.Barrier(2, timeout=60)
    really_build = folder_place.build_if_free

    def met(folder: BuildFolder, materials: Materials, shard: int, **watching: Any) -> bool:
        if shard < 2:
            two.wait()
        return really_build(folder, materials, shard, **watching)

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)
    make_limit("two-at-a-time", 2)
    monkeypatch.setattr(folder_place, "build_if_free", met)

    build_dataset(BuildRequest(config=str(config), shards_at_once=2, endpoint_limit="two-at-a-time"))

    assert not two.broken


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_limit_that_nobody_made_is_told_before_anything_is_planned(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=4, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)

    with pytest.raises(SettingsError, match=r"no global concurrency limit `mistyped`.*prefect gcl create"):
        build_dataset(BuildRequest(config=str(config), endpoint_limit="mistyped"))

    assert not (tmp_path / "build").exists()


# --- what is left to see ----------------------------------------------------------------------


def names_of(state: State[Any]) -> tuple[str, set[str]]:
    """What a run and its tasks are called."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    run_id = state.state_details.flow_run_id
    this_run = FlowRunFilter.model_validate({"id": {"any_": [run_id]}})
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(run_id)
        return run.name, {task.name for task in client.read_task_runs(flow_run_filter=this_run)}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_finished_run_shows_progress_rows_verdicts_and_the_report(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)

    state = build_dataset(BuildRequest(config=str(config)), return_state=True)

    shown, folder = artifacts_of(state.state_details.flow_run_id), BuildFolder(tmp_path / "build")
    summary, _ = folder.read_manifest()
    shards = json.loads(shown["shards"])
    assert set(shown) == {"progress", "shards", "verdicts", "report"}
    assert shown["progress"] == 100.0
    assert [row["shard"] for row in shards] == list(range(summary.plan.shards))
    assert sum(row["accepted"] for row in shards) == summary.accepted
    verdicts = {row["verdict"]: row["rows"] for row in json.loads(shown["verdicts"])}
    assert verdicts["accepted"] == summary.accepted
    assert {name for name in verdicts if name != "accepted"} == {e.reason for e in summary.rejected_by_reason}
    assert folder.manifest_path.absolute().as_uri() in shown["report"]
    assert names_of(state) == (f"build {config}", {f"shard {row['shard']}" for row in shards})


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_the_pages_of_a_run_show_the_lines_of_the_build_and_no_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import LogFilter
    from prefect.logging.handlers import APILogWorker

    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)

    for runs in ("prefect.flow_runs", "prefect.task_runs"):
        caplog.set_level("INFO", logger=runs)
    state = build_dataset(BuildRequest(config=str(config)), return_state=True)
    APILogWorker.drain_all()

    this_run = LogFilter.model_validate({"flow_run_id": {"any_": [state.state_details.flow_run_id]}})
    with get_client(sync_client=True) as client:
        lines = [one.message for one in client.read_logs(this_run)]
    records = BuildFolder(tmp_path / "build").accepted_records(3)
    told = {sentence for record in records for sentence in record.factual_text.split(". ") if " " in sentence}
    assert sum("shard" in line and "accepted" in line for line in lines) >= 3
    assert any("finished" in line for line in lines)
    assert told
    assert not [sentence for sentence in told if any(sentence in line for line in lines)]


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_run_that_failed_says_what_is_done_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    really_build = folder_place.build_if_free

    def stopped(folder: BuildFolder, materials: Materials, shard: int, **watching: Any) -> bool:
        if shard == 2:
            raise Unfinished("stopped: as asked")
        return really_build(folder, materials, shard, **watching)

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    request = BuildRequest(config=str(write_settings(tmp_path, tmp_path / "build", corpus)))
    with monkeypatch.context() as patched:
        patched.setattr(folder_place, "build_if_free", stopped)
        failed = build_dataset(request, return_state=True)
    finished = build_dataset(request, return_state=True)

    ended = json.loads(artifacts_of(failed.state_details.flow_run_id)["ended"])
    assert ended == [{"build": str(tmp_path / "build"), "ended": "Failed", "sealed": 2, "of": 3}]
    assert finished.is_completed()
    assert "ended" not in artifacts_of(finished.state_details.flow_run_id)


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_here")
def test_a_run_that_crashed_says_what_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prefect.client.orchestration import get_client
    from prefect.context import get_run_context

    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    runs: list[Any] = []

    def dies(*_: object) -> None:
        runs.append(get_run_context().flow_run.id)  # type: ignore[union-attr]
        raise SystemExit("the machine goes down")

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    request = BuildRequest(config=str(write_settings(tmp_path, tmp_path / "build", corpus)))
    monkeypatch.setattr(folder_place, "finish_build", dies)

    with pytest.raises(SystemExit):
        build_dataset(request)

    with get_client(sync_client=True) as client:
        state = client.read_flow_run(runs[0]).state
    assert state is not None
    assert state.is_crashed()
    ended = json.loads(artifacts_of(runs[0])["ended"])
    assert ended == [{"build": str(tmp_path / "build"), "ended": "Crashed", "sealed": 3, "of": 3}]


@pytest.mark.usefixtures("prefect_here")
def test_a_run_without_settings_fails_with_what_is_wrong_and_no_more(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    state = build_dataset(BuildRequest(config=str(tmp_path / "nowhere.toml")), return_state=True)

    assert state.is_failed()
    assert "nowhere.toml: there is no such settings file" in str(state.message)
    assert artifacts_of(state.state_details.flow_run_id) == {}


# --- a server that is not there ---------------------------------------------------------------


@pytest.mark.faults
@pytest.mark.usefixtures("prefect_here")
def test_a_run_whose_server_dies_leaves_a_build_that_the_command_line_finishes(
    tmp_path: Path, site: Site
) -> None:
    """O01: it goes through a gate of ours to the server; the gate closes while a shard is built.

    Prefect keeps trying for half a minute, so this is among the long ones.
    """
    import httpx
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from ccf_pipeline.engine import folder_place
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5, images=False)
    by_flow = write_settings(tmp_path, tmp_path / "by_flow", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)
    really_build = folder_place.build_if_free

    with Gate(site.port) as gate, pytest.MonkeyPatch.context() as patched:

        def and_then_it_dies(folder: BuildFolder, materials: Materials, shard: int, **watching: Any) -> bool:
            made = really_build(folder, materials, shard, **watching)
            gate.close()
            return made

        patched.setattr(folder_place, "build_if_free", and_then_it_dies)
        url = f"http://127.0.0.1:{gate.port}/api"
        with (
            temporary_settings({PREFECT_API_URL: url, PREFECT_CLIENT_MAX_RETRIES: 0}),
            contextlib.suppress(httpx.TransportError),
        ):
            build_dataset(BuildRequest(config=str(by_flow)))
        gate.open()
    sealed = sum(map(BuildFolder(tmp_path / "by_flow").is_sealed, range(3)))
    paid = open_place(tmp_path / "by_flow").spent().answers
    walk.build(load_settings(by_flow))
    walk.build(load_settings(by_hand))

    assert sealed >= 1
    assert open_place(tmp_path / "by_flow").spent() == open_place(tmp_path / "by_hand").spent()
    assert paid > 0
    assert dataset_files(tmp_path / "by_flow") == dataset_files(tmp_path / "by_hand")


class Gate:
    """Passes on what is sent to a port, but while it is closed."""

    def __init__(self, port: int) -> None:
        self._to, self.port = port, 0
        self.open()

    def open(self) -> None:
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for one in (self._listening, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
