"""`ccf-build` as it is typed, each time in a process of its own that was forked with everything imported.

Starting Python and importing the program takes a second, most of these tests less than a tenth of that.
`python -m tests.command` is the process that forks: a line of JSON comes in for each command, and its exit
code goes out.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
READ_AT_START = ("LANG", "LC_", "PYTHON")
"""Variables that Python reads before the first import: a command under another one gets a fresh process."""


def ccf_build(
    *words: str, folder: Path, given: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with these variables and none of the person who runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CCF_")}
    variables = {**kept, "NO_COLOR": "1", "COLUMNS": "120", **environment}
    with tempfile.TemporaryDirectory() as place:
        files = {name: Path(place) / name for name in ("in", "out", "err")}
        files["in"].write_bytes(given)
        order = {"words": words, "folder": str(folder), "variables": variables}
        if any(name.startswith(READ_AT_START) for name in environment):
            code = _run_afresh(order, files)
        else:
            code = _run_forked(order, files)
        out, err = (files[name].read_text("utf-8", "surrogateescape") for name in ("out", "err"))
    return subprocess.CompletedProcess(list(words), code, out, err)


def _run_afresh(order: dict[str, Any], files: dict[str, Path]) -> int:
    with files["in"].open("rb") as given, files["out"].open("wb") as out, files["err"].open("wb") as err:
        return subprocess.run(
            [sys.executable, "-m", "ccf_pipeline.cli", *order["words"]],
            cwd=order["folder"],
            env={**order["variables"], "PYTHONPATH": str(ROOT)},
            stdin=given,
            stdout=out,
            stderr=err,
            check=False,
        ).returncode


def _run_forked(order: dict[str, Any], files: dict[str, Path]) -> int:
    server = _server()
    assert server.stdin
    assert server.stdout
    server.stdin.write(json.dumps({**order, **{name: str(path) for name, path in files.items()}}) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@functools.cache
def _server() -> subprocess.Popen[str]:
    """The process that forks: one for each process of the tests."""
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.command"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.kill)
    return server


# --- the process that forks -------------------------------------------------------------------


def _serve() -> None:
    _import_everything()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _import_everything() -> None:
    import pytest

    import ccf_pipeline.cli.app
    import ccf_pipeline.experts.chat
    import ccf_pipeline.quality.measure_build
    import ccf_pipeline.walk  # noqa: F401
    from tests.shipped import share_graph

    share_graph(pytest.MonkeyPatch())


def _become(order: dict[str, Any]) -> None:
    """Be the command: its folder, variables, streams and exit code."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["variables"])
    for number, (name, how) in enumerate({"in": os.O_RDONLY, "out": os.O_WRONLY, "err": os.O_WRONLY}.items()):
        os.dup2(os.open(order[name], how | os.O_CREAT, 0o600), number)
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.argv = ["ccf-build", *order["words"]]
    code = 1
    try:
        from ccf_pipeline.cli import main

        main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    except BaseException:  # noqa: BLE001  as Python itself tells it
        traceback.print_exc()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _serve()
