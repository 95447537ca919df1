"""A server for each test, and every carrier of requests in turn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_server import BadServer, misbehaving, shout
from tests.chat_client import (
    CARRIED_BY,
)


@pytest.fixture
def server() -> Iterator[BadServer]:
    with misbehaving(BadServer(shout)) as running:
        yield running


@pytest.fixture(autouse=True, params=["aiohttp", pytest.param("openai", marks=pytest.mark.slow)])
def carrier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever carries the requests, all of this holds."""
    monkeypatch.setitem(CARRIED_BY, "client", request.param)
