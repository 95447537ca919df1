"""A build as pandas tables, as the page about notebooks shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.pandas_tables import CODES, read_labels, read_problems, read_rows
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import FINDING_LABELS
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ShardSettings

PAGE = Path(__file__).parents[2] / "docs" / "notebook.md"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    write_demo_corpus(folder / "corpus", studies=40, images=False)
    walk.build(
        BuildSettings(
            out=folder / "build",
            corpus=CorpusSettings(kind="demo", path=folder / "corpus"),
            shards=ShardSettings(size=15),
        )
    )
    return folder / "build"


def test_every_counterfactual_is_a_row(build: Path) -> None:
    summary, _ = BuildFolder(build).read_manifest()
    accepted, rejected, everything = (read_rows(build, rows) for rows in ("accepted", "rejected", "all"))

    assert (len(accepted), len(rejected)) == (summary.accepted, summary.rejected)
    assert set(everything.record_id) == {*accepted.record_id, *rejected.record_id}
    assert accepted.accepted.all()
    assert (accepted.factual_text != accepted.counterfactual_text).all()


def test_labels_are_those_of_the_rows(build: Path) -> None:
    rows = read_rows(build).set_index("record_id")
    labels = read_labels(build).set_index(["record_id", "side"])

    assert len(labels) == 2 * len(rows)
    for record_id, told in rows.counterfactual_labels.items():
        codes = labels.loc[(record_id, "counterfactual")].dropna().to_dict()
        assert codes == {label["finding"]: CODES[label["state"]] for label in told}
    assert list(labels.columns) == list(FINDING_LABELS.values())


def test_every_reason_is_a_row(build: Path) -> None:
    rows, problems = read_rows(build, "all"), read_problems(build)

    assert len(problems) == sum(map(len, rows.problems))
    assert set(problems[problems.level == "block"].record_id) == set(rows[~rows.accepted].record_id)


def test_a_build_under_way_shows_what_is_sealed(build: Path, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    for name in ("plan", "seals", "accepted", "rejected"):
        (begun / name).symlink_to(build / name)
    (begun / "seals").unlink()
    (begun / "seals").mkdir()
    (begun / "seals" / "shard-00001.json").symlink_to(build / "seals" / "shard-00001.json")

    assert 0 < len(read_rows(begun, "all")) < len(read_rows(build, "all"))
    with pytest.raises(MissingInput, match="no build was planned"):
        read_rows(tmp_path / "elsewhere")


def test_the_page_about_notebooks_runs(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(build.parent)

    names: dict[str, object] = {}
    exec(code, names)

    assert {"rows", "problems", "labels"} <= names.keys()
