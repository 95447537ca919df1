"""The graph's pictures: the same bytes from the same graph, and nothing of it lost."""

import sys
from itertools import pairwise
from pathlib import Path

import pytest

from ccf_pipeline.errors import MissingExtra
from ccf_pipeline.graph.draw import draw_finding, draw_graph
from ccf_pipeline.graph.load import load_graph
from ccf_pipeline.graph.picture import picture_of_finding, picture_of_graph

ROOT = Path(__file__).parents[2]
SMALL = load_graph(ROOT / "tests" / "graph" / "small.yaml")


def test_a_finding_stands_between_its_signs_and_its_normal_states() -> None:
    picture = picture_of_finding(SMALL, "fnd_pleural_effusion")

    assert {(line.start, line.end, line.tone) for line in picture.lines if line.tone != "group"} == {
        ("att_blunted_angle", "fnd_pleural_effusion", "positive"),
        ("fnd_pleural_effusion", "nrm_no_effusion", "exclusive"),
        ("fnd_pleural_effusion", "nrm_sharp_angles", "exclusive"),
    }
    assert {spot.id: spot.remark for spot in picture.spots}["nrm_sharp_angles"] == "small or more"


def test_the_whole_picture_says_what_it_leaves_out() -> None:
    picture = picture_of_graph(SMALL)

    drawn = {spot.id for spot in picture.spots}
    assert "att_chest_tube" not in drawn
    assert "att_skin_fold" not in drawn
    assert ("att_hyperinflation", "att_volume_loss") in {(line.start, line.end) for line in picture.lines}
    assert "1 attributes without a line" in picture.note


def test_spots_of_one_column_do_not_overlap() -> None:
    for column in ("category", "attribute", "finding", "normal"):
        rows = sorted(spot.row for spot in picture_of_graph(load_graph()).spots if spot.column == column)
        assert all(below - above >= 1 for above, below in pairwise(rows))


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_graph_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"

    draw_finding(SMALL, "fnd_pneumothorax", first)
    draw_finding(SMALL, "fnd_pneumothorax", second)

    assert first.read_bytes() == second.read_bytes()


def test_words_in_an_svg_can_be_searched(tmp_path: Path) -> None:
    draw_graph(SMALL, tmp_path / "small.svg")

    svg = (tmp_path / "small.svg").read_text(encoding="utf-8")
    assert "Visceral pleural line" in svg
    assert f"graph digest {SMALL.digest}" in svg


def test_the_committed_picture_is_of_the_committed_graph() -> None:
    drawn = (ROOT / "graphs" / "thoracic.svg").read_text(encoding="utf-8")

    assert f"graph digest {load_graph(ROOT / 'graphs' / 'thoracic.yaml').digest}" in drawn, (
        "draw it again: ccf-build graph render --out graphs/thoracic.svg"
    )


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(MissingExtra) as missing:
        draw_graph(SMALL, tmp_path / "small.svg")

    assert "[draw]" in missing.value.hint
