"""What fault tests share: builds that can be killed at any moment, and what must hold after each."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.experts import Take
from ccf_pipeline.records import Completion, Prompt
from tests.faults.answering import NOTHING_CHANGED, InProcess

ROOT = Path(__file__).parents[2]


def only_first_quick(cases: Iterable[Any]) -> list[Any]:
    """The same cases for `parametrize`: the first one runs in `make test`, all others in `make test-all`."""
    first, *others = cases
    return [first, *(pytest.param(case, marks=pytest.mark.slow) for case in others)]


def start(module: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@dataclass
class Forge:
    """Starts one build at a time, and can kill it."""

    process: subprocess.Popen[str]
    log: Path

    def begin(self, corpus: Path, out: Path, **order: object) -> int:
        """Start a build; returns its process id."""
        spoken = {"corpus": str(corpus), "out": str(out), "log": str(self.log), **order}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(spoken) + "\n")
        self.process.stdin.flush()
        return int(self._line())

    def end(self) -> int:
        """Wait for the build: its exit code, or the negative signal that ended it."""
        return int(self._line())

    def run(self, corpus: Path, out: Path, **order: object) -> int:
        self.begin(corpus, out, **order)
        return self.end()

    def run_until(self, seconds: float, corpus: Path, out: Path, **order: object) -> int:
        """A build that is killed after so long, if it has not ended by then."""
        pid = self.begin(corpus, out, **order)
        timer = threading.Timer(seconds, kill, (pid,))
        timer.start()
        code = self.end()
        timer.cancel()
        return code

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def forging(log: Path) -> Iterator[Forge]:
    process = start("tests.faults.forge")
    try:
        forge = Forge(process, log)
        assert forge._line() == "ready"
        yield forge
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving() -> Iterator[int]:
    process = start("tests.faults.server")
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def asked_by_run(port: int) -> dict[int, set[str]]:
    """Who asked for what since the last call."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as reply:
        return {int(run): set(prompts) for run, prompts in json.load(reply).items()}


def journalled(out: Path) -> set[str]:
    """The answers that were acknowledged, as a fresh process finds them."""
    path = BuildFolder(out).journal_path
    if not path.exists():
        return set()
    database = sqlite3.connect(path)
    try:
        return {row[0] for row in database.execute("SELECT prompt_id FROM completions")}
    except sqlite3.OperationalError:
        return set()  # killed before its tables were made
    finally:
        database.close()


def dataset_of(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "dataset").rglob("*"))
        if path.is_file()
    }


class Killed(BaseException):
    """The process is gone: nothing below catches this."""


class Mortal(InProcess):
    """Answers so many prompts, then dies; remembers everything it was asked. A moody one says otherwise."""

    def __init__(
        self,
        materials: Materials,
        answers: int,
        mood: int | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(materials.graph)
        self.left, self.mood, self.asked, self._meanwhile = answers, mood, list[str](), meanwhile

    def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
        def watched() -> Prompt | None:
            prompt = take()
            if prompt is not None:
                self.asked.append(prompt.prompt_id)
            return prompt

        for completions in super().answer(watched):
            if self.left <= 0:
                raise Killed
            self.left -= len(completions)
            yield tuple(map(self._in_its_mood, completions))
            self._meanwhile()

    def _in_its_mood(self, said: Completion) -> Completion:
        if self.mood is None or (int(said.prompt_id[:8], 16) + self.mood) % 3:
            return said
        return said.model_copy(update={"text": NOTHING_CHANGED})


def told_by(forge: Forge) -> str:
    return forge.log.read_text()[-1500:]


def goes_on_in_peace(forge: Forge, corpus: Path, out: Path, undisturbed: dict[str, str]) -> None:
    assert forge.run(corpus, out) == 0, told_by(forge)
    BuildFolder(out).verify()
    assert dataset_of(out) == undisturbed


@dataclass
class Ledger:
    """What a series of kills came to."""

    kills: int = 0
    builds: int = 0
    identical: int = 0
    acknowledged_asked_again: int = 0
    asked_again: list[int] = field(default_factory=list)
    unverified_successes: int = 0

    def told(self) -> str:
        again = self.asked_again or [0]
        return (
            f"{self.kills} kills, {self.builds} builds, {self.identical} identical to the undisturbed one,"
            f" {self.acknowledged_asked_again} acknowledged answers asked again,"
            f" asked again per kill: {sum(again) / len(again):.2f} on average, {max(again)} at most"
        )


def clear(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
