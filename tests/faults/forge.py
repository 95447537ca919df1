"""Starts builds in processes of their own, quickly: everything is imported once, then forked.

python -m tests.faults.forge: a line of JSON per build comes in, its process id goes out, and its exit code
once it has ended: the negative signal where one ended it. A line may say besides under which `limits` of the
system it builds, as which `user`, and by which `clock`: seconds that are added to it, one after the other.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import itertools
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.materials import Materials
from ccf_pipeline.errors import CcfError
from ccf_pipeline.experts import Expert
from ccf_pipeline.graph import ConceptGraph
from ccf_pipeline.settings import BuildSettings, CorpusSettings, ExpertSettings, ShardSettings
from tests.faults.answering import MODEL, InProcess, OverHttp

PR_SET_PTRACER, ANYBODY = 0x59616D61, -1
SHARD_SIZE = 4
OUT_OF_MEMORY = 71


def settings_for(corpus: Path, out: Path) -> BuildSettings:
    return BuildSettings(
        out=out,
        corpus=CorpusSettings(kind="demo", path=corpus),
        expert=ExpertSettings(model=MODEL),
        shards=ShardSettings(size=SHARD_SIZE),
    )


class Ready:
    """Materials that were loaded before the fork: every kill then falls into the build itself."""

    warm: Materials

    @classmethod
    def load(cls, settings: BuildSettings) -> Materials:
        materials = copy.copy(cls.warm)
        object.__setattr__(materials, "settings", settings)
        return materials


def build(order: dict[str, object]) -> int:
    """One build, as the command line does it: its exit code."""
    port, run = order.get("port"), order.get("run", 0)

    @contextlib.contextmanager
    def open_expert(_: BuildSettings, graph: ConceptGraph) -> Iterator[Expert]:
        yield InProcess(graph) if port is None else OverHttp(int(str(port)), int(str(run)))

    walk.open_expert = open_expert  # type: ignore[assignment]
    walk.Materials = Ready  # type: ignore[misc]
    settings = settings_for(Path(str(order["corpus"])), Path(str(order["out"])))
    try:
        walk.build(settings)
    except CcfError as error:
        with contextlib.suppress(OSError):  # the log may be what cannot be written
            print(error.what, file=sys.stderr, flush=True)
        return error.exit_code
    return 0


def forked(order: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.close(0)
    os.dup2(os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    os.dup2(2, 1)
    if order.get("traced"):
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, ANYBODY, 0, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
    code = 70
    try:
        restrict(order)
        code = build(order)
    except MemoryError:
        code = OUT_OF_MEMORY
    except BaseException:  # noqa: BLE001  what happened is told by the exit code and the log
        with contextlib.suppress(OSError):
            traceback.print_exc()
    os._exit(code)


def restrict(order: dict[str, Any]) -> None:
    """Limits of the system by name; memory and open files are counted from what is in use already."""
    for name, most in order.get("limits", {}).items():
        if name == "RLIMIT_AS":
            most += int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        if name == "RLIMIT_NOFILE":
            most += len(list(Path("/proc/self/fd").iterdir())) - 1
        resource.setrlimit(getattr(resource, name), (most, most))
    if "user" in order:
        os.setuid(order["user"])
    if "clock" in order:
        jumps, right = itertools.cycle(order["clock"]), time.time
        time.time = lambda: right() + next(jumps)
        gmtime = time.gmtime
        time.gmtime = lambda *given: gmtime(*(given or (time.time(),)))  # type: ignore[assignment]


def main() -> None:
    import pandas  # noqa: F401  as late imports would be done by every child

    Ready.warm = Materials.load(settings_for(Path("nowhere"), Path("nowhere")))
    with tempfile.TemporaryDirectory() as folder:  # what is worked out once and remembered, children inherit
        write_demo_corpus(Path(folder) / "corpus", studies=6, seed=11, images=False)
        build({"corpus": Path(folder) / "corpus", "out": Path(folder) / "build"})
    gc.freeze()
    print("ready", flush=True)
    for line in sys.stdin:
        pid = forked(json.loads(line))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
