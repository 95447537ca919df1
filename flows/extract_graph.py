"""Have a language model read a corpus as a Prefect flow: reports → extraction → mined graph → difference.

Answers are kept in the folder as they come, so that a run that failed goes on with the next and asks
nothing twice. The graph is never changed: a draft is written beside it.
"""

from __future__ import annotations

from pathlib import Path

from prefect import flow, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.context import get_run_context
from pydantic import BaseModel, ConfigDict, Field

from ccf_pipeline.experts.chat import ChatExpert
from ccf_pipeline.experts.guard import allow_endpoint, rules_of
from ccf_pipeline.graph.diff import compare_graphs
from ccf_pipeline.graph.load import load_graph, read_graph_file
from ccf_pipeline.mining.extracted_file import DRAFT, open_extraction, write_extraction
from ccf_pipeline.mining.extraction import draft_graph
from ccf_pipeline.mining.run import extract_relations
from ccf_pipeline.settings import load_settings
from flows.tracking import note_process
from flows.without_text import without_text

SHOWN = 200


class ExtractionRequest(BaseModel):
    """What to read, whom to ask, and where the answers go."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str = Field(description="A build.toml that names the corpus and, if not the default, the graph.")
    base_url: str = Field(
        description="Where the model is served: http://127.0.0.1:8000/v1 or unix:/a/socket."
    )
    model: str = Field(description="The model's name on that server.")
    out: str = Field(description="The folder for answers and results.")
    reports_per_question: int = Field(default=20, ge=1, le=200, description="Reports asked about at once.")
    concurrency: int = Field(default=8, ge=1, description="Questions under way at once.")
    min_cases: int = Field(default=3, ge=1, description="Reports that must show a relation.")


def name_of_run() -> str:
    request = get_run_context().flow_run.parameters["request"]  # type: ignore[union-attr]
    said = ExtractionRequest.model_validate(request)
    return f"extract with {said.model} into {said.out}"


@flow(name="extract-graph", flow_run_name=name_of_run, persist_result=False)
def extract_graph(request: ExtractionRequest) -> dict[str, int]:
    """Extract diseases and features from reports, draft a graph of them, and compare it with ours."""
    note_process()
    counts = extract(request)
    counts["changes"] = compare(request)
    return counts


@task(name="extract", cache_policy=NO_CACHE, persist_result=False, retries=2, retry_delay_seconds=30)
def extract(request: ExtractionRequest) -> dict[str, int]:
    """Ask for what is not answered yet, and write relations, unknown terms and the draft."""
    with without_text():
        settings = load_settings(Path(request.config))
        graph = load_graph(settings.graph)
        endpoint = allow_endpoint(request.base_url, rules_of(settings))
        expert = ChatExpert((endpoint,), request.model, concurrency=request.concurrency)
        report = extract_relations(
            settings.corpus,
            graph,
            expert,
            open_extraction(Path(request.out)),
            batch_size=request.reports_per_question,
            min_cases=request.min_cases,
        )
        write_extraction(Path(request.out), report, draft_graph(report, graph))
    return {
        "read": report.studies_read,
        "relations": len(report.relations),
        "paid_for": report.answers_paid_for,
        "kept_before": report.answers_kept_before,
    }


@task(name="compare", cache_policy=NO_CACHE, persist_result=False)
def compare(request: ExtractionRequest) -> int:
    """Set the draft beside the graph; only the graph's own names are shown."""
    with without_text():
        ours = load_graph(load_settings(Path(request.config)).graph).file
        changes = compare_graphs(ours, read_graph_file(Path(request.out) / DRAFT))
        known = {concept.id for concept in ours.concepts}
        relations = [change for change in changes if change.block == "relations"]
        table = [
            {"change": change.sign, "relation": change.name}
            for change in relations
            if set(change.name.split(">")) <= known
        ]
        create_table_artifact(
            table=table[:SHOWN],
            key="graph-difference",
            description=f"{len(relations)} relations differ, the first {min(SHOWN, len(table))} are shown",
        )
    return len(changes)
