"""A journal that shrinks is noticed, whatever was done to it; and looking at a build changes nothing."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.engine.verify import check_build, repair_build
from ccf_pipeline.errors import StorageError, Unfinished
from ccf_pipeline.settings import BuildSettings, CorpusSettings, LimitSettings, ShardSettings
from tests.command import ROOT, ccf_build

ASKED = 12


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=12, seed=3, images=False)
    return folder


def settings(corpus: Path, out: Path, requests: int | None = None) -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        shards=ShardSettings(size=4),
        limits=LimitSettings(requests=requests),
    )


@pytest.fixture(scope="module")
def halves(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A build that stopped in the middle, and as it was some answers before."""
    folder = tmp_path_factory.mktemp("halves")
    with pytest.raises(Unfinished):
        walk.build(settings(corpus, folder / "half", ASKED // 2))
    shutil.copytree(folder / "half", folder / "earlier")
    with pytest.raises(Unfinished):
        walk.build(settings(corpus, folder / "half", ASKED))
    return folder / "half", folder / "earlier"


def give_up_and_build(corpus: Path, build: Path) -> None:
    assert open_place(build).give_up_lost() > 0
    walk.build(settings(corpus, build, ASKED))


def journal_of(build: Path) -> Path:
    return BuildFolder(build).journal_path


def empty(build: Path, earlier: Path) -> None:
    journal_of(build).write_bytes(b"")


def zero(build: Path, earlier: Path) -> None:
    journal_of(build).write_bytes(bytes(journal_of(build).stat().st_size))


def cut(build: Path, earlier: Path) -> None:
    os.truncate(journal_of(build), 4096 * 3)


def delete(build: Path, earlier: Path) -> None:
    journal_of(build).unlink()


def delete_the_folder(build: Path, earlier: Path) -> None:
    shutil.rmtree(journal_of(build).parent)


def replace_by_an_older_one(build: Path, earlier: Path) -> None:
    shutil.copy(journal_of(earlier), journal_of(build))


def delete_rows(build: Path, earlier: Path) -> None:
    with sqlite3.connect(journal_of(build)) as database:
        database.execute("DELETE FROM completions WHERE id > 2")
    database.close()


def flip_answers(build: Path, earlier: Path) -> None:
    with sqlite3.connect(journal_of(build)) as database:
        database.execute("UPDATE completions SET crc = crc + 1")
    database.close()


DAMAGES = [
    empty, zero, cut, delete, delete_the_folder, replace_by_an_older_one, delete_rows, flip_answers,
]  # fmt: skip


@pytest.mark.shows(
    "the journal is emptied, cut, replaced or deleted",
    "`verify` says how many answers are lost; `run` stops until `--again`; they stay spent",
)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_answers_that_are_gone_are_counted_and_asked_again_only_when_told_to(
    damage: Callable[[Path, Path], None], corpus: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    build = Path(shutil.copytree(halves[0], tmp_path / "build"))
    damage(build, halves[1])

    found = check_build(build)
    with pytest.raises(StorageError, match=r"\d+ answers that were paid for cannot be read") as refused:
        walk.build(settings(corpus, build, ASKED))
    counted = check_build(build).lost_answers

    assert found.lost_answers or found.journal
    assert 0 < counted <= ASKED
    assert f"{counted} answers" in refused.value.what
    assert "--again" in refused.value.hint
    # What was spent stays spent: the limit was reached before.
    with pytest.raises(Unfinished, match="as many as allowed"):
        give_up_and_build(corpus, build)
    assert open_place(build).spent().answers == ASKED
    # Said once, it holds: the same command goes on to the end.
    assert walk.build(settings(corpus, build)).accepted > 0
    assert check_build(build).lost_answers == 0


def test_a_repair_does_not_call_a_journal_well_that_lost_its_answers(corpus: Path, tmp_path: Path) -> None:
    build = tmp_path / "build"
    walk.build(settings(corpus, build))
    paid = open_place(build).spent().answers
    delete_the_folder(build, build)

    verified = ccf_build("verify", "build", folder=tmp_path)
    repaired = repair_build(build, None)
    again = ccf_build(
        "run", "--corpus", f"demo:{corpus}", "--shard-size", "4", "--again", "--out", "build", folder=tmp_path
    )

    assert verified.returncode == StorageError.exit_code
    assert f"{paid} answers that were paid for cannot be read" in verified.stderr
    assert repaired.lost_answers == paid
    assert again.returncode == 0, again.stderr
    assert ccf_build("verify", "build", folder=tmp_path).returncode == 0


@pytest.mark.shows(
    "the journal is damaged under a run",
    "the run stops before anything is asked again",
)
def test_damage_in_the_middle_of_a_run_stops_it(
    corpus: Path, halves: tuple[Path, Path], tmp_path: Path
) -> None:
    from ccf_pipeline.engine.journal import Journal

    build = Path(shutil.copytree(halves[0], tmp_path / "build"))
    with Journal(journal_of(build)) as journal:
        asked = next(journal.rows_after(0))[0][1]
        flip_answers(build, build)

        with pytest.raises(StorageError, match="1 answers that were paid for cannot be read"):
            journal.find([str(asked[0])], expert=str(asked[1]), model=str(asked[2]))


# --- looking changes nothing ------------------------------------------------------------------


def state_of(folder: Path) -> dict[str, tuple[int, int, str]]:
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in sorted(folder.rglob("*"))
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from ccf_pipeline import walk
from ccf_pipeline.engine.build_folder import BuildFolder
from tests.engine.test_paid_answers import settings
BuildFolder.seal_shard = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
walk.build(settings(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def killed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build killed before its end: the log of its journal still lies there."""
    build = tmp_path_factory.mktemp("killed") / "build"
    words = [sys.executable, "-c", KILLED, str(corpus), str(build)]
    subprocess.run(words, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert journal_of(build).with_name("completions.sqlite-wal").stat().st_size
    return build


@pytest.mark.shows(
    "`verify` and `status` on a damaged build",
    "nothing changes on the disk",
)
@pytest.mark.parametrize("words", [("verify",), ("status",), ("verify", "--json"), ("status", "--json")])
def test_looking_at_a_build_changes_nothing(
    words: tuple[str, ...], killed: Path, halves: tuple[Path, Path]
) -> None:
    for build in (killed, halves[0]):
        before = state_of(build)

        done = ccf_build(words[0], str(build), *words[1:], folder=build.parent)

        assert done.returncode == 0, done.stderr
        assert state_of(build) == before


AS_ANOTHER = """
import os, sys
from pathlib import Path
from ccf_pipeline.engine.verify import build_status, check_build
from ccf_pipeline.settings import PriceSettings
check_build(Path(sys.argv[1]))  # whatever Python imports for it lies where only root may look
os.setuid(65534)
found = check_build(Path(sys.argv[1]))
assert (found.damaged, found.journal, found.lost_answers) == ((), None, 0), found
assert build_status(Path(sys.argv[1]), PriceSettings()).spend.answers
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_colleague_who_may_only_read_can_verify(killed: Path, corpus: Path) -> None:
    copy = (
        Path(os.path.realpath("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp"))
        / f"ccf-read-{os.getpid()}"
    )
    shutil.copytree(killed, copy)
    try:
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        words = [sys.executable, "-c", AS_ANOTHER, str(copy)]
        done = subprocess.run(
            words, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    finally:
        shutil.rmtree(copy)
