"""Records as training packages want them: one module per package, one config of the data set each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from ccf_pipeline.records import Record


@dataclass(frozen=True)
class Export:
    """One config: its columns, and how a record becomes a row of it."""

    config: str
    purpose: str
    schema: pa.Schema
    with_images: bool
    rows_per_file: int
    row: Callable[[Record, bytes | None], dict[str, Any]]


def shipped_exports() -> tuple[Export, ...]:
    """The configs every data set holds, the first one being the default."""
    from ccf_pipeline.io.exports import ccf, swift, trl

    return ccf.EXPORT, swift.EXPORT, trl.EXPORT
