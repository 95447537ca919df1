"""What language models extracted from demo reports, read again and set beside the graph: tests/recorded."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.mining.extraction import Batch, Comparison, Extraction, Terms, read_answer
from ccf_pipeline.reader import Lexicon
from ccf_pipeline.records import Completion

RECORDED = Path(__file__).parents[1] / "recorded" / "extract.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in RECORDED.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def extraction(graph: ConceptGraph) -> Extraction:
    added = Extraction(Terms(graph, Lexicon.from_graph(graph.file)))
    for row in ROWS:
        told = {"prompt_id": row["prompt_id"], "model": row["model"], "text": row["text"]}
        batch = Batch(tuple(row["study_ids"]), tuple(row["texts"]))
        answer = read_answer(Completion(expert="recorded", **told), batch)
        assert answer is not None, row["prompt_id"]
        assert len(answer.cases) == len(batch.texts)
        added.add(answer)
    return added


def test_every_answer_says_who_wrote_it_and_what_was_asked() -> None:
    assert len({row["messages_digest"] for row in ROWS}) == len(ROWS) >= 40
    assert all(row["model"] and "without sight of the checker" in row["origin"] for row in ROWS)


def test_nearly_every_term_is_a_concept_of_the_graph(extraction: Extraction) -> None:
    known = sum(extraction.with_disease.values()) + sum(extraction.with_feature.values())

    assert extraction.cases == 320
    assert extraction.unknown.total() / (known + extraction.unknown.total()) < 0.03


def test_what_was_extracted_is_what_the_graph_says(extraction: Extraction, graph: ConceptGraph) -> None:
    standing = Counter(row.status for row in Comparison(extraction, graph, min_cases=3).rows())

    assert standing["confirmed"] >= 30
    assert standing["contradicted"] == 0
    assert standing["not in ours"] <= 1
