"""A language model's reading of a corpus, as a flow: the same results as the command, and a difference."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from tests.flows.test_build_dataset import write_settings
from tests.model_server import ModelServer, reports_in, serving


def every_report_has_an_effusion(message: str) -> str:
    cases = [
        {
            "report": number,
            "diseases": ["pleural effusion"],
            "features": ["blunting of the costophrenic angle"],
        }
        for number in reports_in(message)
    ]
    mapped = [{"disease": "pleural effusion", "features": ["blunting of the costophrenic angle"]}]
    return json.dumps({"cases": cases, "disease_feature_map": mapped})


@pytest.mark.slow
def test_reports_are_extracted_drafted_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.extract_graph import ExtractionRequest, compare, extract

    corpus = tmp_path / "corpus"
    write_demo_corpus(corpus, studies=40, seed=5, images=False)
    config = write_settings(tmp_path, tmp_path / "build", corpus)
    shown: list[dict[str, object]] = []
    monkeypatch.setattr("flows.extract_graph.create_table_artifact", lambda **said: shown.append(said))

    with serving(ModelServer(every_report_has_an_effusion)) as server:
        request = ExtractionRequest(
            config=str(config), base_url=server.base_url, model="a-model", out=str(tmp_path / "out")
        )
        first, again = extract.fn(request), extract.fn(request)
    changes = compare.fn(request)

    assert (first["read"], first["paid_for"]) == (40, 2)
    assert (again["paid_for"], again["kept_before"]) == (0, 2)
    assert changes > 0
    assert (tmp_path / "out" / "draft.yaml").is_file()
    assert shown[0]["key"] == "graph-difference"
