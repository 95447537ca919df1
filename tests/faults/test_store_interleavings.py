"""Workers on one store in any order of events: they come, work, sleep, die, return, and finish.

The store is fsspec's in memory and time is a number, so that a worker may sleep past its lease and wake up.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.bucket.journal_segments import Segments
from ccf_pipeline.engine.bucket.layout import MANIFEST
from ccf_pipeline.engine.bucket.object_store import open_store
from ccf_pipeline.engine.bucket.worker import BucketSite
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import Unfinished
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings, ShardSettings
from tests.faults.harness import Killed, Mortal

SHARDS = 2
LEASE_SECONDS = 60.0


@lru_cache(maxsize=1)
def world() -> tuple[Materials, bytes]:
    """What is loaded once, and the manifest that every order of events must end in."""
    folder = Path(tempfile.mkdtemp(prefix="ccf-interleaved-"))
    write_demo_corpus(folder / "corpus", studies=6, seed=11, images=False)
    chosen = BuildSettings(
        out=folder / "reference",
        corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
        shards=ShardSettings(size=3),
        dataset=DatasetSettings(configs=("ccf",)),
    )
    materials = Materials.load(chosen)
    with open_build(chosen.out, materials.identity) as build, Journal(build.journal_path) as journal:
        plan = plan_build(build, materials)
        assert plan.shards == SHARDS
        expert = Mortal(materials, 10**6)
        build_shards(build, materials, range(SHARDS), expert, journal)
        finish_build(build, materials)
        return materials, build.manifest_path.read_bytes()


@pytest.fixture(scope="module", autouse=True)
def tidy() -> Iterator[None]:
    yield
    shutil.rmtree(world()[0].settings.out.parent, ignore_errors=True)


@dataclass
class Machine:
    """A machine with a scratch folder, and its process while it lives."""

    name: str
    folder: Path
    stored: BucketSite | None = None
    process: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def die(self) -> None:
        self.process.close()
        self.stored = None


class Interleavings(RuleBasedStateMachine):
    """`flushed` is what must never be asked again."""

    moody = False

    def __init__(self) -> None:
        super().__init__()
        self.materials, self.expected = world()
        self.base = Path(tempfile.mkdtemp(prefix="ccf-interleaved-"))
        self.url = f"memory://bucket/{uuid.uuid4().hex}"
        self.store = open_store(self.url)
        self.now = 0.0
        self.machines: list[Machine] = []

    def teardown(self) -> None:
        for machine in self.machines:
            machine.die()
        for name in self.store.names(""):
            self.store.remove(name)
        shutil.rmtree(self.base, ignore_errors=True)

    # --- machines ---------------------------------------------------------------------------

    def living(self) -> list[Machine]:
        return [machine for machine in self.machines if machine.stored is not None]

    def start(self, machine: Machine, *, dies_planning: bool = False) -> None:
        machine.process = contextlib.ExitStack()
        folder = machine.process.enter_context(open_build(machine.folder, self.materials.identity))
        with Journal(folder.journal_path):
            pass
        stored = BucketSite(self.store, folder, self.materials, machine.name, lambda: self.now)
        stored.segments.bring()
        stored.sync()
        if dies_planning:
            stored.leases.claim("plan")
            machine.die()
            return
        try:
            stored.plan(stopping=lambda: True)
            machine.stored = stored
        except Unfinished:  # another is planning, or died doing so
            machine.die()

    @initialize()
    def one_begins(self) -> None:
        self.a_machine_comes(dies_planning=False)

    @precondition(lambda self: len(self.machines) < 4)
    @rule(dies_planning=st.booleans())
    def a_machine_comes(self, dies_planning: bool) -> None:
        machine = Machine(f"worker{len(self.machines)}", self.base / f"machine{len(self.machines)}")
        self.machines.append(machine)
        self.start(machine, dies_planning=dies_planning)

    @precondition(lambda self: self.living())
    @rule(data=st.data(), disk_too=st.booleans())
    def one_dies(self, data: st.DataObject, disk_too: bool) -> None:
        machine = data.draw(st.sampled_from(self.living()))
        machine.die()
        if disk_too:
            shutil.rmtree(machine.folder)

    @precondition(lambda self: len(self.living()) < len(self.machines))
    @rule(data=st.data())
    def one_returns(self, data: st.DataObject) -> None:
        self.start(data.draw(st.sampled_from([m for m in self.machines if m.stored is None])))

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def one_leaves(self, data: st.DataObject) -> None:
        machine = data.draw(st.sampled_from(self.living()))
        assert machine.stored is not None
        machine.stored.sync()
        machine.stored.leases.leave()
        machine.die()

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def one_syncs(self, data: st.DataObject) -> None:
        stored = data.draw(st.sampled_from(self.living())).stored
        assert stored is not None
        stored.sync()

    @rule()
    def time_passes(self) -> None:
        self.now += 1.1 * LEASE_SECONDS

    # --- work -------------------------------------------------------------------------------

    @precondition(lambda self: self.living())
    @rule(data=st.data(), answers=st.integers(0, 20), mood=st.integers(0, 2), syncs=st.booleans())
    def one_works(self, data: st.DataObject, answers: int, mood: int, syncs: bool) -> None:
        self.work(data.draw(st.sampled_from(self.living())), answers, mood, syncs=syncs)

    def work(self, machine: Machine, answers: int, mood: int, *, syncs: bool) -> None:
        """Build a shard, if there is one; who does not sync meanwhile is asleep for the others."""
        stored = machine.stored
        assert stored is not None
        shard = stored.next_shard()
        if shard is None:
            return
        flushed = self.flushed()
        meanwhile = stored.sync if syncs else (lambda: None)
        expert = Mortal(self.materials, answers, mood if self.moody else None, meanwhile)
        try:
            with Journal(stored.folder.journal_path) as journal:
                build_shards(stored.folder, self.materials, [shard], expert, journal)
        except Killed:
            machine.die()
        assert not flushed & set(expert.asked), "what lay in the store was asked again"

    @precondition(lambda self: self.living())
    @rule(data=st.data())
    def one_finishes_if_it_can(self, data: st.DataObject) -> None:
        stored = data.draw(st.sampled_from(self.living())).stored
        assert stored is not None
        stored.sync()
        if not stored.missing():
            with contextlib.suppress(Unfinished):  # another is at it, or died there
                stored.finish(stopping=lambda: True)

    def flushed(self) -> set[str]:
        path = self.base / uuid.uuid4().hex
        Segments(self.store, "reader", path).bring()
        with Journal(path) as journal:
            return {str(row[0]) for rows in journal.rows_after(0) for _, row in rows}

    # --- what must hold ---------------------------------------------------------------------

    @invariant()
    def a_sealed_shard_is_whole(self) -> None:
        if self.store.read("build.json") is not None:
            found = open_place(Path(self.url)).check(silent)
            assert found.damaged == ()
            assert found.journal is None

    @invariant()
    def a_finished_build_is_the_one_expected(self) -> None:
        manifest = self.store.read(MANIFEST)
        if manifest is not None and not self.moody:
            assert manifest == self.expected

    def finish_alone(self) -> None:
        """Whatever happened, one who comes now brings it to its end."""
        for machine in self.machines:
            machine.die()
        last = Machine("last", self.base / "last")
        self.machines.append(last)
        while last.stored is None:
            self.start(last)
            self.now += 2 * LEASE_SECONDS
        while last.stored.missing():
            self.now += 2 * LEASE_SECONDS
            shard = last.stored.next_shard()
            if shard is None:
                continue
            flushed, expert = self.flushed(), Mortal(self.materials, 10**6, 1 if self.moody else None)
            with Journal(last.stored.folder.journal_path) as journal:
                build_shards(last.stored.folder, self.materials, [shard], expert, journal)
            assert not flushed & set(expert.asked)
            last.stored.sync()
        self.now += 2 * LEASE_SECONDS
        last.stored.finish(stopping=lambda: False)
        assert open_place(Path(self.url)).check(silent).finished


class EndsAlone(Interleavings):
    def teardown(self) -> None:
        try:
            self.finish_alone()
            self.a_finished_build_is_the_one_expected()
        finally:
            super().teardown()


class Moody(EndsAlone):
    """Answers differ from worker to worker: of two that sealed a shard the first one counts, whole."""

    moody = True


def test_who_wakes_up_after_its_lease_does_not_spoil_what_others_sealed() -> None:
    story = Moody()
    try:
        story.a_machine_comes(dies_planning=False)
        story.a_machine_comes(dies_planning=False)
        sleeper, other = story.machines
        story.work(sleeper, 100, 0, syncs=False)
        story.time_passes()
        for _ in range(SHARDS):
            story.work(other, 100, 1, syncs=True)
        assert other.stored is not None
        assert sleeper.stored is not None
        other.stored.sync()
        seals = {name: story.store.read(name) for name in story.store.names("seals/")}

        sleeper.stored.sync()

        assert len(seals) == SHARDS
        assert {name: story.store.read(name) for name in story.store.names("seals/")} == seals
        assert open_place(Path(story.url)).check(silent).damaged == ()
    finally:
        story.teardown()


def test_who_takes_over_a_shard_takes_over_its_answers() -> None:
    story = EndsAlone()
    try:
        story.a_machine_comes(dies_planning=False)
        story.a_machine_comes(dies_planning=False)
        first, heir = story.machines
        story.work(first, 8, 0, syncs=True)
        assert first.stored is None, "it was to die on the way"
        assert heir.stored is not None
        flushed = story.flushed()
        heir.stored.sync()
        story.time_passes()

        for _ in range(SHARDS):
            story.work(heir, 100, 0, syncs=True)  # asserts that nothing flushed is asked

        assert flushed
        heir.stored.sync()
        assert heir.stored.missing() == set()
    finally:
        story.teardown()


QUICK = settings(max_examples=6, stateful_step_count=14, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=60, stateful_step_count=30, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
class TestWorkers(EndsAlone.TestCase):
    settings = QUICK


@pytest.mark.slow
class TestMoodyWorkers(Moody.TestCase):
    settings = QUICK


@pytest.mark.faults
class TestManyWorkers(EndsAlone.TestCase):
    """The same at length."""

    settings = LONG


@pytest.mark.faults
class TestManyMoodyWorkers(Moody.TestCase):
    """The same at length."""

    settings = LONG
