"""The card is complete, honest, accepted by the Hub's own reader, and safe to show."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ccf_pipeline.corpora.terms import TERMS
from ccf_pipeline.datasets.card import tell_quality, write_card
from ccf_pipeline.datasets.card.escaping import escaped, table, unlinked
from ccf_pipeline.datasets.card.head import size_category
from ccf_pipeline.datasets.counts import ranked
from ccf_pipeline.engine.audit_log import append_audit, attestation_lines
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import UnreadableInput
from ccf_pipeline.records import BuildSummary, Lineage
from ccf_pipeline.settings import DatasetSettings
from tests.paired_build import paired_build, written

REVIEWS = {"reviewed": 3, "cited": 5, "taught": 2}
# Fields and values as the Hub documents them for data sets.
HUB_FIELDS = {
    "pretty_name", "license", "license_name", "license_link", "language", "annotations_creators",
    "source_datasets", "task_categories", "size_categories", "tags", "configs", "extra_gated_prompt",
    "extra_gated_fields", "extra_gated_button_content",
}  # fmt: skip


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> BuildFolder:
    return paired_build(tmp_path_factory.mktemp("carded"), studies=30)


def card(build: BuildFolder, out: Path, kind: str = "demo", **chosen: Any) -> str:
    data = written(build, out / "dataset", "ccf", "cpo_thinking", "rejected", **chosen)
    plan, tally = build.plan_summary(), data.tally
    assert plan is not None
    summary = BuildSummary(
        plan=plan,
        accepted=tally.accepted,
        rejected=tally.rejected,
        rejected_by_reason=ranked(tally.reasons),
        accepted_by_direction=ranked(tally.directions),
        accepted_by_target=ranked(tally.targets),
        configs=data.configs,
    )
    lineage = Lineage(graph_version="g 1", graph_digest="a" * 64, prompt_digest="b" * 16, code_version="1.2")
    write_card(
        data,
        summary,
        lineage,
        TERMS[kind],
        DatasetSettings(**chosen),
        REVIEWS,
        vouched=attestation_lines(out),
    )
    return (out / "dataset" / "README.md").read_text(encoding="utf-8")


def head(text: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return said


def test_the_hubs_own_reader_takes_the_card(build: BuildFolder, tmp_path: Path) -> None:
    from huggingface_hub import DatasetCard, DatasetCardData

    text = card(build, tmp_path, kind="mimic")

    read = DatasetCard(text)
    assert isinstance(read.data, DatasetCardData)
    assert read.data.license == "other"
    assert read.data.size_categories == ["n<1K"]
    assert set(head(text)) <= HUB_FIELDS


@pytest.mark.parametrize("kind", sorted(TERMS))
def test_the_licence_is_one_the_hub_knows_or_is_named_and_linked(
    build: BuildFolder, tmp_path: Path, kind: str
) -> None:
    said = head(card(build, tmp_path, kind=kind))

    if said["license"] == "other":
        assert re.fullmatch(r"[a-z0-9.-]+", said["license_name"])
        assert (tmp_path / "dataset" / said["license_link"]).is_file()
    else:
        assert said["license"] in ("apache-2.0", "cc-by-nc-nd-4.0")


def test_credentialed_rows_are_gated_and_open_ones_are_not(build: BuildFolder, tmp_path: Path) -> None:
    closed, free = card(build, tmp_path / "a", kind="mimic"), card(build, tmp_path / "b", kind="demo")

    assert "extra_gated_prompt" in head(closed)
    assert "may not be published" in closed
    assert "extra_gated_prompt" not in head(free)


def test_every_file_of_the_head_exists_and_one_config_is_the_default(
    build: BuildFolder, tmp_path: Path
) -> None:
    configs = head(card(build, tmp_path))["configs"]

    assert [one["config_name"] for one in configs if one.get("default")] == ["ccf"]
    for one in configs:
        for files in one["data_files"]:
            assert list((tmp_path / "dataset").glob(files["path"]))


def test_the_table_of_findings_adds_up(build: BuildFolder, tmp_path: Path) -> None:
    text = card(build, tmp_path)

    lines = re.findall(r"^\| ([A-Z][A-Za-z ]+) \| (add|swap|remove) \|.* (\d+) \|$", text, re.MULTILINE)
    accepted = int(re.findall(r"^\| accepted \| (\d+) \|", text, re.MULTILINE)[0])
    assert sum(int(count) for _, _, count in lines) == accepted > 0
    for word in ("add ", "swap ", "remove ", "30.0 % reviewed by a radiologist", "1.2", "not measured"):
        assert word.lower() in text.lower()


def test_what_was_measured_is_told_and_a_missed_bound_stands_out(build: BuildFolder, tmp_path: Path) -> None:
    gates = [
        {"name": "flip success", "value": 0.9712, "bound": 0.95, "passed": True},
        {"name": "masked AUC", "value": 0.71, "bound": 0.6, "passed": False, "extra": 1},
    ]
    (tmp_path / "quality.json").write_text(json.dumps({"gates": gates, "more": {}}))

    text = card(build, tmp_path)

    assert "1 of 2 figures miss their bound." in text
    assert "| masked AUC | 0.71 | 0.6 | FAILED |" in text


def test_the_first_screen_says_how_far_the_text_alone_decides(build: BuildFolder, tmp_path: Path) -> None:
    before = card(build, tmp_path)
    alone = [
        {"pairs": "training mix", "features": "words", "rows": 90, "value": 0.5},
        {"pairs": "thinking pairs", "features": "characters", "rows": 45, "value": 0.958},
    ]
    arm = {
        "arm": "balanced",
        "seed": 1,
        "own_film": 0.94,
        "shuffled_film": 0.49,
        "matched_film": 0.9,
        "both": 0.84,
        "held_out": 9,
    }
    (tmp_path / "quality.json").write_text(json.dumps({"gates": [], "figures": {"text_alone": alone}}))
    (tmp_path / "probe.json").write_text(json.dumps({"arms": [arm]}))

    after = tell_quality(before, tmp_path)

    for text in (before, after):
        first_screen = text[: text.index("## Source and terms")]
        assert "What decides a pair" in first_screen
        assert "every text is chosen as often as it is rejected" in first_screen
    assert "Not measured for this build" in before[: before.index("## The training mix")]
    assert "- training mix, by words: **0.5**." in after
    assert "- thinking pairs, by characters: **0.958**." in after
    assert "| balanced, seed 1 | 0.94 | 0.49 |  | 0.9 | 0.84 |" in after
    assert after[after.index("## The training mix") : after.index("## Quality")] in before


def test_the_mix_adds_up_to_the_accepted_pairs(build: BuildFolder, tmp_path: Path) -> None:
    text = card(build, tmp_path)

    accepted = int(re.findall(r"^\| accepted \| (\d+) \|", text, re.MULTILINE)[0])
    mixed = int(re.findall(r"^(\d+) pairs stand in it twice", text, re.MULTILINE)[0])
    apart = int(re.findall(r"^(\d+) pairs without such a film", text, re.MULTILINE)[0])
    left = sum(
        map(int, re.findall(r" (\d+)", re.findall(r"^Not trained on: (.*)\.$", text, re.MULTILINE)[0]))
    )
    films = re.findall(r"^\| (?:no film|shows the|same) [^|]*\| (\d+) \|", text, re.MULTILINE)
    assert mixed + apart + left == accepted
    assert sum(map(int, films)) == accepted


def test_a_damaged_table_of_quality_is_named(build: BuildFolder, tmp_path: Path) -> None:
    (tmp_path / "quality.json").write_text('{"gates": 5}')

    with pytest.raises(UnreadableInput, match=r"quality\.json"):
        card(build, tmp_path)


def test_who_vouched_for_a_host_is_told(build: BuildFolder, tmp_path: Path) -> None:
    append_audit(tmp_path, "begin", {"attested": ["models.example, vouched for by A. Person"]})

    text = card(build, tmp_path)

    assert "| reports were sent to | models.example, vouched for by A. Person |" in text


def test_no_report_text_is_in_any_paper(build: BuildFolder, tmp_path: Path) -> None:
    card(build, tmp_path, kind="mimic")
    papers = "".join(path.read_text("utf-8") for path in (tmp_path / "dataset").glob("*.*") if path.is_file())

    for record in build.accepted_records(1):
        for line in record.factual_text.splitlines():
            words = line.partition(": ")[2].split()
            if len(words) >= 4:
                assert " ".join(words[:4]) not in papers


def test_words_from_outside_cannot_act_in_the_card(build: BuildFolder, tmp_path: Path) -> None:
    wicked = "<script>alert(1)</script> ![](http://x/y.png) [a](javascript:b) | c `d` \x1b]8;;http://e\x07"

    text = card(build, tmp_path, changes=wicked)

    shown = text[text.index("## Changes") :]
    assert "<script" not in shown
    assert re.search(r"(?<!\\)\]\(", shown) is None
    assert "http:" not in shown
    assert "\x1b" not in text


@given(st.text())
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    for safe in (escaped(text), unlinked(text)):
        assert "\n" not in safe
        assert "<" not in safe
        assert re.search(r"(?<!\\)[`*\[\]|]", safe) is None or "\\\\" in safe


@given(st.lists(st.tuples(st.text(), st.text()), max_size=4))
def test_a_table_keeps_its_columns(rows: list[tuple[object, ...]]) -> None:
    lines = table(("a", "b"), rows).splitlines()

    assert len(lines) == len(rows) + 2
    for line in lines:
        assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3


def test_sizes_go_by_the_hubs_names() -> None:
    assert size_category(999) == "n<1K"
    assert size_category(1_000) == "1K<n<10K"
    assert size_category(320_416) == "100K<n<1M"


def test_croissant_is_valid_and_its_digests_are_those_of_the_files(
    build: BuildFolder, tmp_path: Path
) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    card(build, tmp_path)

    read = mlcroissant.Dataset(str(tmp_path / "dataset" / "croissant.json"))

    assert read.metadata.ctx.issues.errors == set()
    assert next(iter(read.records("ccf/train-00000")))["ccf/train-00000/corpus"] == b"demo"


def test_croissant_names_every_file(build: BuildFolder, tmp_path: Path) -> None:
    from ccf_pipeline.files.disk import file_digest

    card(build, tmp_path)
    folder = tmp_path / "dataset"

    said = json.loads((folder / "croissant.json").read_text("utf-8"))

    named = {one["contentUrl"]: one["sha256"] for one in said["distribution"]}
    assert named == {
        path.relative_to(folder).as_posix(): file_digest(path) for path in folder.rglob("*.parquet")
    }
