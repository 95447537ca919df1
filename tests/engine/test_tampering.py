"""Files of a build that were damaged, swapped, edited or added are told, finished or not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.verify import check_build, repair_build
from ccf_pipeline.errors import BuildConflict, StorageError
from ccf_pipeline.files.disk import list_files
from ccf_pipeline.settings import ShardSettings
from tests.engine.conftest import settings
from tests.test_builds import dataset_files


@pytest.fixture
def half(build: Path) -> Path:
    """A build whose last shard is still open."""
    shutil.rmtree(build / "dataset")
    for name in ("manifest.json", "seals/shard-00003.json"):
        (build / name).unlink()
    return build


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def swap(path: Path) -> None:
    """Put the file of the next shard in its place, and the other way round."""
    other = path.with_name(path.name.replace("00000", "00001"))
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)


def edit(path: Path) -> None:
    """Change a number, so that the file is still what a program can read."""
    content = json.loads(path.read_text("utf-8"))
    key = next(key for key, value in content.items() if isinstance(value, int))
    path.write_text(json.dumps(content | {key: content[key] + 1}), "utf-8")


def strip(path: Path) -> None:
    """Take away what a file says of itself, as if an older version had written it."""
    content = json.loads(path.read_text("utf-8"))
    own = {"digest", "vouched", "format"}
    path.write_text(json.dumps({key: value for key, value in content.items() if key not in own}), "utf-8")


SHARDS = ("plan/shard-00000.parquet", "accepted/shard-00000.parquet", "rejected/shard-00000.parquet")
SEAL, QUARANTINE, IDENTITY = "seals/shard-00000.json", "quarantine/studies.parquet", "build.json"
SUMMARY, CARD = "plan/summary.json", "dataset/README.md"
KINDS = {
    **dict.fromkeys((*SHARDS, SEAL), (flip, cut, empty, Path.unlink, swap)),
    **dict.fromkeys((QUARANTINE, CARD), (flip, cut, empty, Path.unlink)),
}
CASES = [(name, how) for name, hows in KINDS.items() for how in hows]
CASES += [(name, how) for name in (SEAL, SUMMARY, IDENTITY) for how in (edit, strip)]
CASES += [(name, how) for name in (SUMMARY, IDENTITY) for how in (cut, empty, Path.unlink)]


@pytest.mark.shows(
    "a file of a finished build is flipped, cut, emptied, deleted, swapped, edited, or its digest taken out",
    "`verify` names it, exit 74; `--repair` makes it anew without asking",
)
@pytest.mark.parametrize(("name", "how"), CASES)
def test_damage_to_a_finished_build_is_told(name: str, how: Callable[[Path], None], build: Path) -> None:
    before = (build / name).read_bytes()
    how(build / name)
    if (build / name).exists() and (build / name).read_bytes() == before:
        return  # two shards without a rejected row are the same file

    assert name in check_build(build).damaged
    with pytest.raises(StorageError):
        BuildFolder(build).verify()


@pytest.mark.parametrize(("name", "how"), [case for case in CASES if case[0] != CARD])
def test_damage_to_a_build_under_way_is_told_or_made_good(
    name: str, how: Callable[[Path], None], half: Path, corpus: Path, finished: Path
) -> None:
    before = (half / name).read_bytes()
    how(half / name)
    if (half / name).exists() and (half / name).read_bytes() == before:
        return

    if name not in (SEAL, SUMMARY) or (half / name).exists():  # without those, it was not finished yet
        # A file of another size than was sealed breaks the seal, which is named then.
        assert {name, SEAL if name in SHARDS[1:] else name} & set(check_build(half).damaged)
    try:
        walk.build(settings(corpus, half))
    except (StorageError, BuildConflict):
        assert not (half / "manifest.json").exists()
        return
    assert name in (SEAL, SUMMARY, IDENTITY, *SHARDS[1:])  # made anew from journal, corpus or plan
    assert dataset_files(half) == dataset_files(finished)


@pytest.mark.shows(
    "the same while a build is under way",
    "told, or made good; after `verify --repair` and `run` the data set is the undisturbed one",
)
@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), [case for case in CASES if case[0] != CARD])
def test_a_build_under_way_goes_on_after_every_damage(
    name: str, how: Callable[[Path], None], half: Path, corpus: Path, finished: Path
) -> None:
    how(half / name)

    repair_build(half, None)
    walk.build(settings(corpus, half))

    assert check_build(half).damaged == ()
    assert dataset_files(half) == dataset_files(finished)


@pytest.mark.shows(
    "`build.json` and the plan's summary are lost",
    "`run` goes on with the settings that the audit log knows, refuses others",
)
def test_a_build_that_lost_what_it_was_begun_with_goes_on_with_its_settings_only(
    half: Path, corpus: Path, finished: Path
) -> None:
    for name in (IDENTITY, SUMMARY):
        (half / name).unlink()
    others = settings(corpus, half).model_copy(update={"shards": ShardSettings(size=4)})

    with pytest.raises(StorageError) as told:
        check_build(half)
    assert "`ccf-build run` with the settings of this build" in told.value.hint
    with pytest.raises(BuildConflict, match="had other settings"):
        walk.build(others)
    walk.build(settings(corpus, half))

    assert dataset_files(half) == dataset_files(finished)


@pytest.mark.shows(
    "sealed rows belong to another plan",
    "not committed; `verify --repair` has them judged again",
)
def test_rows_of_a_plan_that_was_lost_are_judged_again(half: Path, corpus: Path, finished: Path) -> None:
    folder = BuildFolder(half)
    folder.seal_shard(0, list(folder.records_of(1)))
    folder.seal_shard(2, list(folder.records_of(2)))

    with pytest.raises(StorageError, match="rows are doubled or of another plan") as told:
        walk.build(settings(corpus, half))
    assert "--repair" in told.value.hint
    assert SEAL not in check_build(half).damaged
    repair_build(half, None)
    walk.build(settings(corpus, half))

    assert dataset_files(half) == dataset_files(finished)


@pytest.mark.shows(
    "a file or a link is added",
    "`verify` names it, exit 74",
)
@pytest.mark.parametrize("name", ["dataset/data/ccf/train-99.parquet", "accepted/shard-00099.parquet"])
@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_or_a_link_that_was_added_is_told(name: str, is_link: bool, build: Path) -> None:
    if is_link:
        (build / name).symlink_to(build / SHARDS[1])
    else:
        shutil.copy(build / SHARDS[1], build / name)

    assert check_build(build).added == (name,)
    with pytest.raises(StorageError, match="no part of the build"):
        BuildFolder(build).verify()


def test_rows_of_another_plan_are_not_committed(build: Path) -> None:
    folder = BuildFolder(build)
    summary, records = folder.verify(), list(folder.records_of(0))
    folder.seal_shard(0, [*records[1:], records[1]])

    with pytest.raises(StorageError, match=r"1 of .* planned counterfactuals were not judged, 1 rows"):
        folder.commit(summary)


def test_a_build_of_a_version_that_vouched_for_less_goes_on(half: Path, corpus: Path, finished: Path) -> None:
    for path in (half / SUMMARY, half / IDENTITY, *(half / "seals").iterdir()):
        strip(path)

    walk.build(settings(corpus, half))

    assert check_build(half).damaged == ()
    assert dataset_files(half) == dataset_files(finished)


@pytest.mark.shows(
    "a folder cannot be listed",
    "exit 74, never an empty folder",
)
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("ccf_pipeline.files.disk.os.scandir", refuse)

    with pytest.raises(StorageError, match="Permission denied"):
        list_files(tmp_path)
