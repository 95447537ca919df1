"""Read the texts that a data set trains on back from its Parquet, as a trainer would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ccf_pipeline.quality.sampling import draw

# Each of these alone is the balanced mix, or all of them together are.
_MIXES: tuple[tuple[str, ...], ...] = (
    ("cpo_mixed",),
    ("cpo_thinking", "cpo_mirror"),
    ("trl_dpo",),
    ("llamafactory",),
)
_COLUMNS = {
    "trl_dpo": ("chosen", "rejected"),
    "llamafactory": ("chosen", "rejected"),
}
_DRAWN_FROM = 1 << 64


def read_mix(dataset: Path, most: int, *, seed: int) -> list[tuple[str, str]]:
    """Return about so many rows of the training mix as (chosen, rejected) texts; none where there is no mix.

    Rows of the same two texts are drawn together, so that a pair stands beside its mirror. Rows whose sides
    have the same text, as perception rows do, are left out.
    """
    for configs in _MIXES:
        files = [path for config in configs for path in sorted((dataset / "data" / config).glob("*.parquet"))]
        if all(any((dataset / "data" / config).glob("*.parquet")) for config in configs):
            rows = sum(pq.ParquetFile(path).metadata.num_rows for path in files)
            share = most / max(1, rows)
            return [pair for path in files for pair in _read_texts(path) if _is_drawn(pair, share, seed)]
    return []


def _is_drawn(pair: tuple[str, str], share: float, seed: int) -> bool:
    return pair[0] != pair[1] and draw(seed, "\x1f".join(sorted(pair))) < share * _DRAWN_FROM


def _read_texts(path: Path) -> Iterator[tuple[str, str]]:
    columns = _COLUMNS.get(path.parent.name, ("messages", "rejected_messages"))
    for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
        for row in batch.to_pylist():
            chosen, rejected = (_answer(row[column]) for column in columns)
            yield chosen, rejected


def _answer(said: Any) -> str:
    """The assistant's words: a turn, or the last one of a conversation."""
    turn = said if isinstance(said, dict) else said[-1]
    return str(turn["content"])
