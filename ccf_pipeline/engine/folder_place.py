"""Work on a build in a folder of this machine, alone or with other processes.

Nobody is in charge of those that share a folder. Whoever comes first plans, whoever finds every shard sealed
finishes, and what a process held when it died is free at once for the others.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ccf_pipeline.engine import stop_request, verify
from ccf_pipeline.engine.ask import Watch, never, unwatched
from ccf_pipeline.engine.build_folder import BuildFolder, repair_hint
from ccf_pipeline.engine.build_plan import look_through_others, plan_build, planned
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import join_build, open_build
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.journal import Journal, spent_beside, taken_over_beside
from ccf_pipeline.engine.locks import guarded, held, is_leased, leased
from ccf_pipeline.engine.materials import Materials, Progress
from ccf_pipeline.engine.paid_answers import give_up_lost_answers, refuse_lost_answers
from ccf_pipeline.errors import MissingInput, Unfinished
from ccf_pipeline.experts import Expert, open_expert
from ccf_pipeline.files.disk import remove, remove_folder
from ccf_pipeline.records import BuildCheck, BuildStatus, BuildSummary, Holder, Seal, Spend
from ccf_pipeline.settings import BuildSettings, PriceSettings

LOOK_AGAIN_SECONDS = 2.0


class FolderPlace:
    """A build folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = str(path)

    def status(self, prices: PriceSettings) -> BuildStatus:
        return verify.build_status(self.path, prices)

    def check(self, progress: Progress) -> BuildCheck:
        return verify.check_build(self.path, progress)

    def repair(self, graph: Path | None, progress: Progress) -> BuildCheck:
        return verify.repair_build(self.path, graph, progress)

    def wipe(self, scratch: Path | None) -> tuple[str, ...]:
        if not BuildFolder(self.path).identity_path.is_file():
            raise MissingInput(f"{self.path}: is no build folder", hint="Name the folder given to --out.")
        with held(self.path):
            ours = (f"{self.path.name}.preview-*", f".{self.path.name}.part")
            beside = sorted(path for name in ours for path in self.path.parent.glob(name))
            for path in (*beside, self.path):
                remove_folder(path)
        return tuple(map(str, (self.path, *beside)))

    def repair_hint(self) -> str:
        return repair_hint(self.path)

    def ask_to_stop(self) -> tuple[Holder, ...]:
        holder = stop_request.ask_to_stop(self.path)
        return () if holder is None else (holder,)

    def is_held(self) -> bool:
        return stop_request.is_held(self.path)

    def is_finished(self) -> bool:
        return BuildFolder(self.path).is_finished()

    def spent(self) -> Spend:
        path = BuildFolder(self.path).journal_path
        return spent_beside(path) if path.is_file() else Spend()

    def taken_over(self) -> int:
        path = BuildFolder(self.path).journal_path
        return taken_over_beside(path) if path.is_file() else 0

    def give_up_lost(self) -> int:
        folder = BuildFolder(self.path)
        if folder.begun_identity() is None and not folder.journal_path.exists():
            return 0
        with held(self.path):
            return give_up_lost_answers(folder)

    @contextlib.contextmanager
    def work_folder(self, settings: BuildSettings) -> Iterator[Path]:
        yield self.path

    def finished(self, materials: Materials, folder: Path) -> BuildSummary | None:
        if not BuildFolder(folder).is_finished():
            return None
        with join_build(folder, materials.identity) as held:
            return held.verify()

    def reopen_failed(self, materials: Materials, folder: Path) -> None:
        build = BuildFolder(folder)
        plan = build.plan_summary() if build.journal_path.is_file() else None
        if plan is None:
            return
        with open_build(folder, materials.identity) as held:
            with Journal(held.journal_path) as journal:
                failures = journal.forget_failures()
            if failures:
                # All shards: a factual side in other words may be missing in any of them. Answers are kept.
                remove(held.manifest_path)
                for shard in range(plan.shards):
                    held.unseal(shard)

    @contextlib.contextmanager
    def open_alone(self, materials: Materials, folder: Path) -> Iterator[FolderSite]:
        with open_build(folder, materials.identity) as held:
            yield FolderSite(held, materials, shared=False)

    @contextlib.contextmanager
    def join(self, materials: Materials, folder: Path) -> Iterator[FolderSite]:
        with join_build(folder, materials.identity) as held:
            yield FolderSite(held, materials, shared=True)


class FolderSite:
    """A build folder that this process holds, alone or with others."""

    def __init__(self, folder: BuildFolder, materials: Materials, *, shared: bool) -> None:
        self.folder, self.materials, self._shared = folder, materials, shared
        report = folder.path / "report.html"
        self.address = (report if report.exists() else folder.manifest_path).absolute().as_uri()

    def plan(self, progress: Progress, stopping: Callable[[], bool]) -> None:
        look_through_others(self.folder, self.materials)
        with self._hold_alone():
            # Where several processes share a folder, the journal is made before all of them open it.
            with Journal(self.folder.journal_path) as journal:
                if not self._shared:
                    journal.mend()
                refuse_lost_answers(self.folder)
            plan_build(self.folder, self.materials, progress)

    def build(self, expert: Expert, journal: Journal, *, watch: Watch, stopping: Callable[[], bool]) -> None:
        shards = sorted(self.missing())
        build_shards(self.folder, self.materials, shards, expert, journal, watch=watch, stopping=stopping)

    def missing(self) -> set[int]:
        return {shard for shard in range(planned(self.folder).shards) if not self.folder.is_sealed(shard)}

    def take(self, count: int) -> list[int]:
        """Return the shards to build next, those that nobody has first."""
        missing = self.missing()
        return sorted(missing, key=lambda shard: (is_leased(lease_path(self.folder, shard)), shard))[:count]

    def sync(self) -> None:
        """Nothing is to be sent: the build lies here."""

    def wait(self, stopping: Callable[[], bool]) -> None:
        time.sleep(LOOK_AGAIN_SECONDS)

    def finish(self, progress: Progress, stopping: Callable[[], bool]) -> BuildSummary:
        with self._hold_alone():
            if self.folder.is_finished():
                return self.folder.verify()
            return finish_build(self.folder, self.materials, progress)

    def seals(self) -> Iterable[Seal]:
        return filter(None, map(self.folder.seal, range(planned(self.folder).shards)))

    def _hold_alone(self) -> contextlib.AbstractContextManager[None]:
        return guarded(self.folder.path) if self._shared else contextlib.nullcontext()


def build_if_free(
    folder: BuildFolder,
    materials: Materials,
    shard: int,
    stopping: Callable[[], bool] = never,
    watch: Watch = unwatched,
) -> bool:
    """Build a shard that nobody else has; return True if this process did."""
    if stopping() or folder.is_asked_to_stop():
        raise Unfinished("stopped: as asked")
    with leased(lease_path(folder, shard)) as ours:
        if not ours or folder.is_sealed(shard):
            return False
        with (
            Journal(folder.journal_path) as journal,
            open_expert(materials.settings, materials.graph) as expert,
        ):
            build_shards(folder, materials, [shard], expert, journal, watch=watch, stopping=stopping)
        return True


def lease_path(folder: BuildFolder, shard: int) -> Path:
    """Return the lock file of the process that builds a shard."""
    return folder.path / "leases" / f"shard-{shard:05}.lock"
