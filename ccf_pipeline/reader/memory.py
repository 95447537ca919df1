"""What was read with a lexicon is remembered beside it, so that the lexicon itself is only read.

Whatever is kept depends on nothing but the lexicon and its key, and changes no result.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from ccf_pipeline.reader.lexicon import Lexicon

_KEPT: WeakKeyDictionary[Lexicon, dict[Any, Any]] = WeakKeyDictionary()


def memory_of(lexicon: Lexicon) -> dict[Any, Any]:
    """Return what is remembered beside a lexicon; it goes when the lexicon does."""
    kept = _KEPT.get(lexicon)
    if kept is None:
        kept = _KEPT[lexicon] = {}
    return kept
