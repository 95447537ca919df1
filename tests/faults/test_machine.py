"""What a machine does to a build: too little of everything, long pauses, clocks that jump, other locales.

Whatever happens, nothing is torn, nothing is claimed, and the same command in peace ends in the same bytes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import materials, pipeline, rechecking
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.io.audit import verify_audit
from ccf_pipeline.io.builds import BuildFolder
from ccf_pipeline.io.corpora.demo import write_demo_corpus
from ccf_pipeline.io.graphs import load_graph
from ccf_pipeline.repairing import check_build
from tests.bad_server import Act, BadServer, misbehaving
from tests.faults.answering import CONCURRENCY
from tests.faults.conftest import Bench, built
from tests.faults.forge import OUT_OF_MEMORY, settings_for
from tests.faults.harness import ROOT, Forge, asked_by_run, clear, dataset_of, serving

STORAGE, MENDABLE, SIGKILLED = StorageError.exit_code, 1, -9
KILO, MEGA = 1024, 1024**2
AS_NOBODY = {"user": 65534} if os.geteuid() == 0 else {}
DAY = 86_400.0


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


def told_by(forge: Forge) -> str:
    return forge.log.read_text()[-1500:]


def goes_on_in_peace(forge: Forge, corpus: Path, out: Path, undisturbed: dict[str, str]) -> None:
    assert forge.run(corpus, out) == 0, told_by(forge)
    BuildFolder(out).verify()
    assert dataset_of(out) == undisturbed


def is_whole_or_not_claimed(code: int, out: Path) -> None:
    """Only exit 0 claims a build; whatever stands is intact."""
    assert (code == 0) == BuildFolder(out).is_finished()
    if (out / "build.json").is_file():
        assert check_build(out).damaged == ()


# --- too little of something ------------------------------------------------------------------


def test_a_build_without_memory_tears_nothing_and_goes_on(
    forge: Forge, tiny: Path, quick_folder: Path, undisturbed_tiny: dict[str, str]
) -> None:
    """K04: from no more memory at all to nearly enough, twenty times."""
    ended = []
    for step in range(20):
        out = quick_folder / "build"
        clear(out)
        code = forge.run(tiny, out, limits={"RLIMIT_AS": step * step * MEGA // 4})
        ended.append(code)
        is_whole_or_not_claimed(code, out)
        goes_on_in_peace(forge, tiny, out, undisturbed_tiny)

    assert ended.count(0) < len(ended)
    assert set(ended) <= {0, OUT_OF_MEMORY, STORAGE, MENDABLE, -signal.SIGABRT, -signal.SIGSEGV}, ended


def test_a_build_without_open_files_says_so_and_goes_on(
    forge: Forge, tiny: Path, quick_folder: Path, undisturbed_tiny: dict[str, str]
) -> None:
    """S07: from one file more than are open to enough."""
    ended, out = [], quick_folder / "build"
    for spare in range(1, 13):
        clear(out)
        forge.log.write_text("")
        ended.append(forge.run(tiny, out, limits={"RLIMIT_NOFILE": spare}))
        told = told_by(forge)
        assert "Traceback" not in told, told
        assert ended[-1] == 0 or str(out) in told or str(tiny) in told
        is_whole_or_not_claimed(ended[-1], out)
        goes_on_in_peace(forge, tiny, out, undisturbed_tiny)

    assert ended.count(STORAGE) >= 3, ended
    assert set(ended) <= {0, STORAGE, MENDABLE}


@pytest.mark.parametrize("most", [0, 1, 4 * KILO, 16 * KILO, 40 * KILO])
def test_files_that_may_not_grow_are_named_and_the_build_goes_on(
    most: int, forge: Forge, tiny: Path, quick_folder: Path, undisturbed_tiny: dict[str, str]
) -> None:
    """S08: a limit to the size of a file."""
    forge.log.write_text("")

    code = forge.run(tiny, quick_folder / "build", limits={"RLIMIT_FSIZE": most})

    assert code == STORAGE
    assert str(quick_folder / "build") in told_by(forge) or most < KILO  # the log is a file as well
    is_whole_or_not_claimed(code, quick_folder / "build")
    goes_on_in_peace(forge, tiny, quick_folder / "build", undisturbed_tiny)


@pytest.mark.parametrize("what", ["its folder cannot be written", "it is another's", "it cannot be written"])
def test_a_folder_that_may_not_be_written_is_refused_before_anyone_is_asked(
    what: str, forge: Forge, readable: Path
) -> None:
    """S03, as somebody whom file modes bind; a root is made nobody for it."""
    out = readable / "above" / "build"
    out.parent.mkdir()
    if what != "its folder cannot be written":
        out.mkdir(mode=0o700 if what == "it is another's" else 0o555)
    out.parent.chmod(0o555)
    if os.geteuid() != 0 and what == "it is another's":
        pytest.skip("only root has another to give it to")
    forge.log.write_text("")

    with serving() as port:
        code = forge.run(readable / "corpus", out, port=port, **AS_NOBODY)
        asked = asked_by_run(port)

    out.parent.chmod(0o700)
    told = told_by(forge)
    assert code == STORAGE, told
    assert f"{out}" in told
    assert "Permission denied" in told
    assert asked == {}
    assert not list(out.glob("plan/*"))


def test_a_corpus_that_may_not_be_read_is_named(forge: Forge, readable: Path) -> None:
    (readable / "corpus").rename(readable / "closed")
    (readable / "closed").chmod(0o000)
    forge.log.write_text("")

    code = forge.run(readable / "closed" / "files", readable / "build", **AS_NOBODY)

    (readable / "closed").chmod(0o700)
    assert code == MENDABLE
    assert f"{readable / 'closed' / 'files'}: you may not look into its folder" in told_by(forge)


@pytest.fixture
def readable(quick_folder: Path) -> Path:
    """A folder that nobody may enter, with a corpus; tests' own folders are closed to others."""
    write_demo_corpus(quick_folder / "corpus", studies=4, seed=11, images=False)
    for path in (quick_folder, *quick_folder.rglob("*")):
        path.chmod(0o755)
    return quick_folder


