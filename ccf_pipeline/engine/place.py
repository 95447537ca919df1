"""Say where a build lies: in a folder of this machine or in a bucket, behind one protocol.

Nobody else asks which of the two it is: `open_place` decides once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from ccf_pipeline.engine.ask import Watch
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, Progress
from ccf_pipeline.experts import Expert
from ccf_pipeline.files.locations import store_url
from ccf_pipeline.records import BuildCheck, BuildStatus, BuildSummary, Holder, Seal, Spend
from ccf_pipeline.settings import BuildSettings, PriceSettings

Stopping = Callable[[], bool]


class Site(Protocol):
    """A build as one of those who work on it sees it, from its plan to its end."""

    folder: BuildFolder
    address: str
    """What people open once the build is finished: a URL."""

    def plan(self, progress: Progress, stopping: Stopping) -> None:
        """Plan the build, or wait for whoever is planning it."""

    def build(self, expert: Expert, journal: Journal, *, watch: Watch, stopping: Stopping) -> None:
        """Build shards until every one is sealed."""

    def missing(self) -> set[int]:
        """Return the shards that are not sealed."""

    def take(self, count: int) -> list[int]:
        """Return up to so many shards to build next; none while others have all that are left."""

    def sync(self) -> None:
        """Send what was answered and sealed to where the build lies."""

    def wait(self, stopping: Stopping) -> None:
        """Wait a moment for the others, whose shards may come back."""

    def finish(self, progress: Progress, stopping: Stopping) -> BuildSummary:
        """Commit the build, or wait for whoever is committing it."""

    def seals(self) -> Iterable[Seal]:
        """Return the seals of the finished shards."""


class Place(Protocol):
    """A folder or bucket that holds a build."""

    name: str

    def status(self, prices: PriceSettings) -> BuildStatus:
        """Say how the build stands; it may be running meanwhile."""

    def check(self, progress: Progress) -> BuildCheck:
        """Compare every file with what the manifest says, or while there is none with the seals."""

    def repair(self, graph: Path | None, progress: Progress) -> BuildCheck:
        """Make damaged files anew without asking anyone."""

    def wipe(self, scratch: Path | None) -> tuple[str, ...]:
        """Remove everything of the build that can be reached from here; return what was removed."""

    def repair_hint(self) -> str:
        """Say what to do about damage."""

    def ask_to_stop(self) -> tuple[Holder, ...]:
        """Ask whoever builds to take in what is under way and stop; return who was asked."""

    def is_held(self) -> bool:
        """True while somebody works on the build."""

    def is_finished(self) -> bool:
        """True once the manifest stands."""

    def spent(self) -> Spend:
        """Add up what all answers cost, over all runs and workers."""

    def taken_over(self) -> int:
        """Count the answers that other builds paid for."""

    def give_up_lost(self) -> int:
        """Agree to ask again for answers that were paid for and are lost; return how many they are."""

    def work_folder(self, settings: BuildSettings) -> contextlib.AbstractContextManager[Path]:
        """Open the folder of this machine to work in: the build folder itself, or one beside a bucket."""

    def finished(self, materials: Materials, folder: Path) -> BuildSummary | None:
        """Return the summary of the build once it is finished, if it was begun with these settings."""

    def reopen_failed(self, materials: Materials, folder: Path) -> None:
        """Have the rows asked again that were given up because no answer came."""

    def open_alone(self, materials: Materials, folder: Path) -> contextlib.AbstractContextManager[Site]:
        """Hold the build for this process alone; a bucket is always shared."""

    def join(self, materials: Materials, folder: Path) -> contextlib.AbstractContextManager[Site]:
        """Hold the build together with other processes that build the same."""


def open_place(path: Path) -> Place:
    """Return the place that a path or URL names."""
    if store_url(path) is None:
        from ccf_pipeline.engine.folder_place import FolderPlace

        return FolderPlace(path)
    from ccf_pipeline.engine.bucket.place import BucketPlace

    return BucketPlace(path)
