"""The graph in the formats of other tools: GraphML, node-link JSON, Cytoscape JSON, CSV."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ccf_pipeline.files.disk import write_text
from ccf_pipeline.files.spreadsheets import render_csv
from ccf_pipeline.graph.graph import ConceptGraph

Files = dict[str, str]
"""Texts by file name; one without a name is written where the user said."""


def export_graph(graph: ConceptGraph, form: str, out: Path) -> tuple[Path, ...]:
    """Write the graph for another tool, in one of EXPORTS; csv makes a folder of two tables."""
    files = EXPORTS[form](graph)
    paths = {(out / name if name else out): text for name, text in files.items()}
    for path, text in paths.items():
        write_text(path, text)
    return tuple(paths)


def _export_graphml(graph: ConceptGraph) -> Files:
    import networkx

    # GraphML knows texts and numbers only.
    flat: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=graph.name, version=graph.version)
    for node, fields in graph.nx.nodes(data=True):
        flat.add_node(node, **_flatten_fields(fields))
    for source, target, kind, fields in graph.nx.edges(keys=True, data=True):
        flat.add_edge(source, target, kind, **_flatten_fields(fields))
    return {"": "\n".join(networkx.generate_graphml(flat)) + "\n"}


def _export_node_link(graph: ConceptGraph) -> Files:
    import networkx

    return {"": _render_json(networkx.node_link_data(graph.nx, edges="edges"))}


def _export_cytoscape(graph: ConceptGraph) -> Files:
    import networkx

    return {"": _render_json(networkx.cytoscape_data(graph.nx))}


def _export_csv(graph: ConceptGraph) -> Files:
    tables = {"concepts.csv": graph.file.concepts, "relations.csv": graph.file.relations}
    return {
        name: _render_table([_flatten_fields(block.model_dump(mode="json")) for block in blocks])
        for name, blocks in tables.items()
    }


def _render_json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _flatten_fields(fields: dict[str, Any]) -> dict[str, str | bool]:
    """One cell per field: lists joined, inner blocks spread out, what is not given left empty."""
    cells: dict[str, str | bool] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            inner = _flatten_fields(value)
            cells.update({f"{name}.{field}": cell for field, cell in inner.items()})
        elif isinstance(value, list):
            cells[name] = "; ".join(map(str, value))
        else:
            cells[name] = "" if value is None else value
    return cells


def _render_table(rows: list[dict[str, str | bool]]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return render_csv(columns, rows)


EXPORTS: dict[str, Callable[[ConceptGraph], Files]] = {
    "graphml": _export_graphml,
    "node-link": _export_node_link,
    "cytoscape": _export_cytoscape,
    "csv": _export_csv,
}
