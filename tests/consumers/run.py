"""Read the data set with every package it is written for, each in an environment of its own.

`make consumers` calls it; `python tests/consumers/run.py NAME …` reads with some only. The environments go to
`.consumers/`, or to `--folder`, and stay there; the first run installs them, which takes minutes and some
gigabytes each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CHECKS = {
    "datasets36": "check_datasets.py",
    "datasets40": "check_datasets.py",
    "datasets52": "check_datasets.py",
    "croissant": "check_croissant.py",
    "swift4": "check_swift.py",
    "swift3": "check_swift.py",
    "llamafactory": "check_llamafactory.py",
    "trl1": "check_trl.py",
}
# Which recipes are checked against which environment's package.
RECIPES = {
    "swift4": ("swift-sft", "swift-cpo", "swift-cpo-plus"),
    "swift3": ("swift-sft", "swift-cpo", "swift-cpo-plus"),
    "llamafactory": ("llamafactory-dpo",),
    "trl1": ("trl-dpo",),
}
WITHOUT_DEPENDENCIES = ("llamafactory",)


def main(arguments: list[str]) -> int:
    """Check with the named consumers, or with all; the exit code says whether all could read the rows."""
    parser = argparse.ArgumentParser(description="Read the data set with every package it is written for.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CHECKS)}; all of them")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".consumers", help="where the environments are kept"
    )
    chosen = parser.parse_args(arguments)
    unknown = sorted(set(chosen.names) - set(CHECKS))
    if unknown:
        print(f"error: {unknown[0]} is no consumer\nhint:  Known: {', '.join(CHECKS)}.")
        return 2
    kept, names, begun = chosen.folder.resolve(), chosen.names or list(CHECKS), time.monotonic()
    data = kept / "data"
    local = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    if subprocess.run([sys.executable, str(HERE / "demo.py"), str(data)], env=local, check=False).returncode:
        print("error: the data set could not be written, see above; no consumer was asked")
        return 1
    failed = [name for name in names if not reads(name, kept, data)]
    print(f"{len(failed)} of {len(names)} consumers failed" if failed else "every consumer reads it", end="")
    print(f", {time.monotonic() - begun:.0f} s")
    return 1 if failed else 0


def reads(name: str, kept: Path, data: Path) -> bool:
    """Whether one consumer finds in the data set what it must, and its recipes fit it."""
    print(f"· {name}", flush=True)
    try:
        begun = time.monotonic()
        python = environment(name, kept)
        installed, begun = time.monotonic() - begun, time.monotonic()
        quiet = _quiet(kept)
        subprocess.run([str(python), str(HERE / CHECKS[name]), str(data)], env=quiet, check=True)
        for recipe in RECIPES.get(name, ()):
            words = ("recipe", recipe, str(data / "dataset"), "--python", str(python))
            told = subprocess.run(
                [sys.executable, "-m", "ccf_pipeline.cli", *words],
                env={**quiet, "PYTHONPATH": str(ROOT)},
                check=True,
                capture_output=True,
                text=True,
            )
            (line,) = [line for line in told.stdout.splitlines() if "checked against" in line]
            print(f"   {recipe}: {line.removeprefix('# ')}")
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip()
        print(f"   FAILED{': ' if said else ''}{said}", flush=True)
        return False
    print(f"   read in {time.monotonic() - begun:.0f} s, made ready in {installed:.0f} s", flush=True)
    return True


def environment(name: str, kept: Path) -> Path:
    """The interpreter of a consumer's environment, installed anew where its pins do not hold."""
    folder = kept / name
    python = folder / "bin" / "python"
    if not _holds(python, name):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        if name in WITHOUT_DEPENDENCIES:
            lines = [line for line in _pins(name).read_text().splitlines() if line and line[0] != "#"]
            own = [line for line in lines if line.startswith(name)]
            subprocess.run([*pip, *[line for line in lines if line not in own]], check=True)
            subprocess.run([*pip, "--no-deps", *own], check=True)
        else:
            subprocess.run([*pip, "--requirement", str(_pins(name))], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    if (site / "torchvision").is_dir():
        (site / "cpu_torchvision.py").write_bytes((HERE / "cpu_torchvision.py").read_bytes())
        (site / "cpu_torchvision.pth").write_text("import cpu_torchvision\n")
    return python


def _holds(python: Path, name: str) -> bool:
    """Whether pip, asked for the pins without an index, has nothing to install."""
    if not python.is_file():
        return False
    words = ["install", "--dry-run", "--no-index", "--quiet", "--report", "-", "--requirement"]
    words += [str(_pins(name)), *(["--no-deps"] if name in WITHOUT_DEPENDENCIES else [])]
    told = subprocess.run(
        [str(python), "-m", "pip", *words], check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return told.returncode == 0 and json.loads(told.stdout)["install"] == []


def _pins(name: str) -> Path:
    return HERE / f"{name}.txt"


def _quiet(folder: Path) -> dict[str, str]:
    """No hub, no GPU, no telemetry, few words, and nothing of our own on the path."""
    without = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {
        **without,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "LOG_LEVEL": "ERROR",
        "LLAMAFACTORY_VERBOSITY": "ERROR",
        "DISABLE_VERSION_CHECK": "1",
        "MODELSCOPE_CACHE": str(folder / "modelscope"),
        "HF_HOME": str(folder / "huggingface"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
