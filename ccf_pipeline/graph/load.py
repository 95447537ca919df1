"""Graph files: from YAML to a checked ConceptGraph, every fault with its line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from ccf_pipeline.errors import GraphError, MissingInput, UnreadableInput
from ccf_pipeline.files.hostile import refuse_growing_yaml
from ccf_pipeline.graph.faults import Fault, Where
from ccf_pipeline.graph.graph import ConceptGraph
from ccf_pipeline.graph.lint import lint_graph
from ccf_pipeline.graph.model import GraphFile
from ccf_pipeline.graph.names import closest


def default_graph_path() -> Path:
    """The graph that comes along: inside an installed wheel, or beside the package in a checkout."""
    package = Path(__file__).parents[1]
    carried = package / "carried" / "graphs" / "thoracic.yaml"
    return carried if carried.is_file() else package.parent / "graphs" / "thoracic.yaml"


def load_graph(path: Path | None = None) -> ConceptGraph:
    """The graph of a file, or the one that comes along, if it holds together."""
    path = path or default_graph_path()
    text = parse_graph_text(path, read_source(path))
    file = _validate(text)
    _refuse(text, lint_graph(file))
    return ConceptGraph(file)


def read_graph_file(path: Path) -> GraphFile:
    """A graph file that fits the schema, whether or not lint would pass it."""
    return _validate(parse_graph_text(path, read_source(path)))


def find_faults(path: Path) -> tuple[tuple[int, Fault], ...]:
    """Every fault of a graph file with its line: of its fields first, and if these fit, of what they say."""
    text = parse_graph_text(path, read_source(path))
    try:
        faults = lint_graph(GraphFile.model_validate(text.content))
    except ValidationError as error:
        faults = _list_schema_faults(error)
    return tuple(sorted(((text.line_of(f.where), f) for f in faults), key=lambda found: found[0]))


# --- text and lines -------------------------------------------------------------------


@dataclass(frozen=True)
class GraphText:
    """A file's content, and where each part of it stands."""

    path: Path
    content: Any
    root: yaml.Node

    def line_of(self, where: Where) -> int:
        """The line of a spot in the file, or of the nearest block around it that is there."""
        node, line = self.root, self.root.start_mark.line
        for step in where:
            found = _find_child(node, step)
            if found is None:
                break
            node, line = found
        return int(line) + 1

    def span_of(self, where: Where) -> tuple[int, int]:
        """Return where in the text a spot's value begins and ends."""
        node = self.root
        for step in where:
            found = _find_child(node, step)
            if found is None:
                raise KeyError(where)
            node = found[0]
        return node.start_mark.index, node.end_mark.index

    def key_of(self, where: Where) -> tuple[int, int, bool]:
        """Return where a spot's key begins, in which column, and whether its block is written in braces."""
        node = self.root
        for step in where[:-1]:
            node = (_find_child(node, step) or (node, 0))[0]
        if isinstance(node, yaml.MappingNode):
            for key, _ in node.value:
                if key.value == where[-1]:
                    return key.start_mark.index, key.start_mark.column, bool(node.flow_style)
        raise KeyError(where)


def read_source(path: Path) -> str:
    """The text of a graph file as it stands, its line ends untouched."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except FileNotFoundError as error:
        raise MissingInput(f"{path}: there is no such graph file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableInput(f"{path}: not a readable UTF-8 text file") from error


def parse_graph_text(path: Path, source: str) -> GraphText:
    """Parse the text of a graph file, keeping where everything stands."""
    try:
        refuse_growing_yaml(source)
    except yaml.YAMLError as error:
        raise _make_syntax_error(path, error) from error
    except ValueError as error:
        raise GraphError(f"{path}:1: {error}", hint="Write out what is meant, in flat blocks.") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(source)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise GraphError(f"{path}:1: a graph file starts with `name:`, `version:` and so on")
        return GraphText(path, _read_node(root, path), root)
    except yaml.YAMLError as error:
        raise _make_syntax_error(path, error) from error
    except RecursionError as error:
        raise GraphError(f"{path}:1: a block contains itself, or blocks lie too deep") from error
    finally:
        loader.dispose()


def _make_syntax_error(path: Path, error: yaml.YAMLError) -> GraphError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    line = mark.line + 1 if mark is not None else 1
    return GraphError(
        f"{path}:{line}: not valid YAML: {problem}",
        hint="Look at the indentation, and for a colon or a quote that should be quoted, near that line.",
    )


def _read_node(node: yaml.Node, path: Path) -> Any:
    """Plain values of a node: lists, blocks, texts and true/false. `no`, `1.0` and dates stay texts."""
    if isinstance(node, yaml.SequenceNode):
        return [_read_node(item, path) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in mapping:
                raise GraphError(f"{path}:{line}: `{name}` is given twice in one block")
            mapping[name] = _read_node(value, path)
        return mapping
    assert isinstance(node, yaml.ScalarNode)
    return _read_scalar(node)


def _read_scalar(node: yaml.ScalarNode) -> str | bool | None:
    text = str(node.value)
    if node.style is not None:  # quoted or folded: a text, whatever it says
        return text
    if text in ("", "~", "null"):
        return None
    return {"true": True, "false": False}.get(text, text)


def _find_child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step].start_mark.line
    return None


# --- faults ---------------------------------------------------------------------------


def _validate(text: GraphText) -> GraphFile:
    try:
        return GraphFile.model_validate(text.content)
    except ValidationError as error:
        _refuse(text, _list_schema_faults(error))
        raise AssertionError("a refused file has a fault") from error


def _refuse(text: GraphText, faults: tuple[Fault, ...]) -> None:
    if not faults:
        return
    placed = [(text.line_of(fault.where), fault.message) for fault in faults]
    # A field that is missing is often one that is misspelt, on the same line: that is told first.
    line, message = min(placed, key=lambda found: (found[0], found[1].endswith("is missing"), found[1]))
    more = f" (and {len(placed) - 1} more)" if len(placed) > 1 else ""
    raise GraphError(
        f"{text.path}:{line}: {message}{more}",
        hint=f"Correct the line; `ccf-build graph lint {text.path}` lists all there is.",
    )


def _list_schema_faults(error: ValidationError) -> tuple[Fault, ...]:
    return tuple(
        Fault(
            kind="schema",
            message=_describe_fault(problem["type"], problem["msg"], problem["loc"]),
            block=str(problem["loc"][0]) if problem["loc"] else "",
            where=problem["loc"],
        )
        for problem in error.errors(include_url=False, include_input=False)
    )


def _describe_fault(kind: str, message: str, where: Where) -> str:
    field = str(where[-1]) if where else "the file"
    if kind == "missing":
        return f"`{field}` is missing"
    if kind == "extra_forbidden":
        known = closest(field, _list_fields_at(where[:-1]))
        return f"`{field}` is not a field here" + (f"; did you mean `{known}`?" if known else "")
    asked = re.sub(r"^Input should be ", "", message).replace("a valid tuple", "a list")
    name = next((step for step in reversed(where) if isinstance(step, str)), "the file")
    return f"`{name}` should be {asked}"


def _list_fields_at(where: Where) -> tuple[str, ...]:
    """The fields of the block at a spot, found by following the model's annotations."""
    model: type[BaseModel] = GraphFile
    for step in where:
        if isinstance(step, str) and step in model.model_fields:
            model = _find_model(model.model_fields[step].annotation) or model
    return tuple(model.model_fields)


def _find_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, dict, Union, UnionType):
        return next((found for arg in get_args(annotation) if (found := _find_model(arg))), None)
    return None
