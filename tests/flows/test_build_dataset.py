"""The Prefect flow makes the same data set as the command line, and knows no text."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ccf_pipeline import pipeline
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.settings import load_settings
from ccf_pipeline.stored import fetch_build


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One Prefect server for the whole session: starting it takes longer than the tests."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        environment.setenv("DO_NOT_TRACK", "1")
        environment.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        environment.setenv("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
        environment.setenv("PREFECT_LOGGING_LEVEL", "WARNING")
        from prefect.testing.utilities import prefect_test_harness

        with prefect_test_harness(server_startup_timeout=120):
            yield


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


@pytest.mark.usefixtures("prefect_server")
def test_the_flow_ends_in_the_same_bytes_as_the_command_line(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_flow = write_settings(tmp_path, tmp_path / "by_flow", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)

    counts = build_dataset(BuildRequest(config=str(by_flow)))
    summary = pipeline.build(load_settings(by_hand))

    assert counts == {
        "planned": summary.plan.plans,
        "accepted": summary.accepted,
        "rejected": summary.rejected,
    }
    assert dataset_files(tmp_path / "by_flow") == dataset_files(tmp_path / "by_hand")


@pytest.mark.usefixtures("prefect_server")
def test_shards_may_be_built_by_a_dask_cluster(tmp_path: Path) -> None:
    pytest.importorskip("prefect_dask")
    from flows.build_dataset import BuildRequest, build_dataset

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_dask = write_settings(tmp_path, tmp_path / "by_dask", corpus)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)

    build_dataset(BuildRequest(config=str(by_dask), runner="dask", shards_at_once=2))
    pipeline.build(load_settings(by_hand))

    assert dataset_files(tmp_path / "by_dask") == dataset_files(tmp_path / "by_hand")


@pytest.mark.usefixtures("prefect_server")
def test_an_error_that_quotes_a_report_reaches_prefect_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccf_pipeline import joining
    from flows.build_dataset import BuildRequest, build_dataset

    def quotes(*_: object) -> None:
        raise ValueError("There is a large effusion.")

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=4, seed=5)
    monkeypatch.setattr(joining, "plan_together", quotes)

    with pytest.raises(RuntimeError, match=r"^ValueError in test_build_dataset\.py:\d+$") as told:
        build_dataset(BuildRequest(config=str(write_settings(tmp_path, tmp_path / "build", corpus))))

    assert told.value.__suppress_context__


@pytest.mark.usefixtures("prefect_server", "s3")
def test_two_runs_share_a_build_in_an_object_store(tmp_path: Path) -> None:
    from flows.build_dataset import BuildRequest, build_dataset

    corpus, place = tmp_path / "corpus", f"s3://bucket/{uuid.uuid4().hex}"
    write_demo_corpus(corpus, studies=12, seed=5)
    by_hand = write_settings(tmp_path, tmp_path / "by_hand", corpus)
    summary = pipeline.build(load_settings(by_hand))
    config = tmp_path / "in_store.toml"
    store = f'[store]\nscratch = "{tmp_path / "scratch"}"\nflush_seconds = 0.2\n'
    config.write_text(by_hand.read_text().replace(str(tmp_path / "by_hand"), place) + store)
    request = BuildRequest(config=str(config), shards_at_once=2)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(build_dataset, [request, request])

    assert first == second
    assert first["accepted"] == summary.accepted
    fetch_build(Path(place), tmp_path / "fetched")
    assert dataset_files(tmp_path / "fetched") == dataset_files(tmp_path / "by_hand")
    assert list((tmp_path / "scratch").glob("*/build")) == []
