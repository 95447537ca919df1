"""Too little of everything: memory, open files, room, rights.

Nothing is torn, nothing is claimed, and the same command in peace ends in the same bytes.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.verify import check_build
from ccf_pipeline.errors import StorageError
from tests.faults.forge import OUT_OF_MEMORY
from tests.faults.harness import (
    Forge,
    asked_by_run,
    clear,
    goes_on_in_peace,
    only_first_quick,
    serving,
    told_by,
)

STORAGE, MENDABLE = StorageError.exit_code, 1
KILO, MEGA = 1024, 1024**2
AS_NOBODY = {"user": 65534} if os.geteuid() == 0 else {}


def is_whole_or_not_claimed(code: int, out: Path) -> None:
    """Only exit 0 claims a build; whatever stands is intact."""
    assert (code == 0) == BuildFolder(out).is_finished()
    if (out / "build.json").is_file():
        assert check_build(out).damaged == ()


@pytest.mark.shows(
    "no memory",
    "exit 3, nothing is torn",
)
@pytest.mark.slow
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


@pytest.mark.shows(
    "too many open files",
    "exit 74",
)
@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.shows(
    "files may not grow",
    "exit 74 with the file's name",
)
@pytest.mark.parametrize("most", only_first_quick([16 * KILO, 0, 1, 4 * KILO, 40 * KILO]))
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


@pytest.mark.slow
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
