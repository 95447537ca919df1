"""What is installed: plain pins, one importable name, everything the wheel must carry, and a quick --help."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = (
    *("numpy", "pandas", "pyarrow", "networkx", "pydantic_settings", "prefect", "openai", "httpx"),
    *("huggingface_hub", "pydicom", "PIL", "matplotlib", "datasets", "vllm", "torch"),
)


def in_a_fresh_python(code: str) -> str:
    outcome = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    return outcome.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


# --- pins -------------------------------------------------------------------------------


def test_constraints_are_plain_pins() -> None:
    """No hosts, hashes, options or local versions: the file means the same wherever it is read."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()

    odd = [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line)]
    assert odd == []
    assert lines == sorted(lines, key=str.lower)


def test_every_pin_has_its_hashes_in_the_locked_file() -> None:
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    locked = (ROOT / "requirements-locked.txt").read_text(encoding="utf-8")

    hashed = dict(
        re.findall(r"^(\S+==\S+) ((?:\\\n    --hash=sha256:[0-9a-f]{64} ?)+)$", locked, re.MULTILINE)
    )
    assert {normal(pin) for pin in hashed} == {normal(pin) for pin in pins}
    assert "".join(f"{pin} {hashes}\n" for pin, hashes in hashed.items()) == locked


def test_everything_asked_for_is_pinned_and_torch_is_not() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    pinned = {normal(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().split()}

    asked = {
        normal(re.split(r"[\[<>=~!; ]", line)[0])
        for line in [*project["dependencies"], *extras["dev"], *extras["draw"]]
    }
    assert asked - pinned - {"ccf-pipeline"} == set()
    assert pinned & {"torch", "vllm", "triton"} == set()


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


# --- the wheel --------------------------------------------------------------------------


def test_only_one_name_can_be_imported(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == {"ccf_pipeline"}


@pytest.mark.parametrize("carried", ["graphs/thoracic.yaml", "prefect.yaml", "flows/build_dataset.py"])
def test_the_wheel_carries_what_lies_beside_the_package(carried: str, wheel: zipfile.ZipFile) -> None:
    assert wheel.read(f"ccf_pipeline/carried/{carried}") == (ROOT / carried).read_bytes()


def test_the_wheel_carries_every_file_of_the_package_and_no_leavings(wheel: zipfile.ZipFile) -> None:
    package = ROOT / "ccf_pipeline"
    files = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    inside = {name for name in wheel.namelist() if "/carried/" not in name and ".dist-info/" not in name}

    assert inside == files
    assert [name for name in wheel.namelist() if "__pycache__" in name] == []


def test_the_wheel_names_its_licence_and_its_command(wheel: zipfile.ZipFile) -> None:
    about = {name.rpartition("/")[2]: name for name in wheel.namelist() if ".dist-info/" in name}

    assert "Apache License" in wheel.read(about["LICENSE"]).decode()
    assert "ccf-build = ccf_pipeline.cli:main" in wheel.read(about["entry_points.txt"]).decode()


# --- what an import costs ---------------------------------------------------------------


def test_help_imports_nothing_heavy() -> None:
    """So that it answers in well under half a second; what is heavy is imported where it is used."""
    loaded = in_a_fresh_python(
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from ccf_pipeline.cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(*sys.modules)\n"
    ).split()

    assert set(HEAVY) & set(loaded) == set()
    assert [name for name in loaded if name.startswith(("ccf_pipeline.engine", "ccf_pipeline.graph"))] == []


def test_the_core_needs_no_torch_and_no_prefect() -> None:
    """Every module of the package is imported: none may pull in what only an extra or a flow wants."""
    loaded = in_a_fresh_python(
        "import importlib, pkgutil, sys, ccf_pipeline\n"
        "for module in pkgutil.walk_packages(ccf_pipeline.__path__, 'ccf_pipeline.'):\n"
        "    if not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name)\n"
        "print(*sys.modules)\n"
    ).split()

    assert {"torch", "vllm", "prefect", "matplotlib", "datasets"} & set(loaded) == set()
