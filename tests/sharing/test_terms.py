"""What the terms of a corpus keep from leaving, whoever asks and by whatever command."""

from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.corpora.terms import TERMS
from ccf_pipeline.errors import SharingRefused
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing.nouns import ShareLevel
from ccf_pipeline.sharing.permission import (
    read_permission,
    refuse_name,
    refuse_texts,
    refuse_texts_on_the_hub,
)
from ccf_pipeline.sharing.share import preview, share
from tests.hub_server import HubServer
from tests.sharing.conftest import push


@pytest.fixture(scope="module")
def openi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of reports that everybody may read, and whose adaptations nobody may share."""
    folder = tmp_path_factory.mktemp("openi")
    findings = [
        "The lungs are clear. There is no pleural effusion. The heart is normal in size.",
        "There is a small left pleural effusion. No pneumothorax. The heart is enlarged.",
        "There is a small right apical pneumothorax. No pleural effusion is seen.",
    ]
    rows = [("uid", "findings", "impression")]
    rows += [(str(n), f"{findings[n % 3]} Rib {n} is old.", "See above.") for n in range(12)]
    with (folder / "indiana_reports.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    walk.build(BuildSettings(out=folder / "build", corpus=CorpusSettings(kind="openi", path=folder)))
    return folder / "build"


@pytest.mark.parametrize("level", ["L0", "L1", "L2"])
@pytest.mark.parametrize("kind", sorted(TERMS))
def test_what_the_terms_let_leave_is_what_the_docs_say(kind: str, level: ShareLevel) -> None:
    terms, number = TERMS[kind], ("L0", "L1", "L2").index(level)
    checks = {"share": refuse_to_share, "push": refuse_to_push}
    for verb, check in checks.items():
        said = tables_of_refusals(verb)[kind][number]
        assert said in ("yes", "permission")
        if said == "permission":
            with pytest.raises(SharingRefused, match=level) as refused:
                check(level, terms, "")
            assert "--permission" in refused.value.hint
            assert "L0" in refused.value.hint
        check(level, terms, "letter of the owner, 3 March, no. 12" if said == "permission" else "")


def refuse_to_share(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    refuse_texts(level, terms, permission)


def refuse_to_push(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    refuse_texts(level, terms, permission)
    refuse_texts_on_the_hub(level, terms, permission)


def tables_of_refusals(verb: str) -> dict[str, list[str]]:
    """Corpus → what docs/sharing.md says of L0, L1 and L2 for `share` or for `push`."""
    lines = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| corpus | `share` L0"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    first = {"share": 1, "push": 4}[verb]
    return {row[0].strip("`"): row[first : first + 3] for row in cells}


def test_every_corpus_says_whether_what_is_made_of_it_may_leave() -> None:
    assert set(tables_of_refusals("push")) == set(TERMS)
    assert all("adaptations_may_be_shared" in terms.model_fields_set for terms in TERMS.values())


@pytest.mark.parametrize(
    ("name", "refused"), [("MIMIC-CXR-CF", True), ("mimic_next", True), ("MIMIC-Ext-CF", False)]
)
def test_a_name_with_mimic_says_that_it_extends_it(name: str, refused: bool) -> None:
    if refused:
        with pytest.raises(SharingRefused, match="MIMIC"):
            refuse_name(f"lab/{name}")
    else:
        refuse_name(f"lab/{name}")


@pytest.mark.parametrize("level", ["L1", "L2"])
def test_texts_that_may_not_be_shared_reach_no_folder_and_no_hub(
    hub: HubServer, openi: Path, tmp_path: Path, level: ShareLevel
) -> None:
    for leave in (
        lambda: share(openi, tmp_path / "share", level=level),
        lambda: preview(openi, level=level),
        lambda: push(hub, openi, level),
    ):
        with pytest.raises(SharingRefused, match=r"Open-i.*may not be shared.*CC BY-NC-ND"):
            leave()

    assert hub.requests == []
    assert not (tmp_path / "share").exists()
    assert not (openi / "share").exists()


def test_their_recipe_may_be_shared_and_with_a_permission_the_delta_too(openi: Path, tmp_path: Path) -> None:
    recipe = share(openi, tmp_path / "L0", level="L0")
    permitted = share(openi, tmp_path / "L1", level="L1", permission="letter of the owner, no. 12")

    assert recipe.rows == permitted.rows > 0
    assert "letter of the owner, no. 12" in (tmp_path / "L1" / "README.md").read_text("utf-8")


def test_the_data_set_itself_says_that_it_may_not_be_passed_on(openi: Path, build: Path) -> None:
    for name in ("README.md", "LICENSE.md"):
        assert "Not to be passed on" in (openi / "dataset" / name).read_text("utf-8")
        assert "Not to be passed on" not in (build / "dataset" / name).read_text("utf-8")


def test_an_older_ingest_of_such_a_corpus_is_held_to_its_terms(openi: Path, tmp_path: Path) -> None:
    words = ["ingest", "--corpus", f"openi:{openi.parent}", "--out", str(tmp_path / "studies")]
    assert CliRunner().invoke(app, words).exit_code == 0
    funnel = tmp_path / "studies" / "funnel.json"
    told = json.loads(funnel.read_text())
    del told["terms"]["adaptations_may_be_shared"]
    funnel.write_text(json.dumps(told))

    terms = corpus_terms(CorpusSettings(kind="studies", path=tmp_path / "studies"))

    assert (terms.kind, terms.adaptations_may_be_shared) == ("openi", False)


@pytest.mark.parametrize("verb", [["share"], ["export"]])
def test_the_command_line_says_why_and_what_to_do(openi: Path, tmp_path: Path, verb: list[str]) -> None:
    words = [*verb, str(openi), "--level", "L2", "--out", str(tmp_path / "out")]
    letter = tmp_path / "letter.eml"
    letter.write_text("We allow it.")

    refused = CliRunner().invoke(app, words)
    allowed = CliRunner().invoke(app, [*words, "--permission", str(letter)])

    assert isinstance(refused.exception, SharingRefused)
    assert allowed.exit_code == 0
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_permission_is_a_file(tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF we allow it")

    assert read_permission(str(letter)).startswith("letter.pdf, sha256 ")
    (tmp_path / "empty.txt").write_text(" \n")
    for nothing in (
        "",
        "  ",
        "owner's letter no. 12",
        str(tmp_path / "empty.txt"),
        str(tmp_path),
        str(tmp_path / "lost.pdf"),
        "x" * 1000,
    ):
        with pytest.raises(SharingRefused):
            read_permission(nothing)
