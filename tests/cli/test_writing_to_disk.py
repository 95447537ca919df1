"""A place in an object store is refused by every command that writes to a disk, before it does anything."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command
from typer.main import get_command
from typer.testing import CliRunner

from ccf_pipeline.cli.app import app, run_command
from ccf_pipeline.errors import SettingsError
from tests.command import ccf_build

WRITTEN_TO = {"out", "csv_file", "table", "file", "prefect", "write"}
MAY_NAME_A_STORE = {("run", "--out"), ("init", "--out")}


def options_written_to(command: Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from options_written_to(inner, (*words, name))
    for option in command.params:
        spoken = (*words, option.opts[0])
        is_option = option.param_type_name == "option" and not getattr(option, "is_flag", False)
        if is_option and option.name in WRITTEN_TO and spoken not in MAY_NAME_A_STORE:
            yield spoken


@pytest.mark.parametrize("words", [*options_written_to(get_command(app))], ids=" ".join)
def test_a_store_is_refused_where_a_disk_is_written_to(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = CliRunner().invoke(app, [*words, "s3://bucket/x.csv"])

    assert isinstance(outcome.exception, SettingsError), outcome.output
    assert "s3://bucket/x.csv: lies in an object store" in outcome.exception.what
    assert list(tmp_path.iterdir()) == []


def test_a_build_is_fetched_to_a_disk() -> None:
    outcome = CliRunner().invoke(app, ["fetch", "s3://bucket/x", "s3://bucket/y"])

    assert isinstance(outcome.exception, SettingsError)
    assert "s3://bucket/y: lies in an object store" in outcome.exception.what


def test_a_demo_in_a_store_is_two_lines_that_say_what_to_do(tmp_path: Path) -> None:
    done = ccf_build("demo", "--out", "s3://bucket/x", folder=tmp_path)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: s3://bucket/x: lies in an object store, and this command writes to a disk",
        "hint:  Name a file or folder of this machine. A build is made in a store by"
        " `ccf-build run --out s3://BUCKET/PREFIX`.",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.shows("standard output is full, or closed", "two lines and exit 74; nothing where it is closed")
def test_a_full_output_is_told_in_two_lines_and_a_closed_one_not_at_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with contextlib.suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        code = run_command(["version"])
    told = capsys.readouterr().err.splitlines()
    monkeypatch.setattr(sys, "stdout", None)

    assert (code, [line[:6] for line in told]) == (74, ["error:", "hint: "])
    assert "No space left on device" in told[0]
    assert run_command(["version"]) == 0
