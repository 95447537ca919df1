"""A server for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bad_server import BadServer, misbehaving, shout


@pytest.fixture
def server() -> Iterator[BadServer]:
    with misbehaving(BadServer(shout)) as running:
        yield running
