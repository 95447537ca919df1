"""Everything that is offered installs: each extra alone, and those that people combine, as a dry run."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ("3.11", "3.12", "3.13")
COMBINED = [("vllm", "s3"), ("vllm", "dicom"), ("vllm", "ray"), ("vllm", "s3", "dicom", "ray", "draw")]


def requirements(extras: tuple[str, ...]) -> list[str]:
    """What the core and some extras ask for; an extra that names others asks for what they ask for."""
    wanted = list(PROJECT["dependencies"])
    for extra in extras:
        for line in EXTRAS[extra]:
            others = re.fullmatch(r"ccf-pipeline\[(.+)\]", line)
            wanted += requirements(tuple(others[1].split(","))) if others else [line]
    return list(dict.fromkeys(wanted))


def resolve(wanted: list[str], python: str = PYTHONS[0]) -> subprocess.CompletedProcess[str]:
    """Have the installer choose versions for a Python, without installing any."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", python, "-"]
    return subprocess.run(command, input="\n".join(wanted), capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def index() -> None:
    """Skip where no package index answers."""
    if resolve(["typing-extensions"]).returncode != 0:
        pytest.skip("no package index can be reached")


@pytest.mark.slow
@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("extras", [(), *((name,) for name in EXTRAS), *COMBINED], ids="+".join)
def test_what_is_offered_can_be_resolved(extras: tuple[str, ...], python: str) -> None:
    done = resolve(requirements(extras), python)

    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("file", sorted(ROOT.glob("constraints*.txt")), ids=lambda file: file.name)
def test_each_constraints_file_holds_a_prefect_that_is_supported(file: Path) -> None:
    (pinned,) = re.findall(r"^prefect==(\d+)\.(\d+)", file.read_text(encoding="utf-8"), re.MULTILINE)

    (asked,) = [line for line in PROJECT["dependencies"] if line.startswith("prefect")]
    lowest, below = (tuple(map(int, bound.split("."))) for bound in re.findall(r"\d+\.\d+", asked))
    assert lowest <= tuple(map(int, pinned)) < below
