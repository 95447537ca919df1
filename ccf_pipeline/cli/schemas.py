"""The promises in `schemas/`, made from the records: JSON Schema, and the Parquet columns of what is stored.

Run as `python -m ccf_pipeline.cli.schemas FOLDER` (`make schemas`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
from pydantic import BaseModel

from ccf_pipeline import records
from ccf_pipeline.datasets.formats import all_exports
from ccf_pipeline.files.arrow import arrow_schema
from ccf_pipeline.graph import GraphFile
from ccf_pipeline.quality.figures import Quality
from ccf_pipeline.sharing import nouns as shares

# What others read: the stored rows, the expert's answer, the summary in the manifest, the graph file.
STORED: tuple[type[BaseModel], ...] = (
    records.Record,
    records.PlannedStudy,
    records.Skipped,
    records.Study,
    records.TrainingImage,
    shares.RecipeRow,
    shares.DeltaRow,
    shares.Phrase,
)
DESCRIBED: tuple[type[BaseModel], ...] = (
    *STORED,
    records.Funnel,
    records.Mention,
    records.Plan,
    records.Prompt,
    records.Completion,
    records.EditScript,
    records.Edit,
    records.Verdict,
    records.AuditedPair,
    records.BuildSummary,
    shares.Recipe,
    shares.MissingRow,
    Quality,
    GraphFile,
)
NAMES = {
    "TrainingImage": "training_image",
    "GraphFile": "graph",
    "PlannedStudy": "planned_study",
    "EditScript": "edit_script",
    "AuditedPair": "audited_pair",
    "RecipeRow": "share_recipe_row",
    "DeltaRow": "share_delta_row",
    "Phrase": "share_phrase",
    "Recipe": "share_recipe",
    "MissingRow": "missing_row",
}


def schema_files() -> dict[str, str]:
    """File name → content of everything that `schemas/` holds beside its README."""
    files = {f"{_name_noun(noun)}.schema.json": _render_json_schema(noun) for noun in DESCRIBED}
    files |= {f"{_name_noun(noun)}.arrow.txt": _render_columns(arrow_schema(noun)) for noun in STORED}
    files |= {
        f"dataset_{export.config}.arrow.txt": _render_columns(export.schema)
        for export in all_exports()
        if "parquet" in export.formats
    }
    return files


def _name_noun(noun: type[BaseModel]) -> str:
    return {**NAMES, "BuildSummary": "build_summary"}.get(noun.__name__, noun.__name__.lower())


def _render_json_schema(noun: type[BaseModel]) -> str:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **noun.model_json_schema()}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _render_columns(schema: pa.Schema) -> str:
    lines = [f"{field.name}: {field.type}{'' if field.nullable else ' not null'}" for field in schema]
    return "\n".join(lines) + "\n"


def write_schemas(folder: Path) -> None:
    """Write them all; files of records that no longer exist are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schema_files()
    for pattern in ("*.schema.json", "*.arrow.txt"):
        for stale in folder.glob(pattern):
            if stale.name not in wanted:
                stale.unlink()
    for name, content in wanted.items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
