"""Write an extraction to disk: a table, the unknown terms, and a draft of a graph file."""

from __future__ import annotations

from pathlib import Path

import yaml

from ccf_pipeline.files.disk import disk_error, write_text
from ccf_pipeline.files.spreadsheets import write_csv
from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.mining.mined import ExtractedRelation, ExtractionReport

PRIVATE_FOLDER = 0o700
JOURNAL, TABLE, UNKNOWN, DRAFT, REPORT = (
    "answers.sqlite",
    "relations.csv",
    "unknown_terms.csv",
    "draft.yaml",
    "extraction.json",
)


def open_extraction(folder: Path) -> Path:
    """Make the folder, closed to others, and say where its journal is: answers tell of patients."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error
    return folder / JOURNAL


def write_extraction(folder: Path, report: ExtractionReport, draft: GraphFile) -> None:
    """Write everything that a person looks at."""
    write_csv(
        folder / TABLE, tuple(ExtractedRelation.model_fields), (r.model_dump() for r in report.relations)
    )
    unknown = ({"term": entry.reason, "times": entry.count} for entry in report.unknown_terms)
    write_csv(folder / UNKNOWN, ("term", "times"), unknown)
    write_text(folder / REPORT, report.model_dump_json(indent=1) + "\n", private=True)
    write_text(folder / DRAFT, _render_yaml(draft), private=True)


def _render_yaml(draft: GraphFile) -> str:
    content = draft.model_dump(mode="json", exclude_defaults=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(content, Dumper=dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
