"""A fault of a graph file: what is wrong, and in which block."""

from __future__ import annotations

from dataclasses import dataclass

Where = tuple[str | int, ...]
"""The way to a spot in the file, such as ("relations", 41, "why")."""


@dataclass(frozen=True)
class Fault:
    """Something in a graph file that does not hold together."""

    kind: str
    message: str
    block: str
    """The concept's id, the relation's key, or the name of another block."""
    where: Where
