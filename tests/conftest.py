"""Every test starts from here: without the settings of the person who runs it, in an order of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.s3_server import S3Server, serving_s3
from tests.shipped import share_graph

# No deadline: a shared machine is slow now and then. The same examples every time: a red run can be repeated.
settings.register_profile("ccf", deadline=None, derandomize=True)
settings.load_profile("ccf")


LONGEST = ("tests/faults/", "tests/flows/")
PERSONAL = ("CCF_", "AWS_", "HF_", "OPENAI_", "PREFECT_")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no core waits for them at the end; mark those in a browser."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")
            item.add_marker("slow")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the seed of the order: a quiet run prints no header that would tell it."""
    seed = config.getoption("randomly_seed", None)
    if isinstance(seed, int):
        terminalreporter.write_line(f"the same order again: pytest --randomly-seed={seed}")


@pytest.fixture(autouse=True)
def forget_personal_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the variables of somebody's shell that would decide a test."""
    for name in [name for name in os.environ if name.startswith(PERSONAL)]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def one_graph_for_all_builds() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        share_graph(patch)
        yield


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 for the whole session: importing it takes longer than the tests."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.moto_server.werkzeug_app")
    with serving_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """S3 with the bucket `bucket` and its keys in the environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    s3_server.make_bucket("bucket")
    s3_server.requests.clear()
    yield s3_server
    s3_server.mischief = None
