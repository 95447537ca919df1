"""How soon a build of 320,416 rows asks again after a stop, and what it needs: a journal and shards made up.

.venv/bin/python bench/resume.py [ROWS]

Everything is as a long build leaves it: a plan, seals for nineteen shards in twenty, and a journal with an
answer for every row of theirs. Sealed rows are not read on a resume, so their Parquet files are empty.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from ccf_pipeline.demo import write_demo_corpus  # noqa: E402
from ccf_pipeline.engine.ask import Desk  # noqa: E402
from ccf_pipeline.engine.build_folder import BuildFolder  # noqa: E402
from ccf_pipeline.engine.build_plan import plan_build, planned  # noqa: E402
from ccf_pipeline.engine.build_shards import tally_of  # noqa: E402
from ccf_pipeline.engine.claim import open_build  # noqa: E402
from ccf_pipeline.engine.journal import Journal, KnownExpert  # noqa: E402
from ccf_pipeline.engine.materials import Materials  # noqa: E402
from ccf_pipeline.engine.verify import build_status  # noqa: E402
from ccf_pipeline.errors import Unfinished  # noqa: E402
from ccf_pipeline.experts import Take  # noqa: E402
from ccf_pipeline.records import Completion, PlannedStudy, PlanSummary  # noqa: E402
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PriceSettings  # noqa: E402

SHARD_STUDIES, PER_STUDY, KINDS = 500, 2, 1000
ANSWER = (
    '{"edits": [{"action": "replace", "number": 1, "text": "' + "A small effusion is seen. " * 30 + '"}]}'
)


class FirstQuestion:
    """Takes one prompt, and notes when it came."""

    name, model, learns, endpoints = "openai", "a-model", True, ()
    first_at = 0.0

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        while take() is None:
            yield ()
        self.first_at = time.perf_counter()
        raise Unfinished("that is all we wanted to know")


def make_up(folder: BuildFolder, materials: Materials, rows: int) -> int:
    """A build as a stop leaves it; returns the number of its shards."""
    plan_build(folder, materials)
    planned = [entry for entry in folder.planned_studies(0) if len(entry.plans) == PER_STUDY][:SHARD_STUDIES]
    folder.forget_plan()
    shards = rows // (SHARD_STUDIES * PER_STUDY)
    sealed = shards * 19 // 20
    numbers = iter(range(10**9))
    for shard in range(shards):
        if shard < sealed:  # rows of a sealed shard are read only at the end
            folder.seal_shard(shard, [])
            continue
        again = (
            PlannedStudy(
                study=entry.study,
                plans=tuple(plan.model_copy(update={"plan_id": f"{next(numbers)}"}) for plan in entry.plans),
            )
            for entry in planned
        )
        folder.keep_plan_shard(shard, again)
    plans = shards * SHARD_STUDIES * PER_STUDY
    summary = PlanSummary(
        studies_read=plans // PER_STUDY,
        studies_planned=plans // PER_STUDY,
        studies_without_target=0,
        studies_skipped=(),
        plans=plans,
        shards=shards,
    )
    folder.keep_plan_summary(summary, ())
    with Journal(folder.journal_path) as journal:
        journal.introduce(KnownExpert("openai", "a-model", learns=True))
        for begin in range(0, sealed * SHARD_STUDIES * PER_STUDY, 5000):
            journal.keep(
                Completion(
                    prompt_id=f"{number:064x}", expert="openai", model="a-model", text=ANSWER, tokens_out=200
                )
                for number in range(begin, begin + 5000)
            )
    return shards


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        corpus, out = Path(place) / "corpus", Path(place) / "build"
        write_demo_corpus(corpus, studies=KINDS, as_zip=True, images=False)
        settings = BuildSettings(out=out, corpus=CorpusSettings(kind="demo", path=corpus))
        materials = Materials.load(settings)
        with open_build(out, materials.identity) as folder:
            shards = make_up(folder, materials, rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun, cpu = time.perf_counter(), time.process_time()
        materials = Materials.load(settings)
        expert = FirstQuestion()
        with open_build(out, materials.identity) as folder, Journal(folder.journal_path) as journal:
            journal.mend()
            looked = time.perf_counter()
            missing = [shard for shard in range(shards) if not folder.is_sealed(shard)]
            tally = tally_of(folder, planned(folder), journal.spent())
            with contextlib.suppress(Unfinished):
                Desk(folder, materials, missing, expert, journal, tally).run()
        used = time.process_time() - cpu
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = folder.journal_path.stat().st_size / 1e6
        at = time.perf_counter()
        status = build_status(out, PriceSettings())
        status_seconds = time.perf_counter() - at
    print(f"rows planned, shards sealed    {status.plans}, {status.shards_sealed} of {status.shards}")
    print(f"answers in the journal         {status.spend.answers}, {size:.0f} MB")
    print(f"the journal looked through in  {looked - begun:.1f} s")
    print(f"first question after           {expert.first_at - begun:.1f} s, {used:.1f} s of CPU in all")
    print(f"peak resident                  {max(before, after) / 1024:.0f} MB")
    print(f"status                         {status_seconds:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 320_416)
