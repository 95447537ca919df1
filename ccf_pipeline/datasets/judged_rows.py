"""Say what a data set is written from: the plans and the judged rows of a build, shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from ccf_pipeline.records import Record


class JudgedRows(Protocol):
    """The shards of a build, wherever it lies and however it was made."""

    dataset_path: Path

    def plan_path(self, shard: int) -> Path:
        """Return the Parquet file of a shard's plans."""

    def accepted_of(self, shard: int) -> Iterator[Record]:
        """Read the accepted rows of a shard."""

    def rejected_of(self, shard: int) -> Iterator[Record]:
        """Read the rejected rows of a shard."""
