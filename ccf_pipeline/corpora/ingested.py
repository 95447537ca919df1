"""Read what `ccf-build ingest` wrote: studies.parquet, with funnel.json beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from ccf_pipeline.errors import MissingInput, UnreadableInput
from ccf_pipeline.files.arrow import read_nouns
from ccf_pipeline.records import Funnel, Study

STUDIES = "studies.parquet"


def ingest_paths(out: Path) -> tuple[Path, Path, Path]:
    """Return where studies, quarantine and funnel are: in a folder, or beside a file ending in .parquet."""
    if out.suffix == ".parquet":
        return out, out.with_suffix(".quarantine.parquet"), out.with_suffix(".funnel.json")
    return out / STUDIES, out / "quarantine.parquet", out / "funnel.json"


def read_ingested(path: Path) -> Iterator[Study]:
    """The studies as they were written."""
    studies = ingest_paths(path)[0]
    if not studies.is_file():
        raise MissingInput(
            f"{studies}: there are no ingested studies", hint="Make them with `ccf-build ingest`."
        )
    return read_nouns(studies, Study)


def read_funnel(path: Path) -> Funnel | None:
    """The funnel beside the studies; None where it is not there."""
    file = ingest_paths(path)[2]
    if not file.is_file():
        return None
    try:
        return Funnel.model_validate_json(file.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise UnreadableInput(
            f"{file}: is not what an ingest writes", hint="Ingest the corpus again."
        ) from error
