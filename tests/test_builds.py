"""A build from corpus to data set: what it writes, that it goes on, and that nothing gets lost."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import folder_place
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build, planned
from ccf_pipeline.engine.build_shards import build_shards
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.errors import BuildConflict, ExpertError, MissingInput, StorageError, Unfinished
from ccf_pipeline.records import BuildSummary, Completion
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PlanSettings, ShardSettings

STUDIES = 40


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=STUDIES, seed=3)
    return folder


def settings(corpus: Path, out: Path, *, seed: int = 3, shard_size: int = 15) -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        plan=PlanSettings(seed=seed),
        shards=ShardSettings(size=shard_size),
    )


@pytest.fixture(scope="module")
def finished(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BuildSummary]:
    out = tmp_path_factory.mktemp("finished") / "build"
    return out, walk.build(settings(corpus, out))


def dataset_files(out: Path) -> dict[str, str]:
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "dataset").rglob("*"))
        if path.is_file()
    }


def test_every_study_and_every_plan_is_accounted_for(finished: tuple[Path, BuildSummary]) -> None:
    _, summary = finished

    skipped = sum(entry.count for entry in summary.plan.studies_skipped)
    assert summary.plan.studies_read == STUDIES
    assert summary.plan.studies_planned + summary.plan.studies_without_target + skipped == STUDIES
    assert summary.accepted + summary.rejected == summary.plan.plans
    assert summary.accepted > 0


def test_the_same_seed_gives_the_same_bytes_in_another_folder(
    finished: tuple[Path, BuildSummary], corpus: Path, tmp_path: Path
) -> None:
    out, _ = finished

    walk.build(settings(corpus, tmp_path / "again"))

    assert dataset_files(tmp_path / "again") == dataset_files(out)


@pytest.mark.slow
def test_the_size_of_a_shard_does_not_change_the_rows(
    finished: tuple[Path, BuildSummary], corpus: Path, tmp_path: Path
) -> None:
    out, _ = finished

    walk.build(settings(corpus, tmp_path / "build", shard_size=7))

    assert dataset_files(tmp_path / "build") == dataset_files(out)


def test_more_small_shards_than_are_open_at_once_are_all_built(
    finished: tuple[Path, BuildSummary], corpus: Path, tmp_path: Path
) -> None:
    out, _ = finished

    walk.build(settings(corpus, tmp_path / "build", shard_size=2))

    assert dataset_files(tmp_path / "build") == dataset_files(out)


@pytest.mark.slow
def test_another_seed_asks_for_other_counterfactuals(
    finished: tuple[Path, BuildSummary], corpus: Path, tmp_path: Path
) -> None:
    out, _ = finished

    walk.build(settings(corpus, tmp_path / "build", seed=4))

    assert dataset_files(tmp_path / "build") != dataset_files(out)


def test_a_finished_build_is_verified_and_not_made_again(
    finished: tuple[Path, BuildSummary], corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, summary = finished
    monkeypatch.setattr(folder_place, "build_shards", lambda *_: pytest.fail("a finished build asked again"))

    assert walk.build(settings(corpus, out)) == summary


def test_a_stopped_build_goes_on_where_it_was(
    finished: tuple[Path, BuildSummary], corpus: Path, tmp_path: Path
) -> None:
    whole, _ = finished
    out = tmp_path / "build"
    chosen = settings(corpus, out)

    handed_out = itertools.count()

    with pytest.raises(Unfinished, match="as asked"):
        walk.build(chosen, stopping=lambda: next(handed_out) == 60)
    sealed = [shard for shard in range(chosen_shards(out)) if BuildFolder(out).is_sealed(shard)]
    walk.build(chosen)

    assert 0 in sealed
    assert len(sealed) < chosen_shards(out)
    assert dataset_files(out) == dataset_files(whole)


def test_answers_in_the_journal_are_not_asked_again(
    finished: tuple[Path, BuildSummary], corpus: Path
) -> None:
    out, summary = finished
    folder = BuildFolder(out)
    with Journal(folder.journal_path) as journal:
        before = journal.spent()
    for path in (folder.manifest_path, folder.accepted_path(0)):
        path.unlink()

    assert walk.build(settings(corpus, out)) == summary

    with Journal(folder.journal_path) as journal:
        assert journal.spent() == before


def test_a_damaged_file_is_named_before_anything_is_said_to_be_done(corpus: Path, tmp_path: Path) -> None:
    out = tmp_path / "build"
    walk.build(settings(corpus, out))
    shard = BuildFolder(out).accepted_path(0)
    shard.write_bytes(shard.read_bytes()[:-1])

    with pytest.raises(StorageError, match="shard-00000"):
        walk.build(settings(corpus, out))


def test_a_folder_goes_on_only_with_the_settings_it_was_begun_with(
    finished: tuple[Path, BuildSummary], corpus: Path
) -> None:
    out, _ = finished

    with pytest.raises(BuildConflict, match=r"plan\.seed = 3, not 4"):
        walk.build(settings(corpus, out, seed=4))


def test_a_build_that_runs_is_not_entered(corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build")
    identity = Materials.load(chosen).identity

    with open_build(chosen.out, identity), pytest.raises(BuildConflict, match="is being built by process"):
        walk.build(chosen)


def test_a_folder_with_other_things_in_it_is_left_alone(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("do not lose me")

    with pytest.raises(BuildConflict, match=r"thesis\.tex"):
        walk.build(settings(corpus, tmp_path))

    assert (tmp_path / "thesis.tex").read_text() == "do not lose me"


def test_a_corpus_without_reports_is_said_to_have_none(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()

    with pytest.raises(MissingInput, match="no MIMIC-CXR reports here"):
        walk.build(settings(tmp_path / "corpus", tmp_path / "build"))


def test_the_manifest_lists_every_published_file(finished: tuple[Path, BuildSummary]) -> None:
    out, _ = finished

    manifest = json.loads((out / "manifest.json").read_text())

    assert set(dataset_files(out)) <= set(manifest["files"])


def test_a_row_keeps_its_own_image_or_has_none(finished: tuple[Path, BuildSummary], corpus: Path) -> None:
    out, summary = finished
    folder = BuildFolder(out)

    bound = [record for record in folder.accepted_records(summary.plan.shards) if record.image_path]

    assert bound
    for record in bound:
        assert record.subject_id in str(record.image_path)
        assert record.study_id in str(record.image_path)
        digest = hashlib.sha256((corpus / str(record.image_path)).read_bytes()).hexdigest()
        assert digest == record.image_sha256


def test_a_mistyped_corpus_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file or folder"):
        walk.build(settings(tmp_path / "corpsu", tmp_path / "build"))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_build_that_planned_nothing_yet_takes_other_settings(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingInput):
        walk.build(settings(tmp_path / "empty", tmp_path / "build"))

    assert walk.build(settings(corpus, tmp_path / "build", seed=9)).accepted > 0


def test_what_a_killed_process_left_half_written_is_cleared_away(corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build")
    with open_build(chosen.out, Materials.load(chosen).identity):
        (chosen.out / "accepted").mkdir()
        (chosen.out / "accepted" / ".shard-00000.parquet.4711.tmp").write_bytes(b"PAR1")

    walk.build(chosen)

    assert list(chosen.out.rglob("*.tmp")) == []


def test_an_expert_that_leaves_prompts_unanswered_is_told(corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build")
    materials = Materials.load(chosen)

    class Silent:
        name, model, learns, endpoints = "silent", "none", False, ()

        def answer(self, take: object) -> Iterator[tuple[Completion, ...]]:
            yield from ()

    with open_build(chosen.out, materials.identity) as folder, Journal(folder.journal_path) as journal:
        plan_build(folder, materials)
        # It never asks for a prompt: nothing was begun, nothing is done, and that is said.
        with pytest.raises(ExpertError, match=r"`silent` left .* unanswered"):
            build_shards(folder, materials, [0], Silent(), journal)


def chosen_shards(out: Path) -> int:
    return planned(BuildFolder(out)).shards
