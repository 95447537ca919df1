"""Mined relations on disk: a table for a spreadsheet, or JSON for a program."""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.disk import write_text
from ccf_pipeline.files.spreadsheets import write_csv
from ccf_pipeline.mining.mined import MinedRelation, MiningReport

SUFFIXES = (".csv", ".json")


def write_mined(report: MiningReport, path: Path) -> None:
    """Write every relation as a row of a CSV file, or the whole report as JSON, by the file's ending."""
    refuse_other_endings(path)
    if path.suffix == ".json":
        write_text(path, report.model_dump_json(indent=1) + "\n", private=True)
        return
    write_csv(path, tuple(MinedRelation.model_fields), (row.model_dump() for row in report.relations))


def refuse_other_endings(path: Path) -> None:
    """Say so before the work rather than after it."""
    if path.suffix not in SUFFIXES:
        raise SettingsError(f"--out {path}: not a .csv or .json file", hint="Name the file mined.csv.")
