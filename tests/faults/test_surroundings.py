"""Clocks, places, other versions of the program, someone who reads meanwhile: a build stays what it is."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.engine import materials
from ccf_pipeline.engine import recheck as rechecking
from ccf_pipeline.engine.audit_log import verify_audit
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.graph.load import load_graph
from tests.faults.conftest import built
from tests.faults.forge import settings_for
from tests.faults.harness import ROOT, Forge, dataset_of, goes_on_in_peace, only_first_quick, told_by

DAY = 86_400.0


# --- clocks and places ------------------------------------------------------------------------

CLOCKS = {
    "a day forth and back": [0.0, DAY, -DAY],
    "1970": [-time.time() + 3.0],
    "before 1970": [-time.time() - 40 * 365 * DAY],
    "past 2038": [20 * 365 * DAY],
    "backwards all the time": [-60.0 * step for step in range(1000)],
}


@pytest.mark.shows(
    "the clock jumps",
    "the same bytes",
)
@pytest.mark.parametrize("clock", only_first_quick(CLOCKS))
def test_a_clock_that_jumps_changes_no_byte(
    clock: str, forge: Forge, tiny: Path, quick_folder: Path, undisturbed_tiny: dict[str, str]
) -> None:
    """T01."""
    assert forge.run(tiny, quick_folder / "build", clock=CLOCKS[clock]) == 0, told_by(forge)

    assert dataset_of(quick_folder / "build") == undisturbed_tiny
    assert [entry["event"] for entry in verify_audit(quick_folder / "build")] == ["begin", "end"]
    assert open_place(quick_folder / "build").spent().answers > 0
    assert open_place(quick_folder / "build").taken_over() == 0
    goes_on_in_peace(forge, tiny, quick_folder / "build", undisturbed_tiny)


PLACES = [
    {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "0"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "America/St_Johns", "PYTHONHASHSEED": "1"},
    {"LC_ALL": "ja_JP.eucJP", "TZ": "Pacific/Kiritimati", "PYTHONHASHSEED": "4711"},
]


@pytest.mark.slow
@pytest.mark.parametrize("place", only_first_quick(PLACES), ids=["C", "tr_TR", "ja_JP"])
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
    walk.build(here)
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


# --- another version --------------------------------------------------------------------------


@pytest.mark.shows(
    "another version of code, prompts or graph",
    "goes on if nothing that decides a prompt differs, else refused",
)
@pytest.mark.parametrize("what", ["prompt", "graph"])
def test_another_version_is_not_mixed_into_a_build(
    what: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T03: refused with what differs, and with what to do; nothing is changed."""
    chosen = settings_for(tiny, tmp_path / "build")
    chosen = chosen.model_copy(update={"expert": type(chosen.expert)()})
    walk.build(chosen)
    before = built(tmp_path / "build")
    (tmp_path / "build" / "manifest.json").unlink()
    if what == "prompt":
        load = materials.load_template
        monkeypatch.setattr(
            materials, "load_template", lambda name: load(name).model_copy(update={"digest": "other"})
        )
    else:
        graph = load_graph(None)
        changed = type(graph)(graph.file.model_copy(update={"version": "99.0.0"}))
        monkeypatch.setattr(materials, "load_graph", lambda path: changed)

    with pytest.raises(BuildConflict, match=rf"was begun with {what}_(version|digest)") as refused:
        walk.build(chosen)

    assert "--out" in refused.value.hint
    assert built(tmp_path / "build") == before


# --- someone reads meanwhile ------------------------------------------------------------------


@pytest.mark.slow
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
        walk.build(chosen)
        for version in range(4):  # each time other bytes in every row
            monkeypatch.setattr(materials, "read_code_version", lambda made=version: f"{made}.0.0")
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
    from ccf_pipeline.files.disk import file_digest

    try:
        return file_digest(path)
    except OSError:
        return None
