"""Two hundred marks in forty reports through every command, in a process of its own, with failures provoked.

    python -m tests.canaries FOLDER

FOLDER gets `corpus`, `build` and what is asked for as `out-*`; those may hold marks, as may `wrong-*`, copies
of them that were damaged. Prints a line of JSON for each command: its words, its exit code, its output.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bad_server import Act, BadServer, misbehaving

STUDIES = 40
MARKS = 5
COUNT = STUDIES * MARKS
ALLOWED = ("corpus", "build", "out-", "wrong", ".build")
_CONSONANTS = "bcdfghklmnprstvz"
FINDINGS = (
    "There is a small left pleural effusion.",
    "The heart is enlarged.",
    "There is a small right apical pneumothorax.",
    "The lungs are clear.",
)


def canary(number: int) -> str:
    """A word that nobody else writes."""
    high, low = divmod(number, len(_CONSONANTS))
    return f"qua{_CONSONANTS[high]}o{_CONSONANTS[low]}yx"


def write_corpus(path: Path) -> None:
    """Five marks a report: as a finding, a name, a capital, an impression and the whole of a sentence."""
    rows = []
    for study in range(STUDIES):
        a, b, c, d, e = (canary(MARKS * study + n) for n in range(MARKS))
        text = (
            f"FINDINGS: {FINDINGS[study % 4]} {a} {b} noted. No {c.upper()} change. {d.title()}."
            f"\nIMPRESSION: {FINDINGS[study % 4]} {e}."
        )
        rows.append(json.dumps({"study_id": str(1000 + study), "subject_id": str(study), "text": text}))
    path.mkdir()
    (path / "reports.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def echo(number: int, body: dict[str, Any]) -> Act | None:
    """A server that names itself, and refuses, in the words of the report it was asked about."""
    told = body["messages"][-1]["content"]
    if number % 3 == 0:
        return Act(status=400, body=json.dumps({"error": {"message": told, "code": told}}).encode())
    if number % 3 == 1:
        return Act(model=told)
    return Act(status=500, headers={"X-Told": canary(1)}, body=told.encode())


def list_commands(url: str) -> Iterator[list[str]]:
    """Every command, as it should go and as it should not."""
    table = ["--corpus", "table:corpus"]
    server = ["--expert", "openai", "--model", "m", "--base-url", url, "--strategy", "edits"]
    yield from (
        ["version"],
        ["help", "sharing"],
        ["doctor"],
        ["init", *table, "--yes"],
    )
    yield ["ingest", *table, "--out", "out-ingested"]
    yield ["plan", *table, "--cost"]
    yield ["prompts", *table, "--out", "out-prompts.jsonl"]
    yield ["label", "table:corpus", "--out", "out-labels.csv"]
    yield ["graph", "lint"]
    yield ["graph", "mine", *table, "--out", "out-mined.csv"]
    yield ["run", *table, "--out", "build"]
    yield from (["status", "build"], ["verify", "build"], ["stop", "build"], ["recipe", "swift-cpo", "build"])
    yield ["run", *table, "--out", "build"]
    yield ["run", *table, "--out", "build", "--seed", "9"]
    yield ["run", *table, "--out", "out-preview", "--preview", "2"]
    yield ["run", *table, "--out", "out-served", *server, "--limit", "6", "--max-requests", "9"]
    yield ["--debug", "run", *table, "--out", "out-served", *server, "--limit", "6", "--max-requests", "9"]
    yield ["run", *table, "--out", "out-far", *server[:-3], "http://192.0.2.1/v1"]
    yield ["check", "build", "--out", "out-verdicts.jsonl"]
    yield ["recheck", "build"]
    yield ["metrics", "build", "--write-texts", "out-texts.jsonl"]
    yield from (["metrics", "build"], ["report", "build"], ["select", "build"])
    yield ["export", "build", "--format", "json", "--out", "out-export"]
    for level in ("L0", "L1"):
        yield ["share", "build", "--level", level, "--out", f"shared-{level}"]
        yield ["push", "build", "lab/cxr-ext", "--level", level, "--dry-run"]
    yield ["rehydrate", "shared-L1", *table, "--out", "out-rebuilt"]
    yield ["review", "build", "--results"]
    # What is damaged, missing or closed.
    for debug in ([], ["--debug"]):
        yield [*debug, "run", "--corpus", "table:wrong-corpus", "--out", "out-wrong"]
        yield [*debug, "verify", "wrong-build"]
        yield [*debug, "verify", "wrong-build", "--repair"]
        yield [*debug, "check", "wrong-pairs.jsonl"]
        yield [*debug, "share", "wrong-build", "--level", "L1", "--out", "shared-wrong"]
        yield [*debug, "rehydrate", "shared-L1", "--corpus", "table:wrong-corpus", "--out", "out-again"]
        yield [*debug, "graph", "lint", "wrong-graph.yaml"]
        yield [*debug, "plan", "--config", "wrong.toml"]
        yield [*debug, "prompts", *table, "--out", "/proc/none/prompts.jsonl"]
        yield [*debug, "label", "table:corpus", "--out", "/proc/none/labels.csv"]
    yield ["wipe", "wrong-build", "--yes"]


def damage() -> None:
    """Make the wrong files of the right ones, marks and all."""
    if Path("wrong-corpus").exists() or not Path("build/manifest.json").exists():
        return
    report = Path("corpus/reports.jsonl").read_text(encoding="utf-8")
    Path("wrong-corpus").mkdir()
    Path("wrong-corpus/reports.jsonl").write_text(report.replace("text", "txet", 3)[:-40], encoding="utf-8")
    shutil.copytree("build", "wrong-build")
    for path in sorted(Path("wrong-build").rglob("*.parquet"))[:2]:
        path.write_bytes(path.read_bytes()[:-50] + report.encode()[:50])
    Path("wrong-pairs.jsonl").write_text(report.replace('"text"', '"factual"') + report, encoding="utf-8")
    Path("wrong-graph.yaml").write_text(f"name: [{report}", encoding="utf-8")
    Path("wrong.toml").write_text(f"out = {report}", encoding="utf-8")


def run(commands: Iterator[list[str]]) -> Iterator[dict[str, object]]:
    from ccf_pipeline.cli.app import run_command

    for words in commands:
        damage()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            code = run_command(words)
        yield {"words": words, "code": code, "printed": printed.getvalue()}


def main(folder: Path) -> None:
    from ccf_pipeline.files.private_process import close_process

    close_process()
    with contextlib.chdir(folder):
        write_corpus(Path("corpus"))
        with misbehaving(BadServer(lambda body: "[]", echo)) as server:
            for found in run(list_commands(server.base_url)):
                print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
