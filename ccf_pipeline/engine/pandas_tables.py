"""A build as pandas tables, for a notebook; docs/notebook.md shows them at work.

They are read from the sealed shards, so that a build which is still under way can be looked at as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pandas as pd

from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.errors import MissingInput
from ccf_pipeline.records import FINDING_LABELS, Label, Problem, Record

Rows = Literal["accepted", "rejected", "all"]

CODES = {"present": 1, "absent": 0, "uncertain": -1}
"""CheXpert's; a finding that is not told of has none."""


def read_rows(build: Path | str, rows: Rows = "accepted") -> pd.DataFrame:
    """One row per counterfactual, with the columns of the `ccf` data set; lists stay lists."""
    return pd.DataFrame(
        (record.model_dump() for record in _read_build_records(build, rows)), columns=_COLUMNS
    )


def read_labels(build: Path | str, rows: Rows = "accepted") -> pd.DataFrame:
    """Both sides' findings in CheXpert's codes: a row per report, a column per finding."""
    told = [
        {"record_id": record.record_id, "side": side, **_encode_labels(labels)}
        for record in _read_build_records(build, rows)
        for side, labels in (
            ("factual", record.factual_labels),
            ("counterfactual", record.counterfactual_labels),
        )
    ]
    table = pd.DataFrame(told, columns=["record_id", "side", *FINDING_LABELS.values()])
    return table.astype(dict.fromkeys(FINDING_LABELS.values(), "Int8"))


def read_problems(build: Path | str, rows: Rows = "all") -> pd.DataFrame:
    """Return what the checker said: a row per reason, with the counterfactual that it speaks of."""
    told = [
        {
            "record_id": record.record_id,
            "direction": record.direction,
            "target": record.target,
            "accepted": record.accepted,
            **problem.model_dump(),
        }
        for record in _read_build_records(build, rows)
        for problem in record.problems
    ]
    columns = ["record_id", "direction", "target", "accepted", *Problem.model_fields]
    return pd.DataFrame(told, columns=columns)


_COLUMNS = list(Record.model_fields)


def _read_build_records(build: Path | str, rows: Rows) -> Iterator[Record]:
    folder = BuildFolder(Path(build))
    plan = folder.plan_summary()
    if plan is None:
        raise MissingInput(f"{build}: no build was planned there", hint="Name the folder given to --out.")
    for shard in range(plan.shards):
        if folder.is_sealed(shard):
            if rows != "rejected":
                yield from folder.accepted_of(shard)
            if rows != "accepted":
                yield from folder.rejected_of(shard)


def _encode_labels(labels: Iterable[Label]) -> dict[str, int]:
    return {label.finding: CODES[label.state] for label in labels}
