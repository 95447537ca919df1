"""The house keeps its shape: rooms at the top, no circle of imports, and pure rooms that touch nothing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "ccf_pipeline"
MOST_ENTRIES = 19

PURE_ROOMS = ("records", "reader", "counterfactual", "graph")
READS_FILES = {
    "reader/golden.py",
    "reader/lexicon.py",
    "counterfactual/prompt/load_templates.py",
    "graph/load.py",
    "graph/draw.py",
    "graph/exports.py",
    "graph/review_files.py",
}
"""The files of pure rooms that may read or write: package data, graph files, pictures and sheets."""

WORLDLY_MODULES = {
    *("os", "io", "shutil", "tempfile", "subprocess", "socket", "http", "urllib.request", "time", "logging"),
    *("threading", "multiprocessing", "asyncio", "secrets", "uuid", "sqlite3", "glob", "pathlib"),
    *("pandas", "pyarrow", "prefect", "openai", "aiohttp", "fsspec", "pydicom", "PIL", "huggingface_hub"),
}
WORLDLY_CALLS = {"open", "input", "print", "exec", "eval", "__import__"}
WORLDLY_ATTRIBUTES = {
    *("read_text", "write_text", "read_bytes", "write_bytes", "mkdir", "unlink", "environ", "getenv"),
    *("now", "today", "utcnow", "monotonic", "perf_counter"),
}
HIDDEN_RANDOM = {"random", "randint", "choice", "choices", "shuffle", "sample", "uniform", "seed", "gauss"}


def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports_at_the_top(tree: ast.Module, known: set[str]) -> set[str]:
    """Return the modules of the package that are imported when this one is, but not for types alone."""
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found & known


def faults_of(tree: ast.Module) -> list[str]:
    """List what a module does that a pure room must not do."""
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [f"line {node.lineno}: imports {name}" for name in names if name in WORLDLY_MODULES]  # type: ignore[attr-defined]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
            found.append(f"line {node.lineno}: calls {node.func.id}()")
        if isinstance(node, ast.Attribute):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr in WORLDLY_ATTRIBUTES or (owner == "random" and node.attr in HIDDEN_RANDOM):
                found.append(f"line {node.lineno}: uses .{node.attr}")
    return found


def test_the_top_of_the_package_is_seen_at_a_glance() -> None:
    rooms = [path for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))]
    entries = [*rooms, *PACKAGE.glob("*.py")]

    assert len(entries) <= MOST_ENTRIES, sorted(path.name for path in entries)


@pytest.mark.slow
def test_no_module_imports_itself_by_way_of_others() -> None:
    trees = modules()
    arrows = {name: imports_at_the_top(tree, set(trees)) - {name} for name, tree in trees.items()}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name in done:
            return
        for other in sorted(arrows[name]):
            walk(other, (*path, name))
        done.add(name)

    for name in arrows:
        walk(name, ())


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_touches_no_file_clock_network_or_hidden_random(room: str) -> None:
    found = {}
    for path in sorted((PACKAGE / room).rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        faults = faults_of(ast.parse(path.read_text(encoding="utf-8")))
        if faults and name not in READS_FILES:
            found[name] = faults

    assert found == {}


def test_every_exception_to_purity_is_still_needed() -> None:
    idle = [
        name
        for name in sorted(READS_FILES)
        if not faults_of(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
    ]

    assert idle == []


def test_a_planted_fault_is_found() -> None:
    planted = "import os\nimport random\ndef f():\n    random.shuffle([])\n    return open('x')\n"

    assert len(faults_of(ast.parse(planted))) == 3
