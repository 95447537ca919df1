"""A build that is suspended, or told by a signal to end, takes in what is under way and goes on later."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline.engine.place import open_place
from tests.bad_server import Act, BadServer, misbehaving
from tests.faults.answering import CONCURRENCY
from tests.faults.conftest import Bench
from tests.faults.harness import ROOT, Forge, asked_by_run, dataset_of, only_first_quick, serving, told_by

# --- the command line, from outside -----------------------------------------------------------


class Typed:
    """`ccf-build run` against a server, in a process of its own."""

    def __init__(
        self, folder: Path, bench: Bench, server: BadServer, out: str, *, deadline_seconds: float = 60.0
    ) -> None:
        settings = f"[endpoint]\ndeadline_seconds = {deadline_seconds}\n[shards]\nsize = 5\n"
        (folder / "build.toml").write_text(settings)
        words = [
            "run",
            "--corpus",
            f"mimic:{bench.corpus}",
            "--expert",
            "openai",
            "--model",
            "m",
            "--out",
            out,
        ]
        words += ["--base-url", server.base_url, "--concurrency", str(CONCURRENCY)]
        self.out = folder / out
        kept = {key: value for key, value in os.environ.items() if not key.startswith("CCF_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ccf_pipeline.cli", *words],
            cwd=folder,
            env={**kept, "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self) -> tuple[int, str]:
        try:
            _, told = self.process.communicate(timeout=120)
        finally:
            self.process.kill()
        return self.process.returncode, told


def wait_for(server: BadServer, requests: int) -> None:
    limit = time.monotonic() + 120
    while len(server.requests) < requests:
        assert time.monotonic() < limit, "nobody asks"
        time.sleep(0.005)


def slowly(number: int, body: dict[str, object]) -> Act:
    return Act(delay_seconds=0.05)


@pytest.fixture
def slow_server(bench: Bench) -> Iterator[BadServer]:
    with misbehaving(BadServer(bench.answer, slowly)) as running:
        yield running


# --- a pause ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_build_that_is_suspended_goes_on_where_it_was(
    forge: Forge, corpus: Path, quick_folder: Path
) -> None:
    """K08: stopped ten times for a while, with questions under way."""
    with serving() as port:
        assert forge.run(corpus, quick_folder / "undisturbed", port=port) == 0
        asked_by_run(port)
        pid = forge.begin(corpus, quick_folder / "build", port=port, run=1)
        for _ in range(10):
            for number in (signal.SIGSTOP, signal.SIGCONT):
                signalled(pid, number)
                time.sleep(0.05)
        assert forge.end() == 0, told_by(forge)
        asked = asked_by_run(port)[1]

    assert dataset_of(quick_folder / "build") == dataset_of(quick_folder / "undisturbed")
    assert len(asked) == open_place(quick_folder / "build").spent().answers


def signalled(pid: int, number: int) -> None:
    """It may have ended meanwhile; until it is waited for, its id stays its own."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


@pytest.mark.shows(
    "stopped, asleep or paused past every deadline",
    "what lies in the sockets is taken in, nothing is asked twice",
)
@pytest.mark.faults
def test_after_a_pause_longer_than_every_deadline_nothing_is_bought_twice(
    bench: Bench, slow_server: BadServer, undisturbed: Path, tmp_path: Path
) -> None:
    """K08 through the real client: after the pause everything under way is late at once."""
    with misbehaving(BadServer(bench.answer)) as other:
        assert Typed(tmp_path, bench, other, "whole").ended()[0] == 0
        needed = len(other.requests)
    typed = Typed(tmp_path, bench, slow_server, "build", deadline_seconds=3.0)

    wait_for(slow_server, 12)
    typed.process.send_signal(signal.SIGSTOP)
    time.sleep(3.5)
    typed.process.send_signal(signal.SIGCONT)
    code, told = typed.ended()

    assert code == 0, told
    assert len(slow_server.requests) == needed
    assert dataset_of(tmp_path / "build") == dataset_of(tmp_path / "whole")


# --- a signal ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.shows(
    "SIGINT, SIGTERM, SIGHUP",
    "what is under way is taken in; exit 3",
)
@pytest.mark.parametrize("number", only_first_quick([signal.SIGTERM, signal.SIGINT]))
def test_a_signal_takes_in_what_is_under_way_and_says_how_to_go_on(
    number: signal.Signals, bench: Bench, slow_server: BadServer, tmp_path: Path
) -> None:
    """K03."""
    typed = Typed(tmp_path, bench, slow_server, "build")
    wait_for(slow_server, 12)
    typed.process.send_signal(number)
    code, told = typed.ended()
    asked = len(slow_server.requests)
    kept = open_place(tmp_path / "build").spent().answers

    again = Typed(tmp_path, bench, slow_server, "build")

    assert code == 3
    assert "Run the same command again" in told
    assert "Traceback" not in told
    assert kept == asked
    assert again.ended()[0] == 0
    assert len(slow_server.requests) == open_place(tmp_path / "build").spent().answers


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once_and_nothing_acknowledged_is_lost(
    bench: Bench, tmp_path: Path
) -> None:
    """K03: the answers under way never come."""

    def never_after_ten(number: int, body: dict[str, object]) -> Act | None:
        return Act(hang=True) if number > 10 else None

    with misbehaving(BadServer(bench.answer, never_after_ten)) as server:
        typed = Typed(tmp_path, bench, server, "build")
        wait_for(server, 12)
        typed.process.send_signal(signal.SIGINT)
        assert typed.process.stderr
        while "stopping" not in typed.process.stderr.readline():
            assert typed.process.poll() is None
        typed.process.send_signal(signal.SIGINT)
        code, told = typed.ended()
    kept = open_place(tmp_path / "build").spent().answers
    with misbehaving(BadServer(bench.answer)) as server:
        assert Typed(tmp_path, bench, server, "build").ended()[0] == 0
        asked = len(server.requests)

    assert code == 3, told
    assert kept <= 10
    assert kept + asked == open_place(tmp_path / "build").spent().answers
