"""The published layout: README.md and data/<config>/<split>-00000-of-000NN.parquet."""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ccf_pipeline.errors import UnreadableInput
from ccf_pipeline.io.arrow import write_parquet
from ccf_pipeline.io.builds import BuildFolder, remove_folder
from ccf_pipeline.io.exports import Export, shipped_exports
from ccf_pipeline.io.exports.ccf import EXPORT as WHOLE_RECORD
from ccf_pipeline.io.images import training_image
from ccf_pipeline.records import ConfigSummary, ReasonCount, Record

# The Hub's word for MIMIC's "validate".
SPLIT_FILES = {"train": "train", "validate": "validation", "test": "test"}
REJECTED = "rejected"


def write_dataset(build: BuildFolder, shards: int, images_root: Path) -> tuple[ConfigSummary, ...]:
    """Write every config anew from the sealed shards; returns what went into each."""
    remove_folder(build.dataset_path)
    summaries = [
        _write_config(build.dataset_path, export, lambda: build.accepted_records(shards), images_root)
        for export in shipped_exports()
    ]
    rejected = Export(
        config=REJECTED,
        purpose="answers that the checker refused, with its reasons",
        schema=WHOLE_RECORD.schema,
        with_images=False,
        rows_per_file=WHOLE_RECORD.rows_per_file,
        row=WHOLE_RECORD.row,
    )
    summaries.append(
        _write_config(build.dataset_path, rejected, lambda: build.rejected_records(shards), images_root)
    )
    return tuple(summaries)


def _write_config(
    dataset: Path, export: Export, records: Callable[[], Iterator[Record]], images_root: Path
) -> ConfigSummary:
    left_out: Counter[str] = Counter()
    in_split: Counter[str] = Counter()
    for record in records():
        if export.with_images and record.image_path is None:
            left_out["no frontal image"] += 1
        else:
            in_split[record.split] += 1
    rows_written = 0
    for split, name in SPLIT_FILES.items():
        files = -(-in_split[split] // export.rows_per_file)
        rows = _rows(export, (r for r in records() if r.split == split), images_root, left_out)
        for number in range(files):
            path = dataset / "data" / export.config / f"{name}-{number:05}-of-{files:05}.parquet"
            rows_written += write_parquet(path, itertools.islice(rows, export.rows_per_file), export.schema)
    reasons = tuple(ReasonCount(reason=reason, count=count) for reason, count in sorted(left_out.items()))
    return ConfigSummary(config=export.config, rows=rows_written, left_out=reasons)


def _rows(
    export: Export, records: Iterable[Record], images_root: Path, left_out: Counter[str]
) -> Iterator[dict[str, Any]]:
    for record in records:
        if not export.with_images:
            yield export.row(record, None)
        elif record.image_path is not None:
            image = _bound_image(images_root / record.image_path, record.image_sha256)
            if isinstance(image, bytes):
                yield export.row(record, image)
            else:
                left_out[image] += 1


def _bound_image(path: Path, sha256: str | None) -> bytes | str:
    """The bytes this row was bound to, or why it has none: never another study's image."""
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            return "image changed since it was bound"
        return training_image(path)
    except (OSError, UnreadableInput):
        return "image cannot be read"
