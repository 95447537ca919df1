"""Refuse places in an object store for commands that write to a disk."""

from __future__ import annotations

from pathlib import Path

from ccf_pipeline.errors import SettingsError
from ccf_pipeline.files.locations import store_url


def on_disk(path: Path | None) -> Path | None:
    """Refuse a place in an object store, of which a folder called `s3:` would be made here."""
    url = store_url(path) if path is not None else None
    if url is not None:
        raise SettingsError(
            f"{url}: lies in an object store, and this command writes to a disk",
            hint="Name a file or folder of this machine. A build is made in a store by"
            " `ccf-build run --out s3://BUCKET/PREFIX`.",
        )
    return path
