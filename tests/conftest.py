"""What every test starts from: no settings of the person who runs it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.s3_server import S3Server, serving_s3

# No deadline: a shared machine is slow now and then. The same examples every time: a red run can be repeated.
settings.register_profile("ccf", deadline=None, derandomize=True)
settings.load_profile("ccf")


LONGEST = ("tests/faults/", "tests/flows/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no core waits for it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@pytest.fixture(autouse=True)
def no_settings_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CCF_ variable in somebody's shell must not decide a test."""
    for name in [name for name in os.environ if name.startswith("CCF_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 for the whole session: importing it takes longer than the tests."""
    pytest.importorskip("s3fs")
    pytest.importorskip("moto.moto_server.werkzeug_app")
    with serving_s3() as server:
        yield server


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """S3 with the bucket `bucket`, its keys in the environment, and nobody's own."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    s3_server.make_bucket("bucket")
    s3_server.requests.clear()
    yield s3_server
    s3_server.mischief = None
