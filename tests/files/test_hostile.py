"""What others wrote is read without waiting for ever, calling itself without end, or filling memory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from ccf_pipeline.files.hostile import (
    MOST_LEVELS,
    open_file,
    read_json,
    refuse_deep_toml,
    refuse_growing_yaml,
)

DEEP = MOST_LEVELS + 1


def test_a_pipe_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a file"):
            open_file(path)


@pytest.mark.parametrize("text", ["[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP])
def test_deep_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="deep"):
        read_json(text)


def test_brackets_in_quotes_are_text() -> None:
    assert read_json('["' + "[" * DEEP + '"]') == ["[" * DEEP]
    assert len(read_json("[" + ",".join(["[]"] * 1000) + "]")) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "- " * DEEP + "a",
        "\n".join(" " * n + "a:" for n in range(2 * DEEP)),
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "a: &a [*a]",
        "a: &a x\nb: [" + "*a, " * 1000 + "]",
    ],
)
def test_yaml_that_is_deep_or_multiplies_itself_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"deep|multiply"):
        refuse_growing_yaml(text)


def test_yaml_may_name_a_thing_and_use_it_again() -> None:
    text = "usual: &usual [mild, severe]\none: *usual\nother: *usual\nnote: 5 * 3 & more"

    refuse_growing_yaml(text)

    assert yaml.safe_load(text)["other"] == ["mild", "severe"]


@pytest.mark.parametrize(
    "text", ["a = " + "[" * DEEP, f"[{'.'.join(['a'] * DEEP)}]", ".".join("a" * DEEP) + " = 1"]
)
def test_deep_toml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"deep|parts"):
        refuse_deep_toml(text)


def test_usual_toml_is_let_through() -> None:
    refuse_deep_toml('[corpus.columns]\nversion = "1.2.3"\nurls = ["http://127.0.0.1:8000/v1"]\n# a.b.c...\n')
