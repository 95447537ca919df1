"""`ccf-build review` without a browser: what readers judged, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import MissingInput, SettingsError
from ccf_pipeline.quality.review.judgements import JudgementBook
from ccf_pipeline.records import Judgement, Opinion, Record, ReviewMode
from ccf_pipeline.settings import BuildSettings, CorpusSettings


def judgement(record: Record, reader: str, mode: ReviewMode, opinion: Opinion, *reasons: str) -> Judgement:
    return Judgement(
        record_id=record.record_id,
        reader=reader,
        mode=mode,
        shown="counterfactual",
        direction=record.direction,
        target=record.target,
        opinion=opinion,
        reasons=reasons,
        judged_at="2026-01-01T00:00:00+00:00",
    )


def review(*words: str) -> str:
    outcome = CliRunner().invoke(app, ["review", *words], env={"COLUMNS": "200"})
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.stdout


def test_the_results_count_opinions_agreement_and_reasons(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=6, seed=5, images=False)
    corpus = CorpusSettings(kind="demo", path=tmp_path / "corpus")
    walk.build(BuildSettings(out=tmp_path / "build", corpus=corpus))
    first, second, *_ = BuildFolder(tmp_path / "build").accepted_of(0)
    with JudgementBook(tmp_path / "build" / "review" / "judgements.sqlite") as book:
        book.keep(judgement(first, "A. Reader", "blind", "implausible", "contradicts itself"))
        book.keep(judgement(second, "A. Reader", "blind", "plausible"))
        book.keep(judgement(first, "B. Reader", "side_by_side", "unsure"))

    figures = review(str(tmp_path / "build"), "--results")

    assert "1 of 2 (50 %)" in figures
    assert "A. Reader and B. Reader: both judged 0" in figures
    assert "1  contradicts itself" in figures
    with pytest.raises(SettingsError, match="say who judges"):
        review(str(tmp_path / "build"))


def test_a_folder_that_is_no_build_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        review(str(tmp_path), "--results")
