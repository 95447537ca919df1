"""Whether a data set has room is told before the first question and before the first byte."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.datasets.disk_space import bytes_below, bytes_wanted, require_room
from ccf_pipeline.datasets.formats import shipped_exports
from ccf_pipeline.datasets.write import write_configs
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.export import export_config, find_export
from ccf_pipeline.errors import StorageError
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings, ImagesAs

Disk = Callable[[int], None]
ALL_PAIRS = {"even": False, "same_diagnosis": True}
EMBEDDED = DatasetSettings.model_validate(ALL_PAIRS)
PATHS = DatasetSettings.model_validate({**ALL_PAIRS, "images": "paths"})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=40, seed=3)
    return folder


@pytest.fixture(scope="module")
def build(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> BuildFolder:
    out = tmp_path_factory.mktemp("built") / "build"
    walk.build(settings(corpus, out))
    return BuildFolder(out)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Say how much the disk has free."""

    def has(free: int) -> None:
        usage = shutil._ntuple_diskusage(free, 0, free)  # type: ignore[attr-defined]
        monkeypatch.setattr("ccf_pipeline.datasets.disk_space.shutil.disk_usage", lambda path: usage)

    return has


def settings(corpus: Path, out: Path, images: ImagesAs = "embedded") -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        dataset=DatasetSettings.model_validate({**ALL_PAIRS, "images": images}),
    )


@pytest.mark.parametrize("export", shipped_exports(), ids=lambda export: export.config)
def test_a_config_takes_no_more_than_was_told_and_its_images_not_much_less(
    build: BuildFolder, corpus: Path, export: object
) -> None:
    told = bytes_wanted(build, 1, [export], corpus, EMBEDDED)  # type: ignore[list-item]
    of_text = bytes_wanted(build, 1, [export], corpus, PATHS)  # type: ignore[list-item]
    taken = bytes_below(build.dataset_path / "data" / export.config)  # type: ignore[attr-defined]

    assert taken <= told
    assert told - of_text <= 1.5 * taken


def test_what_is_evened_out_is_told_to_take_less_and_takes_no_more_than_that(
    build: BuildFolder, corpus: Path, tmp_path: Path
) -> None:
    for config in ("cpo_mixed", "trl_dpo", "cpo_unmirrored"):
        export = find_export(config)
        even = bytes_wanted(build, 1, [export], corpus, DatasetSettings())
        written = write_configs(tmp_path / config, [export], build, 1, corpus, DatasetSettings())

        assert bytes_below(written.folder / "data" / config) <= even
    assert even < bytes_wanted(build, 1, [export], corpus, EMBEDDED)


def test_a_build_that_will_not_have_room_asks_nothing(corpus: Path, tmp_path: Path, disk: Disk) -> None:
    disk(100_000)

    with pytest.raises(StorageError, match=r"may take \d+\.\d MiB, and 0\.1 MiB are free") as refused:
        walk.build(settings(corpus, tmp_path / "build"))

    assert "same command again" in refused.value.hint
    assert not list((tmp_path / "build").glob("accepted/*"))
    assert not (tmp_path / "build" / "dataset").exists()


@pytest.mark.slow
def test_the_same_command_goes_on_once_there_is_room(
    build: BuildFolder, corpus: Path, tmp_path: Path, disk: Disk
) -> None:
    disk(100_000)
    for _ in range(2):
        with pytest.raises(StorageError):
            walk.build(settings(corpus, tmp_path / "build"))
    disk(1 << 40)

    assert walk.build(settings(corpus, tmp_path / "build")) == build.verify()


def test_images_by_path_need_no_room(corpus: Path, tmp_path: Path, disk: Disk) -> None:
    disk(3_000_000)

    assert walk.build(settings(corpus, tmp_path / "build", "paths")).accepted > 0


def test_an_export_without_room_leaves_nothing(
    build: BuildFolder, corpus: Path, tmp_path: Path, disk: Disk
) -> None:
    disk(bytes_wanted(build, 1, [find_export("cpo_mixed")], corpus, EMBEDDED) - 1)

    with pytest.raises(StorageError, match="are free"):
        export_config(build.path, "cpo_mixed", tmp_path / "out")
    export_config(build.path, "cpo_mixed", tmp_path / "json", kind="json")

    assert not (tmp_path / "out").exists()


def test_what_goes_before_counts_as_free(tmp_path: Path, disk: Disk) -> None:
    disk(1000)

    require_room(tmp_path / "not" / "there" / "yet", 1000)
    require_room(tmp_path, 1500, freed=500)
    with pytest.raises(StorageError):
        require_room(tmp_path, 1501, freed=500)


def test_images_that_are_gone_take_no_room(build: BuildFolder, tmp_path: Path) -> None:
    exports = shipped_exports()

    gone = bytes_wanted(build, 1, exports, tmp_path, EMBEDDED)

    assert gone == bytes_wanted(build, 1, exports, tmp_path, PATHS)
