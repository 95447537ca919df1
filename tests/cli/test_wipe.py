"""`ccf-build wipe` removes all of a build that it can reach, asks first, and says what it cannot reach."""

from __future__ import annotations

import contextlib
import uuid
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.bucket.object_store import open_store
from ccf_pipeline.engine.bucket.place import BucketPlace
from ccf_pipeline.engine.bucket.scratch import scratch
from ccf_pipeline.engine.locks import held
from ccf_pipeline.errors import BuildConflict, MissingInput, StorageError
from ccf_pipeline.settings import BuildSettings, CorpusSettings


@pytest.fixture
def build(tmp_path: Path) -> Path:
    write_demo_corpus(tmp_path / "corpus", studies=2, seed=5, images=False)
    corpus = CorpusSettings(kind="demo", path=tmp_path / "corpus")
    walk.build(BuildSettings(out=tmp_path / "build", corpus=corpus))
    (tmp_path / "build.preview-1").mkdir()
    (tmp_path / ".build.part").mkdir()
    (tmp_path / "build-notes.txt").touch()
    return tmp_path / "build"


def test_a_build_goes_with_what_lies_beside_it_and_nothing_else_does(build: Path) -> None:
    kept = CliRunner().invoke(app, ["wipe", str(build)], input="n\n")
    assert build.is_dir()
    done = CliRunner().invoke(app, ["wipe", str(build), "--yes"])

    assert kept.exit_code != 0
    assert done.exit_code == 0
    assert sorted(path.name for path in build.parent.iterdir()) == ["build-notes.txt", "corpus"]
    assert "backups and snapshots" in done.stdout


def test_a_build_that_somebody_works_on_and_another_folder_stay(build: Path) -> None:
    with held(build), pytest.raises(BuildConflict):
        raise_error(["wipe", str(build), "--yes"])
    with pytest.raises(MissingInput):
        raise_error(["wipe", str(build.parent), "--yes"])

    assert (build / "manifest.json").is_file()


def die_in(opened: AbstractContextManager[Path]) -> None:
    """Leave something in a scratch folder, as a process that was killed does."""
    with contextlib.suppress(KeyboardInterrupt), opened as folder:
        folder.mkdir()
        raise KeyboardInterrupt


def raise_error(words: list[str]) -> None:
    outcome = CliRunner().invoke(app, words)
    assert outcome.exception is not None
    raise outcome.exception


def test_a_build_in_a_store_goes_with_its_scratch_here(tmp_path: Path) -> None:
    url = f"memory://bucket/{uuid.uuid4().hex}"
    store = open_store(url)
    store.put("build.json", b"{}")
    store.put("journal/1", b"answers")
    place = BucketPlace(Path(url))
    for about in (f"{place.name} settings", "another build"):
        die_in(scratch(tmp_path, about))

    told = place.wipe(tmp_path)

    assert store.names("") == {}
    assert told == (f"2 objects below {place.name}", "1 scratch folders of this machine")
    assert len(list(tmp_path.glob("*/build"))) == 1


@pytest.mark.parametrize("mode", [0o777, 0o750, 0o705])
def test_a_scratch_folder_that_others_may_look_into_is_refused(tmp_path: Path, mode: int) -> None:
    die_in(scratch(tmp_path, "a build"))
    (slot,) = tmp_path.iterdir()
    slot.chmod(mode)

    with pytest.raises(StorageError, match="others own it"), scratch(tmp_path, "a build"):
        pass


def test_a_link_in_the_place_of_a_scratch_folder_is_refused(tmp_path: Path) -> None:
    die_in(scratch(tmp_path / "base", "a build"))
    (slot,) = (tmp_path / "base").iterdir()
    slot.rename(tmp_path / "elsewhere")
    slot.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match="others own it"), scratch(tmp_path / "base", "a build"):
        pass
