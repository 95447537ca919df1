"""Leases in a store: one at a time has a piece of work, and death frees it without comparing clocks."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import pytest

from ccf_pipeline.engine.bucket.leases import Leases, workers_in
from ccf_pipeline.engine.bucket.object_store import Store, open_store

SECONDS = 60.0


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    return open_store(f"memory://bucket/{uuid.uuid4().hex}")


def worker(store: Store, name: str, clock: Clock) -> Leases:
    leases = Leases(store, name, SECONDS, clock)
    leases.beat()
    return leases


def test_only_one_has_a_piece_of_work(store: Store) -> None:
    clock = Clock()
    a, b = worker(store, "a", clock), worker(store, "b", clock)

    assert a.claim("shard-00000")
    assert a.claim("shard-00000"), "what is ours stays ours"
    assert not b.claim("shard-00000")
    assert b.claim("shard-00001")
    assert a.leased() == {"shard-00000", "shard-00001"}


def test_who_leaves_leaves_the_work_at_once(store: Store) -> None:
    clock = Clock()
    a, b = worker(store, "a", clock), worker(store, "b", clock)
    assert a.claim("plan")

    a.leave()

    assert b.claim("plan")


def test_who_gives_no_sign_for_long_enough_has_lost_the_work(store: Store) -> None:
    clock = Clock()
    a, b = worker(store, "a", clock), worker(store, "b", clock)
    assert a.claim("plan")
    b.look()

    clock.now = SECONDS - 1
    assert not b.claim("plan")
    clock.now = SECONDS
    assert b.claim("plan")
    assert not a.claim("plan"), "it may come back, but not to this"


def test_who_gives_signs_keeps_the_work(store: Store) -> None:
    clock = Clock()
    a, b = worker(store, "a", clock), worker(store, "b", clock)
    assert a.claim("plan")

    for _ in range(10):
        clock.now += SECONDS / 2
        a.beat()
        b.look()
        assert not b.claim("plan")


def test_a_clock_that_is_days_off_changes_nothing(store: Store) -> None:
    ours, theirs = Clock(), Clock(now=-86_400.0)
    a = worker(store, "a", theirs)
    b = worker(store, "b", ours)
    assert a.claim("plan")
    b.look()

    ours.now, theirs.now = SECONDS / 2, 86_400.0
    assert not b.claim("plan")


def test_a_sign_seen_for_the_first_time_is_watched_before_it_is_judged(store: Store) -> None:
    old = worker(store, "dead", Clock())
    assert old.claim("plan")
    clock = Clock(now=10**6)

    b = worker(store, "b", clock)
    assert not b.claim("plan")
    clock.now += SECONDS
    assert b.claim("plan")


def test_of_three_that_inherit_one_does(store: Store) -> None:
    clock = Clock()
    dead = worker(store, "dead", clock)
    assert dead.claim("plan")
    heirs = [worker(store, name, clock) for name in "abc"]
    dead.leave()

    assert [heir.claim("plan") for heir in heirs] == [True, False, False]


def test_a_damaged_lease_is_nobodys(store: Store) -> None:
    store.put("leases/plan/000001", b"")

    assert worker(store, "a", Clock()).claim("plan")


def test_signs_say_who_and_when(store: Store) -> None:
    worker(store, "a", Clock())
    store.put("workers/odd.json", b"?")

    [(holder, modified)] = workers_in(store)

    assert holder.shares
    assert modified is not None
