"""Compare two graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ccf_pipeline.graph.model import GraphFile

Sign = Literal["+", "-", "~"]


@dataclass(frozen=True)
class Change:
    """One block that was added (+), removed (-) or changed (~), field by field."""

    sign: Sign
    block: str
    name: str
    fields: tuple[tuple[str, str, str], ...] = ()
    """Each changed field, what it said before, and what it says after."""


def compare_graphs(before: GraphFile, after: GraphFile) -> tuple[Change, ...]:
    """Every difference of content; order and layout make none."""
    old, new = _collect_blocks(before), _collect_blocks(after)
    return tuple(change for block in old for change in _compare_block(block, old[block], new[block]))


def _collect_blocks(file: GraphFile) -> dict[str, dict[str, dict[str, Any]]]:
    content = file.model_dump(mode="json")
    heads = ("name", "version", "language", "description", "severity_grades", "shared_forms")
    return {
        "graph": {"head": {field: content[field] for field in heads}},
        "sources": content["sources"],
        "regions": {region["id"]: region for region in content["regions"]},
        "concepts": {concept["id"]: concept for concept in content["concepts"]},
        "relations": {f"{r['source']}>{r['target']}": r for r in content["relations"]},
        "mimics": {f"{m['source']}>{m['target']}": m for m in content["mimics"]},
        "rules": {rule["id"]: rule for rule in content["rules"]},
    }


def _compare_block(
    block: str, old: Mapping[str, dict[str, Any]], new: Mapping[str, dict[str, Any]]
) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change("+", block, name)
        elif name not in new:
            yield Change("-", block, name)
        elif old[name] != new[name]:
            differing = (field for field in old[name] if old[name][field] != new[name][field])
            fields = tuple(
                (field, _format_value(old[name][field]), _format_value(new[name][field]))
                for field in differing
            )
            yield Change("~", block, name, fields)


def _format_value(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(map(_format_value, value)) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_format_value(item)}" for key, item in value.items() if item) or "nothing"
    return "nothing" if value in (None, "") else str(value)
