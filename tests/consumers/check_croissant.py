"""Croissant's own reader, DuckDB and pandas."""

from __future__ import annotations

import importlib.metadata

import duckdb
import mlcroissant
import pandas as pd
from finding import DATASET, EXPECTED, files, found

read = mlcroissant.Dataset(str(DATASET / "croissant.json"))
assert not read.metadata.ctx.issues.errors, read.metadata.ctx.issues.errors
count = sum(1 for split in ("train", "validation", "test") for _ in read.records(f"ccf/{split}-00000"))
assert count == EXPECTED["rows"]["ccf"]
found(f"mlcroissant {importlib.metadata.version('mlcroissant')}: no errors, {count} rows of ccf")
for config, expected in EXPECTED["rows"].items():
    assert duckdb.sql(f"select count(*) from '{DATASET}/data/{config}/*.parquet'").fetchall() == [(expected,)]
    paths = [path for split in ("train", "validation", "test") for path in files(config, split)]
    assert sum(len(pd.read_parquet(path)) for path in paths) == expected
found(
    f"DuckDB {duckdb.__version__} and pandas {pd.__version__}: every row of {len(EXPECTED['rows'])} configs"
)