# --- a pause ----------------------------------------------------------------------------------


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
    assert len(asked) == pipeline.spent_on(quick_folder / "build").answers


def signalled(pid: int, number: int) -> None:
    """It may have ended meanwhile; until it is waited for, its id stays its own."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


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


@pytest.mark.faults
def test_a_pause_longer_than_every_deadline_costs_at_most_what_was_under_way(
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
    assert len(slow_server.requests) <= needed + CONCURRENCY
    assert dataset_of(tmp_path / "build") == dataset_of(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_takes_in_what_is_under_way_and_says_how_to_go_on(
    number: signal.Signals, bench: Bench, slow_server: BadServer, tmp_path: Path
) -> None:
    """K03."""
    typed = Typed(tmp_path, bench, slow_server, "build")
    wait_for(slow_server, 12)
    typed.process.send_signal(number)
    code, told = typed.ended()
    asked = len(slow_server.requests)
    kept = pipeline.spent_on(tmp_path / "build").answers

    again = Typed(tmp_path, bench, slow_server, "build")

    assert code == 3
    assert "Run the same command again" in told
    assert "Traceback" not in told
    assert kept == asked
    assert again.ended()[0] == 0
    assert len(slow_server.requests) == pipeline.spent_on(tmp_path / "build").answers


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
    kept = pipeline.spent_on(tmp_path / "build").answers
    with misbehaving(BadServer(bench.answer)) as server:
        assert Typed(tmp_path, bench, server, "build").ended()[0] == 0
        asked = len(server.requests)

    assert code == 3, told
    assert kept <= 10
    assert kept + asked == pipeline.spent_on(tmp_path / "build").answers


# --- clocks and places ------------------------------------------------------------------------

CLOCKS = {
    "a day forth and back": [0.0, DAY, -DAY],
    "1970": [-time.time() + 3.0],
    "before 1970": [-time.time() - 40 * 365 * DAY],
    "past 2038": [20 * 365 * DAY],
    "backwards all the time": [-60.0 * step for step in range(1000)],
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_clock_that_jumps_changes_no_byte(
    clock: str, forge: Forge, tiny: Path, quick_folder: Path, undisturbed_tiny: dict[str, str]
) -> None:
    """T01."""
    assert forge.run(tiny, quick_folder / "build", clock=CLOCKS[clock]) == 0, told_by(forge)

    assert dataset_of(quick_folder / "build") == undisturbed_tiny
    assert [entry["event"] for entry in verify_audit(quick_folder / "build")] == ["begin", "end"]
    assert pipeline.spent_on(quick_folder / "build").answers > 0
    assert pipeline.taken_over_by(quick_folder / "build") == 0
    goes_on_in_peace(forge, tiny, quick_folder / "build", undisturbed_tiny)


PLACES = [
    {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "0"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "ja_JP.eucJP", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711"},
]


@pytest.mark.parametrize("place", PLACES, ids=["C", "tr_TR", "ja_JP"])
def test_another_place_gives_the_same_bytes(place: dict[str, str], tiny: Path, tmp_path: Path) -> None:
    """T02: locale, time zone, hash seed and cores of the process that builds."""
    out = tmp_path / "ümläut 日本"
    words = ["run", "--corpus", f"demo:{tiny}", "--shard-size", "4", "--quiet", "--out", str(out)]

    with one_core() if place["LC_ALL"] == "C" else contextlib.nullcontext():
        done = subprocess.run(
            [sys.executable, "-m", "ccf_pipeline.cli", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **place},
            capture_output=True,
            check=False,
        )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    chosen = settings_for(tiny, tmp_path / "here")
    here = chosen.model_copy(update={"expert": type(chosen.expert)()})
    pipeline.build(here)
    assert built(out) == built(tmp_path / "here")


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """Those that are started meanwhile have one core, however many there are."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("what", ["code", "prompt", "graph"])
def test_another_version_is_not_mixed_into_a_build(
    what: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T03: refused with what differs, and with what to do; nothing is changed."""
    chosen = settings_for(tiny, tmp_path / "build")
    chosen = chosen.model_copy(update={"expert": type(chosen.expert)()})
    pipeline.build(chosen)
    before = built(tmp_path / "build")
    (tmp_path / "build" / "manifest.json").unlink()
    if what == "code":
        monkeypatch.setattr(materials, "__version__", "99.0.0")
    elif what == "prompt":
        load = materials.load_template
        monkeypatch.setattr(
            materials, "load_template", lambda name: load(name).model_copy(update={"digest": "other"})
        )
    else:
        graph = load_graph(None)
        changed = type(graph)(graph.file.model_copy(update={"version": "99.0.0"}))
        monkeypatch.setattr(materials, "load_graph", lambda path: changed)

    with pytest.raises(BuildConflict, match=rf"was begun with {what}_(version|digest)") as refused:
        pipeline.build(chosen)

    assert "--out" in refused.value.hint
    assert built(tmp_path / "build") == before


# --- someone reads meanwhile ------------------------------------------------------------------


def test_a_reader_never_takes_a_mixture_for_a_data_set(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C02: whoever finds the same manifest before and after has read what it vouches for."""
    chosen = settings_for(tiny, tmp_path / "build")
    chosen = chosen.model_copy(update={"expert": type(chosen.expert)()})
    folder = BuildFolder(chosen.out)
    consistent, mixed, done = [], [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                before = folder.manifest_path.read_bytes()
                _, files = folder.read_manifest()
                found = {name: digest_or_none(folder.path / name) for name in files}
                after = folder.manifest_path.read_bytes()
            except (OSError, StorageError):
                continue  # none is there, or it went meanwhile
            if before == after:
                wrong = [name for name in files if found[name] != files[name]["sha256"]]
                (mixed if wrong else consistent).append(before)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        pipeline.build(chosen)
        for version in range(4):  # each time other bytes in every row
            monkeypatch.setattr(materials, "__version__", f"{version}.0.0")
            wait_until(lambda: folder.manifest_path.read_bytes() in consistent or mixed)
            rechecking.recheck(chosen.out, None, write=True, progress=lambda *_: None)
        wait_until(lambda: folder.manifest_path.read_bytes() in consistent or mixed)
    finally:
        done.set()
        reader.join()

    assert mixed == []
    assert len(set(consistent)) == 5


def wait_until(done: object) -> None:
    limit = time.monotonic() + 60
    while not done():  # type: ignore[operator]
        assert time.monotonic() < limit
        time.sleep(0.01)


def digest_or_none(path: Path) -> str | None:
    from ccf_pipeline.io.disk import file_digest

    try:
        return file_digest(path)
    except OSError:
        return None
