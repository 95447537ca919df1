"""Builds, kills, damage and repair in any order, against what a dictionary says must be there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import recheck as rechecking
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.verify import build_status, check_build, repair_build
from ccf_pipeline.errors import StorageError
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PriceSettings, ShardSettings
from tests.faults.harness import Killed, Mortal, dataset_of

SHARDS = 3


@lru_cache(maxsize=1)
def world() -> tuple[BuildSettings, Materials, dict[str, str]]:
    """The settings, what is loaded for them, and the data set that every order of events must end in."""
    folder = Path(tempfile.mkdtemp(prefix="ccf-stateful-"))
    write_demo_corpus(folder / "corpus", studies=9, seed=11, images=False)
    chosen = BuildSettings(
        out=folder / "reference",
        corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
        shards=ShardSettings(size=3),
    )
    materials = Materials.load(chosen)
    with open_build(chosen.out, materials.identity) as build, Journal(build.journal_path) as journal:
        plan = plan_build(build, materials)
        expert = Mortal(materials, 10**6)
        build_shards(build, materials, range(plan.shards), expert, journal)
        finish_build(build, materials)
    return chosen, materials, dataset_of(chosen.out)


@pytest.fixture(scope="module", autouse=True)
def tidy() -> Iterator[None]:
    yield
    shutil.rmtree(world()[0].out.parent, ignore_errors=True)


class BuildMachine(RuleBasedStateMachine):
    """`answers` is what the journal must hold; `sealed` which shards; `damaged` what was broken since."""

    def __init__(self) -> None:
        super().__init__()
        settings, materials, self.expected = world()
        self.out = Path(tempfile.mkdtemp(prefix="ccf-stateful-")) / "build"
        self.settings = settings.model_copy(update={"out": self.out})
        self.materials = Materials(self.settings, materials.graph, materials.templates)
        self.materials.__dict__["lexicon"] = materials.lexicon
        self.folder = BuildFolder(self.out)
        self.answers: set[str] = set()
        self.sealed: set[int] = set()
        self.damaged: set[str] = set()
        self.finished = False

    def teardown(self) -> None:
        shutil.rmtree(self.out.parent, ignore_errors=True)

    def work(self, shards: list[int], answers: int, *, finish: bool) -> None:
        """One process: plans, builds these shards, perhaps finishes; it may die after so many answers."""
        with open_build(self.out, self.materials.identity) as folder, Journal(folder.journal_path) as journal:
            plan_build(folder, self.materials)
            expert = Mortal(self.materials, answers)
            missing = [shard for shard in shards if not folder.is_sealed(shard)]
            try:
                build_shards(folder, self.materials, missing, expert, journal)
            except Killed:
                pass
            else:
                self.sealed |= set(missing)
                if finish:
                    finish_build(folder, self.materials)
                    self.finished = True
            assert not self.answers & set(expert.asked), "an acknowledged answer was asked again"
            kept = {str(row[0]) for rows in journal.rows_after(0) for _, row in rows}
            assert kept >= self.answers
            self.answers = kept
            self.sealed |= {shard for shard in missing if folder.is_sealed(shard)}

    @precondition(lambda self: not self.finished)
    @rule(shard=st.integers(0, SHARDS - 1), answers=st.integers(0, 8))
    def add_some_answers(self, shard: int, answers: int) -> None:
        self.work([shard], answers, finish=False)

    @precondition(lambda self: not self.finished and not self.damaged)
    @rule()
    def resume_to_the_end(self) -> None:
        self.work(list(range(SHARDS)), 10**6, finish=True)

    @precondition(lambda self: self.sealed - {int(name[-13:-8]) for name in self.damaged})
    @rule(data=st.data(), place=st.integers(0, 10**6), change=st.integers(1, 255))
    def flip_a_byte_of_a_sealed_shard(self, data: st.DataObject, place: int, change: int) -> None:
        whole = sorted(self.sealed - {int(name[-13:-8]) for name in self.damaged})
        path = self.folder.accepted_path(data.draw(st.sampled_from(whole)))
        content = bytearray(path.read_bytes())
        content[place % len(content)] ^= change
        path.write_bytes(content)
        self.damaged.add(path.relative_to(self.out).as_posix())

    @rule()
    def verify(self) -> None:
        if self.folder.identity_path.exists():
            assert set(check_build(self.out).damaged) == self.damaged

    @precondition(lambda self: self.finished)
    @rule()
    def repair(self) -> None:
        repair_build(self.out, None)
        self.damaged.clear()

    @precondition(lambda self: self.finished)
    @rule()
    def recheck_without_writing(self) -> None:
        try:
            summary = rechecking.recheck(self.out, None, write=False, progress=silent)
        except StorageError:
            assert self.damaged, "only a damaged shard cannot be judged again"
        else:
            assert not self.damaged
            assert summary.newly_accepted == summary.newly_rejected == ()

    @invariant()
    def status_says_what_is_sealed(self) -> None:
        if self.folder.identity_path.exists() and self.folder.plan_summary_path.exists():
            found = build_status(self.out, PriceSettings())
            assert found.shards_sealed == len(self.sealed)
            assert found.state == ("finished" if self.finished else "stopped")
            assert found.spend.answers == len(self.answers)

    @invariant()
    def a_finished_build_is_the_one_expected(self) -> None:
        if self.finished:
            assert dataset_of(self.out) == self.expected


@pytest.mark.slow
class TestBuilds(BuildMachine.TestCase):
    """Some short histories."""

    settings = settings(max_examples=5, stateful_step_count=10, suppress_health_check=list(HealthCheck))


@pytest.mark.faults
class TestManyBuilds(BuildMachine.TestCase):
    """The same at length."""

    settings = settings(max_examples=50, stateful_step_count=50, suppress_health_check=list(HealthCheck))
