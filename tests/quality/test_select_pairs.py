"""Selecting the pairs of a finished build, from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline.cli.app import app
from ccf_pipeline.datasets.adversarial import Selected
from ccf_pipeline.engine.build_folder import identity_of
from ccf_pipeline.engine.claim import open_build
from ccf_pipeline.engine.export import open_finished
from ccf_pipeline.engine.finish_build import finish_build
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.engine.select_pairs import SELECTION_FILE, read_selected, select_pairs
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import Record
from ccf_pipeline.settings import BuildSettings, CorpusSettings, DatasetSettings
from tests.shipped import LEXICON


@pytest.mark.slow
def test_a_build_is_selected_from_and_only_what_stays_is_exported(
    build: Path, records: list[Record], tmp_path: Path
) -> None:
    mine = tmp_path / "build"
    shutil.copytree(build, mine)
    folder, plan, _ = open_finished(mine)
    with pytest.raises(MissingInput):
        read_selected(folder, plan.shards)

    told = CliRunner().invoke(app, ["select", str(mine), "--keep", "0.7", "--json"])
    done = CliRunner().invoke(
        app, ["export", str(mine), "--config", "ccf", "--selected", "--out", str(tmp_path / "out"), "--json"]
    )

    assert told.exit_code == done.exit_code == 0, told.output + done.output
    selected = Selected.model_validate_json(told.output)
    assert selected == Selected.model_validate_json((mine / SELECTION_FILE).read_text())
    accepted = {record.record_id for record in records if record.accepted}
    kept = read_selected(folder, plan.shards)
    assert kept == accepted - set(selected.dropped)
    assert 0 < len(kept) < len(accepted)
    assert selected.pairs == len(accepted) == sum(figures.pairs for figures in selected.kinds)
    assert json.loads(done.output)["rows"] == len(kept)


@pytest.mark.slow
def test_the_setting_chooses_as_the_command_does(build: Path, tmp_path: Path) -> None:
    mine = tmp_path / "build"
    shutil.copytree(build, mine)
    folder, plan, _ = open_finished(mine)
    selected = select_pairs(folder, plan.shards, LEXICON, keep=0.7)
    settings = BuildSettings(
        out=mine,
        corpus=CorpusSettings(kind="demo", path=build.parent / "corpus"),
        dataset=DatasetSettings(configs=("ccf",), select=0.7),
    )
    (mine / SELECTION_FILE).unlink()

    materials = Materials.load(settings)
    with open_build(mine, identity_of(mine)) as opened:
        finish_build(opened, materials)

    assert Selected.model_validate_json((mine / SELECTION_FILE).read_text()) == selected
