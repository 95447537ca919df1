"""Builds, kills, damage, repair, upgrades and shares in any order, against a plain model.

The model is what the machine remembers of itself: which answers were paid for, which shards are sealed, which
files were damaged, whether the build is finished. Whatever came before, nothing paid for is asked again, what
is damaged is named and nothing else, and a finished build without damage is the one expected.
"""

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
from ccf_pipeline.engine.paid_answers import count_lost
from ccf_pipeline.engine.verify import build_status, check_build, repair_build
from ccf_pipeline.errors import StorageError
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PriceSettings, ShardSettings
from ccf_pipeline.sharing.share import share
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
            self.damaged.discard("build.json")  # the plan tells what it was
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

    def whole_files(self) -> list[str]:
        """Return the files that a change may fall on: of each shard one at most is damaged."""
        hurt = {name[-13:-8] for name in self.damaged}
        shards = [f"{shard:05}" for shard in sorted(self.sealed) if f"{shard:05}" not in hurt]
        names = [f"accepted/shard-{shard}.parquet" for shard in shards]
        names += [f"plan/shard-{shard}.parquet" for shard in shards]
        return names + ["build.json"] * ("build.json" not in self.damaged)

    @precondition(lambda self: self.sealed)
    @rule(data=st.data(), place=st.integers(0, 10**6), change=st.integers(1, 255))
    def flip_a_byte(self, data: st.DataObject, place: int, change: int) -> None:
        names = self.whole_files()
        if not names:
            return
        name = data.draw(st.sampled_from(names))
        content = bytearray((self.out / name).read_bytes())
        if name == "build.json":
            content = bytearray(b"{")
        content[place % len(content)] ^= change
        (self.out / name).write_bytes(content)
        self.damaged.add(name)

    @precondition(lambda self: self.sealed and not self.finished and not self.damaged)
    @rule()
    def upgrade(self) -> None:
        """Another version that asks the same goes on, and the first one after it."""
        begun = self.materials.identity
        for identity in (begun | {"code_version": "99.0"}, begun):
            with open_build(self.out, identity) as folder:
                assert folder.read_identity() == identity

    @rule()
    def verify(self) -> None:
        if self.folder.plan_summary_path.exists():
            assert set(check_build(self.out).damaged) == self.damaged

    @precondition(lambda self: self.sealed)
    @rule()
    def repair(self) -> None:
        """A finished build is whole again; one under way leaves its damaged shards to the next run."""
        repair_build(self.out, None)
        if not self.finished:
            self.sealed -= {int(name[-13:-8]) for name in self.damaged if name.startswith("accepted/")}
        self.damaged.clear()

    @precondition(lambda self: self.finished and not self.damaged)
    @rule()
    def share(self) -> None:
        out = self.out.parent / "share"
        shutil.rmtree(out, ignore_errors=True)
        assert share(self.out, out, level="L0") is not None

    @precondition(lambda self: self.sealed and not self.damaged)
    @rule()
    def lose_what_it_was_begun_with(self) -> None:
        """Until the end the plan tells it, so that no more than a run is needed."""
        self.folder.identity_path.unlink()
        self.damaged.add("build.json")

    @precondition(lambda self: self.sealed)
    @rule()
    def lose_answers(self) -> None:
        """Without its journal a run stops before it asks; it is brought back from a copy."""
        copy = self.folder.journal_path.parent.with_name("journal-copy")
        shutil.copytree(self.folder.journal_path.parent, copy)
        for path in self.folder.journal_path.parent.glob("completions.sqlite*"):
            if not path.name.endswith(".paid"):
                path.unlink()
        assert count_lost(self.folder) >= len(self.answers) > 0
        shutil.rmtree(self.folder.journal_path.parent)
        copy.rename(self.folder.journal_path.parent)

    @precondition(lambda self: self.finished)
    @rule()
    def recheck_without_writing(self) -> None:
        try:
            summary = rechecking.recheck(self.out, None, write=False, progress=silent)
        except StorageError:
            assert self.damaged, "only a damaged shard cannot be judged again"
        else:
            assert self.damaged <= {"build.json"}
            assert summary.newly_accepted == summary.newly_rejected == ()

    @invariant()
    def status_says_what_is_sealed(self) -> None:
        if self.folder.plan_summary_path.exists():
            found = build_status(self.out, PriceSettings())
            assert found.shards_sealed == len(self.sealed)
            intact = "finished" if self.finished else "stopped"
            assert found.state == ("damaged" if "build.json" in self.damaged else intact)
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
