"""A corpus planned as a whole: even, whole, the same however it is cut, and with other patients' images."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccf_pipeline.corpora import read_corpus
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.demo.studies import generate_studies
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import plan_build
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.records import FINDING_LABELS, NO_FINDING, Plan, PlannedStudy, PlanSummary, Study
from ccf_pipeline.settings import BuildSettings, CorpusSettings, PlanPreset, PlanSettings, ShardSettings
from ccf_pipeline.walk import build

STUDIES = 500
Planned = tuple[PlanSummary, list[PlannedStudy]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports and tables; an empty file stands for each picture."""
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=STUDIES, seed=3, as_zip=True, images=False)
    for study in generate_studies(STUDIES, 3):
        for image in study.images:
            path = folder / study.folder / f"{image.dicom_id}.{'dcm' if image.is_dicom else 'jpg'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return folder


def planned(
    corpus: Path, out: Path, *, size: int = 200, preset: PlanPreset = "balanced", limit: int | None = None
) -> Planned:
    settings = BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus, limit=limit),
        plan=PlanSettings(preset=preset),
        shards=ShardSettings(size=size),
    )
    materials = Materials.load(settings)
    with open_build(out, materials.identity) as folder:
        summary = plan_build(folder, materials)
        return summary, [entry for shard in range(summary.shards) for entry in folder.planned_studies(shard)]


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Planned:
    return planned(corpus, tmp_path_factory.mktemp("whole") / "build")


def plans_of(whole: Planned) -> list[Plan]:
    return [plan for entry in whole[1] for plan in entry.plans]


def test_every_finding_is_gained_about_as_often_as_lost(whole: Planned) -> None:
    for entry in whole[0].balance:
        assert abs(entry.gained - entry.lost) <= max(3, 0.15 * max(entry.gained, entry.lost)), entry.finding


def test_every_finding_is_a_target_and_the_rare_ones_are_used_up(whole: Planned) -> None:
    assert {plan.target for plan in plans_of(whole)} == set(FINDING_LABELS)
    rare = min((entry for entry in whole[0].balance if entry.most_lost), key=lambda entry: entry.studies)
    assert rare.lost >= rare.most_lost / 2


def test_the_account_is_that_of_the_plans(whole: Planned) -> None:
    plans = plans_of(whole)

    for finding, entry in zip(FINDING_LABELS, whole[0].balance, strict=True):
        assert entry.gained == sum(finding in plan.gained for plan in plans)
        assert entry.lost == sum(finding in plan.lost for plan in plans)


def test_every_study_has_two_counterfactuals_with_two_targets(whole: Planned) -> None:
    assert all(len({plan.target for plan in entry.plans}) == 2 for entry in whole[1])


@pytest.mark.slow
def test_the_size_of_a_shard_changes_no_plan(whole: Planned, corpus: Path, tmp_path: Path) -> None:
    assert planned(corpus, tmp_path / "build", size=61)[1] == whole[1]


def test_a_matched_image_is_of_another_patient_same_view_and_split(whole: Planned, corpus: Path) -> None:
    studies = {
        study.study_id: study
        for study in read_corpus(CorpusSettings(kind="demo", path=corpus))
        if isinstance(study, Study)
    }

    matched = [(e.study, p, p.matched_image) for e in whole[1] for p in e.plans if p.matched_image]
    assert len(matched) > 0.8 * whole[0].plans
    assert whole[0].matched_images == len(matched)
    for study, plan, match in matched:
        other = studies[match.study_id]
        assert other.subject_id != study.subject_id
        assert other.split == study.split
        assert study.image is not None
        assert other.image is not None
        assert (other.image.view, other.image.path) == (study.image.view, match.path)
        assert match.shows == ("has the target" if plan.target in plan.gained else "lacks the finding")


def test_no_finding_goes_with_everything_abnormal(whole: Planned) -> None:
    for entry in whole[1]:
        for plan in entry.plans:
            if plan.target == NO_FINDING:
                assert plan.direction == "swap"
                assert plan.swap_from == plan.lost
                assert plan.must_appear[0].concept == NO_FINDING


def test_the_paper_names_two_other_diseases_one_at_a_time(corpus: Path, tmp_path: Path) -> None:
    _, entries = planned(corpus, tmp_path / "build", preset="paper", limit=40)

    for entry in entries:
        assert [plan.direction for plan in entry.plans] == ["add", "add"]
        assert all(plan.diagnosis == plan.target for plan in entry.plans)
        assert not {plan.target for plan in entry.plans} & {
            label.finding for label in entry.study.labels if label.state == "present"
        }


def test_a_record_carries_the_matched_image_bound_by_its_hash(corpus: Path, tmp_path: Path) -> None:
    settings = BuildSettings(
        out=tmp_path / "build", corpus=CorpusSettings(kind="demo", path=corpus, limit=60)
    )
    summary = build(settings)

    folder = BuildFolder(tmp_path / "build")
    records = [*folder.accepted_records(summary.plan.shards), *folder.rejected_records(summary.plan.shards)]
    images = [record.matched_image for record in records if record.matched_image]
    assert len(images) == summary.plan.matched_images > 0
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert {image.sha256 for image in images} == {empty}
