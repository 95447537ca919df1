"""Tell a folder of this machine from an object store by its path."""

from __future__ import annotations

import re
from pathlib import Path

LOOPBACK = ("localhost", "127.0.0.1", "::1")

# Two letters at least: C:/builds is a folder.
_STORE = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]+):/{1,2}(?P<place>.*)")


def store_url(path: Path) -> str | None:
    """The URL of an object store, where a path is one: paths fold the slashes behind its scheme."""
    found = _STORE.match(str(path))
    return f"{found['scheme']}://{found['place']}" if found else None


def place_name(path: Path) -> str:
    """Return what people call a build folder, or a place in an object store."""
    return store_url(path) or str(path)
