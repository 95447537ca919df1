"""How the client paces itself: Retry-After, width, rates and backing off."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.experts.chat import Patience
from ccf_pipeline.experts.chat.pacing import Rate, Width, retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=7), usegmt=True)}, 7.0),
        ({"retry-after": format_datetime(NOW - timedelta(days=7), usegmt=True)}, 0.0),
        ({"retry-after": "86400"}, 86400.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "Fri, 99 Foo 2026 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_is_ever_an_error(said: str) -> None:
    wait = retry_after({"retry-after": said}, NOW)

    assert wait is None or wait >= 0


def test_width_grows_until_the_first_overload_and_then_carefully() -> None:
    width = Width(64)
    for _ in range(100):
        width.widen()
    widest = width.now

    width.narrow(sent_at=10.0, now=11.0)
    width.narrow(sent_at=10.5, now=11.1)  # It had been sent before the cut: the same overload.
    cut = width.now
    for _ in range(32):
        width.widen()

    assert (widest, cut) == (64, 32)
    assert cut < width.now < cut + 1.01


def test_a_rate_is_never_exceeded() -> None:
    rate, now, sent = Rate(600), 0.0, []
    for _ in range(100):
        now += rate.wait(now)
        rate.use(1, now)
        sent.append(now)

    assert max(later - sent[place] for place, later in enumerate(sent[20:])) >= 0
    assert all(sent[n + 20] - sent[n] >= 0.99 for n in range(80))


@given(st.integers(0, 100), st.integers(0, 2**32))
def test_backoff_stays_within_its_bounds(failures: int, seed: int) -> None:
    assert 0 <= Patience().backoff(failures, random.Random(seed)) <= 30
