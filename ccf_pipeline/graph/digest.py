"""A graph's fingerprint, which only a change of meaning changes."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ccf_pipeline.graph.model import GraphFile

# The order of these blocks says nothing; the order of severity grades and of phrases to write does.
UNORDERED_BLOCKS = ("regions", "concepts", "relations", "mimics", "rules", "shared_forms")


def digest_of(file: GraphFile) -> str:
    """The SHA-256 of the file's content, whatever its layout.

    Fields left at their defaults do not count, so a new optional field changes no digest.
    """
    content = _strip_line_breaks(file.model_dump(mode="json", exclude_defaults=True))
    for block in UNORDERED_BLOCKS:
        if block in content:
            content[block] = sorted(content[block], key=_render_canonical)
    return hashlib.sha256(_render_canonical(content).encode()).hexdigest()


def _render_canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _strip_line_breaks(value: Any) -> Any:
    """A sentence folded over two lines is the same sentence."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return [_strip_line_breaks(item) for item in value]
    if isinstance(value, dict):
        return {key: _strip_line_breaks(item) for key, item in value.items()}
    return value
