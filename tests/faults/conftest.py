"""What fault runs build with: a small corpus, a model server on this machine, an undisturbed build beside it.

The engine's runs build in memory if they can, for a kill does not lose what the kernel has.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.counterfactual.prompt import write_prompt
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.ask import Watch, never, unwatched
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build, planned
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.plan_corpus import open_planner
from ccf_pipeline.experts.chat import OpenAIExpert, Patience
from ccf_pipeline.experts.guard import allowed_endpoints
from ccf_pipeline.experts.rules import RulesExpert
from ccf_pipeline.records import BuildSummary, Completion, Record, Study
from ccf_pipeline.settings import (
    BuildSettings,
    CorpusSettings,
    EndpointSettings,
    ExpertSettings,
    LimitSettings,
    ShardSettings,
)
from tests.bad_server import BadServer, misbehaving
from tests.faults.harness import Forge, dataset_of, forging

MEMORY = Path("/dev/shm")
STUDIES = 12
QUICK = Patience(
    deadline_seconds=20, backoff_seconds=0.005, most_backoff_seconds=0.03, most_retry_after_seconds=0.05,
    start_seconds=20, give_up_seconds=20, attempts=12, drain_seconds=2,
)  # fmt: skip


@dataclass(frozen=True)
class Bench:
    """A corpus, the answer that belongs to each of its prompts, and how to build with them."""

    corpus: Path
    answers: dict[str, str]
    repair: int = 2

    def answer(self, asked: dict[str, Any]) -> str:
        """What the rules expert wrote for this prompt; a repair gets what it would have got at first."""
        return self.answers.get(asked["messages"][1]["content"], '{"edits": []}')

    def settings(self, out: Path, *servers: BadServer, **limits: Any) -> BuildSettings:
        return BuildSettings(
            out=out,
            corpus=CorpusSettings(kind="mimic", path=self.corpus),
            expert=ExpertSettings(kind="openai", model="m", repair=self.repair),
            endpoint=EndpointSettings(urls=tuple(server.base_url for server in servers), concurrency=8),
            shards=ShardSettings(size=5),
            limits=LimitSettings(**limits),
        )

    def build(
        self,
        out: Path,
        *servers: BadServer,
        patience: Patience = QUICK,
        stopping: Callable[[], bool] = never,
        watch: Watch = unwatched,
        **limits: Any,
    ) -> BuildSummary:
        """As walk.build does it, but with little patience."""
        settings = self.settings(out, *servers, **limits)
        materials = Materials(settings, self.materials.graph, self.materials.templates)
        endpoints = allowed_endpoints(settings)
        expert = OpenAIExpert(endpoints, "m", concurrency=8, patience=patience, most_tokens=1024)
        with open_build(out, materials.identity) as folder, Journal(folder.journal_path) as journal:
            plan = plan_build(folder, materials)
            missing = [shard for shard in range(plan.shards) if not folder.is_sealed(shard)]
            build_shards(folder, materials, missing, expert, journal, watch=watch, stopping=stopping)
            return finish_build(folder, materials)

    @cached_property
    def materials(self) -> Materials:
        return _materials(self.corpus)


def _materials(corpus: Path) -> Materials:
    return Materials.load(
        BuildSettings(
            corpus=CorpusSettings(kind="mimic", path=corpus),
            expert=ExpertSettings(kind="openai", model="m"),
        )
    )


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    corpus = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(corpus, studies=STUDIES, seed=3, images=False)
    materials = _materials(corpus)
    rules = RulesExpert(materials.graph)
    answers: dict[str, str] = {}
    planner = open_planner(materials.settings, materials.graph, materials.lexicon, silent)
    for study in read_corpus(materials.settings.corpus):
        assert isinstance(study, Study)
        for plan in planner.plan(study):
            prompt = write_prompt(plan, study, materials.graph, materials.template, materials.settings.expert)
            [[completion]] = rules.answer(iter([prompt, None]).__next__)
            answers[prompt.messages[1].content] = completion.text
    return Bench(corpus, answers)


@pytest.fixture
def server(bench: Bench) -> Iterator[BadServer]:
    with misbehaving(BadServer(bench.answer)) as running:
        yield running


@pytest.fixture(scope="session")
def undisturbed(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "build"
    with misbehaving(BadServer(bench.answer)) as server:
        summary = bench.build(out, server)
    assert summary.accepted >= 0.9 * summary.plan.plans
    return out


def built(out: Path) -> dict[str, str]:
    """Every file that a build made, by digest; the journal and the audit log tell of the way, not of it."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for folder in ("plan", "accepted", "rejected", "quarantine", "dataset")
        for path in sorted((out / folder).rglob("*"))
        if path.is_file()
    }


def rows(out: Path) -> list[Record]:
    """Every judged row; none twice, none missing."""
    folder = BuildFolder(out)
    plan = planned(folder)
    found = [*folder.accepted_records(plan.shards), *folder.rejected_records(plan.shards)]
    assert len(found) == len({record.record_id for record in found}) == plan.plans
    return found


def kept(out: Path) -> list[Completion]:
    """Every answer in the journal."""
    import sqlite3

    with sqlite3.connect(BuildFolder(out).journal_path) as database:
        texts = database.execute("SELECT completion FROM completions").fetchall()
    return [Completion.model_validate(json.loads(text)) for (text,) in texts]


def without_repair(bench: Bench) -> Bench:
    return replace(bench, repair=0)


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    if not os.access(MEMORY, os.W_OK):
        yield tmp_path
        return
    folder = Path(tempfile.mkdtemp(prefix="ccf-faults-", dir=MEMORY))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    with forging(tmp_path_factory.mktemp("forge") / "log.txt") as forge:
        yield forge


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=24, seed=11, images=False)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_demo_corpus(folder, studies=10, seed=11, images=False)
    return folder


@pytest.fixture(scope="module")
def undisturbed_tiny(forge: Forge, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("undisturbed") / "build"
    assert forge.run(tiny, out) == 0
    return dataset_of(out)
