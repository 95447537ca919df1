"""The README.md of a data set: what it holds, what it was made with, and who may see it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from ccf_pipeline.io.datasets import SPLIT_FILES
from ccf_pipeline.io.disk import write_text
from ccf_pipeline.records import BuildSummary, CorpusTerms, Lineage, ReasonCount

CREDENTIALED = (
    "**Derived from credentialed reports.** Whoever holds this folder must have signed the source's data use"
    " agreement. It may not be published or sent to others."
)


def write_card(
    dataset: Path, summary: BuildSummary, lineage: Lineage, terms: CorpusTerms, reviews: Mapping[str, int]
) -> None:
    """Write README.md; its head tells the Hub and `datasets` which files make which config.

    Args:
        reviews: how many of the relations that bear on these rows are reviewed, cited, taught.
    """
    write_text(
        dataset / "README.md",
        f"---\n{_head(dataset, summary)}---\n\n{_body(summary, lineage, terms, reviews)}",
        private=True,
    )


def _head(dataset: Path, summary: BuildSummary) -> str:
    configs = []
    for number, config in enumerate(summary.configs):
        files = [
            {"split": name, "path": f"data/{config.config}/{name}-*.parquet"}
            for name in SPLIT_FILES.values()
            if any((dataset / "data" / config.config).glob(f"{name}-*.parquet"))
        ]
        if files:
            configs.append(
                {"config_name": config.config, "data_files": files}
                | ({"default": True} if number == 0 else {})
            )
    head = {
        "pretty_name": "CXR-CounterFact",
        "language": ["en"],
        "task_categories": ["image-text-to-text"],
        "tags": ["chest-x-ray", "counterfactual", "preference", "dpo"],
        "configs": configs,
    }
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True)


def _body(summary: BuildSummary, lineage: Lineage, terms: CorpusTerms, reviews: Mapping[str, int]) -> str:
    plan = summary.plan
    return f"""# CXR-CounterFact

Pairs of chest X-ray reports: the factual one, and a counterfactual one that leads to another diagnosis.

{_terms(terms)}

Not for clinical use. The counterfactuals are written by a program; no radiologist has read them.

## Where the rows come from

| step | count |
|---|---|
| studies read | {plan.studies_read} |
| skipped | {sum(entry.count for entry in plan.studies_skipped)}{_reasons(plan.studies_skipped)} |
| without an eligible counterfactual | {plan.studies_without_target} |
| planned | {plan.studies_planned} studies, {plan.plans} counterfactuals |
| accepted | {summary.accepted} |
| rejected | {summary.rejected}{_reasons(summary.rejected_by_reason)} |

## Configs

| config | rows | left out |
|---|---|---|
{_rows([(one.config, one.rows, _reasons(one.left_out).strip() or "none") for one in summary.configs])}

## What changed

| direction | accepted |
|---|---|
{_rows([(entry.reason, entry.count) for entry in summary.accepted_by_direction])}

| target | accepted |
|---|---|
{_rows([(entry.reason, entry.count) for entry in summary.accepted_by_target])}

## Made with

| what | version |
|---|---|
| ccf_pipeline | {lineage.code_version} |
| concept graph | {lineage.graph_version}, digest `{lineage.graph_digest[:16]}` |
| relations of the graph that bear on these rows | {_listed(reviews)} |
| prompt template | digest `{lineage.prompt_digest}` |
"""


def _terms(terms: CorpusTerms) -> str:
    notice = f"{CREDENTIALED}\n\n" if terms.sensitivity == "credentialed" else ""
    citation = f" Cite {terms.citation}." if terms.citation else ""
    return f"{notice}Source: {terms.name}. {terms.terms}{citation}"


def _listed(reviews: Mapping[str, int]) -> str:
    """`reviewed` by a radiologist, `cited` from a text, `taught`: common teaching, no text opened."""
    return f"{sum(reviews.values())}: " + ", ".join(f"{count} {state}" for state, count in reviews.items())


def _reasons(reasons: tuple[ReasonCount, ...]) -> str:
    return f" ({', '.join(f'{entry.reason} {entry.count}' for entry in reasons)})" if reasons else ""


def _rows(rows: list[tuple[object, ...]]) -> str:
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
