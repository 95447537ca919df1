"""The public API does what its page shows, and takes the names that people use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ccf_pipeline
from ccf_pipeline import check, load_graph, open_build, plan, read_report
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import GraphError, MissingInput

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
REPORT = "FINDINGS: The lungs are clear. No pneumothorax."


def test_the_page_runs_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_demo_corpus(Path("corpus"), studies=6, seed=3, images=False)
    names: dict[str, object] = {}

    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, names)

    assert len(names["rows"]) == names["summary"].accepted > 0  # type: ignore[arg-type, attr-defined]
    assert names["wanted"].target == "fnd_pneumothorax"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Pneumothorax", "fnd_pneumothorax", "pneumothorax", "PNEUMOTHORAX"])
def test_a_finding_goes_by_the_names_of_chexpert_and_of_the_graph(name: str) -> None:
    [planned] = plan(REPORT, name)

    assert planned.target == "fnd_pneumothorax"


def test_a_misspelt_finding_is_told_with_what_was_meant() -> None:
    with pytest.raises(GraphError) as told:
        plan(REPORT, "Pnuemothorax")

    assert "Did you mean Pneumothorax" in (told.value.hint or "")


def test_a_report_is_read_and_a_counterfactual_judged() -> None:
    made = "FINDINGS: Small left apical pneumothorax."

    assert read_report(REPORT).findings["Pneumothorax"] == "absent"
    assert read_report(made).present == ["Pneumothorax"]
    assert [problem.code for problem in check(REPORT, REPORT, "Pneumothorax").problems] == ["unchanged"]


def test_what_is_no_build_is_told(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="is not a build folder"):
        open_build(tmp_path / "nothing")


def test_the_package_lists_what_it_offers() -> None:
    assert load_graph().digest == ccf_pipeline.load_graph().digest
    assert set(ccf_pipeline.__all__) >= {"build", "check", "load_graph", "open_build", "plan", "read_report"}
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = ccf_pipeline.no_such_thing
