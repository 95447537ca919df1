"""No word of a report is found where it was not asked for, whatever command is given and however it fails."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccf_pipeline.cli.app import COMMANDS
from tests.canaries import ALLOWED, COUNT, canary

SPELLINGS = [
    spelled
    for number in range(COUNT)
    for word in (canary(number),)
    for spelled in (
        word,
        word.upper(),
        word.title(),
        word[::-1],
        base64.b64encode(word.encode()).decode()[:12],
    )
]
NOT_RUN = {"demo", "images", "fetch", "attest", "probe", "read", "recover"}
"""Of the demo's reports, of images, a store, nothing, Prefect; `read` shows what it is given to read."""


@pytest.mark.faults
def test_two_hundred_canaries_stay_where_they_belong(tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "COLUMNS": "200"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.canaries", str(work)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    (tmp_path / "argv").write_text("".join(watch_arguments(process)))
    out, errors = process.communicate()

    found = [json.loads(line) for line in out.splitlines()]
    assert process.returncode == 0, errors[-2000:]
    run = {next(word for word in one["words"] if not word.startswith("-")) for one in found}
    named = {"help" if command.__name__ == "show_help" else command.__name__ for command in COMMANDS}
    assert named - run <= NOT_RUN
    leaks = [(one["words"], mark) for one in found for mark in marks_in(one["printed"].encode())]
    leaks += [(str(path), mark) for path in files_elsewhere(tmp_path) for mark in marks_in(path.read_bytes())]
    leaks += [("standard error", mark) for mark in marks_in(errors.encode())]
    assert leaks == []
    assert not [one for one in found if "the program failed" in one["printed"]]
    assert {path.stat().st_mode & 0o077 for path in work.rglob("*")} == {0}


def watch_arguments(process: subprocess.Popen[str]) -> Iterator[str]:
    """The command lines of whatever it starts, for as long as somebody reads them; its output waits."""
    seen = set()
    until = time.monotonic() + 2
    while process.poll() is None and time.monotonic() < until:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_text(errors="replace")
            except OSError:
                continue
            if line not in seen:
                seen.add(line)
                yield line
        time.sleep(0.05)


def files_elsewhere(folder: Path) -> Iterator[Path]:
    """Every file but those that may hold reports: the build, and what was asked for by name."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        asked_for = parts[0] == "work" and parts[1:] and parts[1].startswith(ALLOWED)
        if path.is_file() and not asked_for:
            yield path


def marks_in(raw: bytes) -> list[str]:
    """The marks that stand in some bytes, packed or not."""
    texts = [raw]
    for magic, bits in ((b"\x1f\x8b", 31), (b"\x78\x9c", 15)):
        if (at := raw.find(magic)) >= 0:
            try:
                texts.append(zlib.decompressobj(wbits=bits).decompress(raw[at:]))
            except zlib.error:
                continue
    whole = b"\n".join(texts).decode("utf-8", "replace")
    return [spelled for spelled in SPELLINGS if spelled in whole]
