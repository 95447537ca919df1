"""Every write, sync, rename and removal of a build fails once: nothing is lost, and nothing is claimed.

strace makes them fail: it kills the process before the call, or has the call report a full or broken disk.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import StorageError
from tests.faults.harness import Forge, clear, dataset_of, journalled, only_first_quick

CALLS = (
    *("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat", "renameat2"),
    *("unlink", "unlinkat", "ftruncate", "mkdir", "rmdir", "chmod", "fchmod"),
)
FAULTS = ("signal=KILL", "error=ENOSPC", "error=EIO")
STORAGE, SIGKILLED = StorageError.exit_code, -9

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to make calls fail")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    write_demo_corpus(folder, studies=6, seed=11, images=False)
    return folder


@dataclass(frozen=True)
class Point:
    """The so-manieth call of a kind, and what happens to it; a disk that `stays` full refuses the rest."""

    call: str
    number: int
    fault: str
    stays: bool = False

    @property
    def injection(self) -> str:
        return f"{self.call}:{self.fault}:when={self.number}{'+' if self.stays else ''}"


def traced(forge: Forge, corpus: Path, out: Path, log: Path, *options: str) -> int:
    """A build that strace watches from before its first step: its exit code."""
    pid = forge.begin(corpus, out, traced=True)
    while not in_state(pid, "T"):
        time.sleep(0.002)
    watcher = subprocess.Popen(["strace", "-qq", "-o", str(log), "-p", str(pid), *options])
    try:
        while not is_traced(pid):
            if watcher.poll() is not None:
                pytest.skip("this system does not let strace watch another process")
            time.sleep(0.002)
        os.kill(pid, signal.SIGCONT)
        return forge.end()
    finally:
        if watcher.poll() is None and is_alive(pid):
            os.kill(pid, signal.SIGKILL)
        watcher.wait(timeout=30)


def status_of(pid: int, field: str) -> str:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""
    return re.search(rf"^{field}:\s+(\S+)", text, re.MULTILINE)[1]  # type: ignore[index]


def in_state(pid: int, letter: str) -> bool:
    return status_of(pid, "State").startswith(letter)


def is_traced(pid: int) -> bool:
    return status_of(pid, "TracerPid") not in ("", "0")


def is_alive(pid: int) -> bool:
    return status_of(pid, "State") not in ("", "Z")


def count_calls(forge: Forge, corpus: Path, folder: Path) -> Counter[str]:
    """How often an undisturbed build makes each call."""
    log = folder / "calls.txt"
    assert traced(forge, corpus, folder / "undisturbed", log, "-e", f"trace={','.join(CALLS)}") == 0
    return Counter(re.findall(r"^(?:\d+ +)?(\w+)\(", log.read_text(errors="replace"), re.MULTILINE))


def every_point(calls: Counter[str]) -> list[Point]:
    once = [Point(c, n, f) for c in sorted(calls) for n in range(1, calls[c] + 1) for f in FAULTS]
    full = [
        Point(c, n, "error=ENOSPC", stays=True) for c in ("write", "pwrite64") for n in range(1, calls[c] + 1)
    ]
    return once + full


def survives(point: Point, forge: Forge, corpus: Path, folder: Path, undisturbed: dict[str, str]) -> str:
    """Break the build there, then build again in peace; says how the first one ended."""
    out = folder / "build"
    clear(out)
    forge.log.write_text("")
    code = traced(
        forge, corpus, out, folder / "log.txt", "-e", f"trace={point.call}", "-e", f"inject={point.injection}"
    )
    told = forge.log.read_text()
    assert code in (0, STORAGE, SIGKILLED), f"{point}: exit {code}\n{told[-1500:]}"
    assert "Traceback" not in told, f"{point}\n{told[-1500:]}"
    if code == 0:  # a call that did not matter, such as a note of who holds the lock
        BuildFolder(out).verify()
        assert dataset_of(out) == undisturbed, point
    kept = journalled(out)
    assert forge.run(corpus, out) == 0, f"{point}: {forge.log.read_text()[-1500:]}"
    BuildFolder(out).verify()
    assert dataset_of(out) == undisturbed, point
    assert kept <= journalled(out), point
    return {0: "done", STORAGE: "refused", SIGKILLED: "killed"}[code]


def break_at(points: list[Point], forge: Forge, corpus: Path, folder: Path) -> Counter[str]:
    undisturbed = dataset_of(folder / "undisturbed")
    return Counter(survives(point, forge, corpus, folder, undisturbed) for point in points)


@pytest.mark.slow
@pytest.mark.parametrize("number", only_first_quick([8, 40]))
def test_some_calls_fail_and_nothing_is_lost(
    number: int, forge: Forge, tiny: Path, quick_folder: Path
) -> None:
    """At least so many points, spread over every kind of call."""
    points = every_point(count_calls(forge, tiny, quick_folder))
    chosen = points[:: max(1, len(points) // (number + number // 10))]

    ended = break_at(chosen, forge, tiny, quick_folder)

    print(f"{len(chosen)} of {len(points)} points: {dict(ended)}")
    assert ended.total() >= number
    assert ended["killed"] >= number // 7
    assert ended["refused"] >= number // 7


@pytest.mark.shows(
    "a call of the disk fails (EIO, ENOSPC, EDQUOT, EACCES, EMFILE)",
    "two lines and exit 74, or the call is tried again; the next run ends in the same bytes",
)
@pytest.mark.faults
def test_every_call_fails_once_and_nothing_is_lost(forge: Forge, tiny: Path, quick_folder: Path) -> None:
    points = every_point(count_calls(forge, tiny, quick_folder))

    ended = break_at(points, forge, tiny, quick_folder)

    print(f"{len(points)} points, every one: {dict(ended)}")
    assert ended.total() == len(points)
