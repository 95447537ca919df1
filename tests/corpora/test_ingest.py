"""An ingest tells where every study went, and what it wrote can be built from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.corpora import images_root
from ccf_pipeline.corpora import ingest as ingesting
from ccf_pipeline.corpora.ingest import ingest
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import BuildConflict, MissingInput, StorageError
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from tests.corpora.conftest import Tree

PATIENT, OTHER = 10000032, 11000033
FIRST, SECOND, THIRD, FOURTH = 50414267, 53189527, 53911762, 56699142


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    (tmp_path / "mimic").mkdir()
    tree = Tree(tmp_path / "mimic")
    tree.report(PATIENT, FIRST)
    tree.report(PATIENT, SECOND, " IMPRESSION:  Clear.\n")
    tree.report(OTHER, THIRD, " ___\n")
    tree.metadata(("a", PATIENT, FIRST, "PA"), ("b", OTHER, FOURTH, "AP"))
    tree.split((PATIENT, FIRST, "train"), (PATIENT, SECOND, "train"), (OTHER, THIRD, "test"))
    return tree


def settings(tree: Tree, **more: Any) -> CorpusSettings:
    return CorpusSettings.model_validate({"kind": "mimic", "path": tree.folder, **more})


def counted(counts: Any) -> dict[str, int]:
    return {entry.reason: entry.count for entry in counts}


def test_what_is_found_is_used_or_skipped_for_a_reason(tree: Tree, tmp_path: Path) -> None:
    funnel = ingest(settings(tree), tmp_path / "out")

    assert (funnel.found, funnel.used) == (4, 2)
    assert counted(funnel.skipped) == {"empty_report": 1, "no_report": 1}
    assert counted(funnel.read_from) == {"findings+impression": 1, "impression": 1}
    assert counted(funnel.without_image) == {"image_not_on_disk": 1, "no_image_listed": 1}
    quarantine = pq.read_table(tmp_path / "out" / "quarantine.parquet").to_pylist()
    assert [(row["study_id"], row["reason"]) for row in quarantine] == [
        (str(THIRD), "empty_report"), (str(FOURTH), "no_report")
    ]  # fmt: skip
    assert pq.read_metadata(tmp_path / "out" / "studies.parquet").num_rows == 2


def test_what_is_ingested_is_its_owners_alone(tree: Tree, tmp_path: Path) -> None:
    ingest(settings(tree), tmp_path / "out")

    modes = [path.stat().st_mode & 0o077 for path in (tmp_path / "out", tmp_path / "out" / "studies.parquet")]
    assert modes == [0, 0]


def test_the_copy_is_compared_with_the_published_whole(tree: Tree, tmp_path: Path) -> None:
    funnel = ingest(settings(tree), tmp_path / "out")

    totals = {total.what: (total.expected, total.found) for total in funnel.known_totals}
    assert totals == {
        "studies": (227_835, 4),
        "studies with a report": (227_835, 3),
        "images listed": (377_110, 2),
        "studies in train": (222_758, 2),
        "studies in validate": (1_808, 0),
        "studies in test": (3_269, 1),
    }


def test_a_partial_download_is_compared_with_its_list_of_checksums(tree: Tree, tmp_path: Path) -> None:
    metadata = tree.folder / "mimic-cxr-2.0.0-metadata.csv.gz"
    digest = hashlib.sha256(metadata.read_bytes()).hexdigest()
    (tree.folder / "SHA256SUMS.txt").write_text(
        f"{digest} {metadata.name}\n{'0' * 64} mimic-cxr-2.0.0-split.csv.gz\n"
        f"{'0' * 64} cxr-study-list.csv.gz\n"
        f"{'0' * 64} files/p10/p{PATIENT}/s{FIRST}.txt\n{'0' * 64} files/p19/p19999999/s59999999.txt\n"
        f"{'0' * 64} ../outside\n"
    )

    funnel = ingest(settings(tree), tmp_path / "out")

    assert funnel.remarks == (
        "SHA256SUMS.txt lists cxr-study-list.csv.gz, not here",
        "SHA256SUMS.txt gives another checksum for mimic-cxr-2.0.0-split.csv.gz: fetch it again",
        "SHA256SUMS.txt lists 2 files below files/, 1 of them are not here",
    )


def test_the_same_corpus_gives_the_same_bytes(tree: Tree, tmp_path: Path) -> None:
    for out in ("one", "two"):
        ingest(settings(tree), tmp_path / out)

    files = ("studies.parquet", "quarantine.parquet", "funnel.json")
    one, two = ([(tmp_path / out / name).read_bytes() for name in files] for out in ("one", "two"))
    assert one == two


def test_a_lost_row_is_never_reported_as_done(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingesting, "read_row_count", lambda path: 1)

    with pytest.raises(StorageError, match="4 studies were found, 2 are in the files"):
        ingest(settings(tree), tmp_path / "out")
    assert not (tmp_path / "out" / "funnel.json").exists()


@pytest.mark.slow
def test_a_build_from_an_ingest_is_the_build_from_its_corpus(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=20, seed=3)
    corpus = CorpusSettings(kind="demo", path=tmp_path / "corpus")
    ingest(corpus, tmp_path / "ingest")
    ingested = CorpusSettings(kind="studies", path=tmp_path / "ingest")

    directly = walk.build(BuildSettings(out=tmp_path / "a", corpus=corpus))
    from_ingest = walk.build(BuildSettings(out=tmp_path / "b", corpus=ingested))

    assert from_ingest.accepted == directly.accepted > 0
    data = [
        [path.read_bytes() for path in sorted((tmp_path / out / "dataset" / "data").rglob("*.parquet"))]
        for out in ("a", "b")
    ]
    assert data[0] == data[1]
    assert "no patient is behind" in (tmp_path / "b" / "dataset" / "README.md").read_text()
    assert images_root(ingested) == (tmp_path / "corpus").resolve()


def test_an_ingest_may_go_to_a_file_and_is_not_ingested_again(tree: Tree, tmp_path: Path) -> None:
    out = tmp_path / "mine.parquet"
    ingest(settings(tree), out)

    names = sorted(path.name for path in tmp_path.glob("mine*"))
    assert names == ["mine.funnel.json", "mine.parquet", "mine.quarantine.parquet"]
    with pytest.raises(BuildConflict):
        ingest(CorpusSettings(kind="studies", path=out), tmp_path / "again")
    with pytest.raises(MissingInput, match="no ingested studies"):
        walk.build(BuildSettings(out=tmp_path / "b", corpus=CorpusSettings(kind="studies", path=tree.folder)))


def test_the_command_prints_the_funnel_and_no_report_text(tree: Tree, tmp_path: Path) -> None:
    arguments = ["ingest", "--corpus", f"mimic:{tree.folder}", "--out", str(tmp_path / "out")]

    told = CliRunner().invoke(app, arguments, catch_exceptions=False).output
    as_json = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).output

    for words in ("studies found", "empty_report", "no_report", "227835 in the whole corpus", "credentialed"):
        assert words in told
    assert "lungs are clear" not in told
    assert json.loads(as_json)["used"] == 2
