"""Read the data set with every package it is written for, each in an environment of its own.

`make consumers` calls it; `python tests/consumers/run.py NAME …` reads with some only. The environments go to
`.consumers/` and stay there; the first run installs them, which takes minutes and some gigabytes each.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENTS = ROOT / ".consumers"
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


def main(names: list[str]) -> int:
    """Check with the named consumers, or with all; the exit code says whether all could read the rows."""
    unknown = sorted(set(names) - set(CHECKS))
    if unknown:
        print(f"error: {unknown[0]} is no consumer\nhint:  Known: {', '.join(CHECKS)}.")
        return 2
    folder = ENVIRONMENTS / "data"
    local = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    subprocess.run([sys.executable, str(HERE / "demo.py"), str(folder)], env=local, check=True)
    failed = []
    for name in names or CHECKS:
        print(f"· {name}", flush=True)
        begun = time.monotonic()
        try:
            python = environment(name)
            subprocess.run([str(python), str(HERE / CHECKS[name]), str(folder)], env=_quiet(), check=True)
            for recipe in RECIPES.get(name, ()):
                words = ("recipe", recipe, str(folder / "dataset"), "--python", str(python))
                told = subprocess.run(
                    [sys.executable, "-m", "ccf_pipeline.cli", *words],
                    env={**local, **_quiet(), "PYTHONPATH": str(ROOT)},
                    check=True,
                    capture_output=True,
                    text=True,
                )
                (line,) = [line for line in told.stdout.splitlines() if "checked against" in line]
                print(f"   {recipe}: {line.removeprefix('# ')}")
            print(f"   read, {time.monotonic() - begun:.0f} s", flush=True)
        except subprocess.CalledProcessError as error:
            said = (error.stderr or "").strip()
            print(f"   FAILED{': ' if said else ''}{said}", flush=True)
            failed.append(name)
    print(
        f"{len(failed)} of {len(names or CHECKS)} consumers failed" if failed else "every consumer reads it"
    )
    return 1 if failed else 0


def environment(name: str) -> Path:
    """The interpreter of a consumer's environment, installed when its pins changed."""
    pins = HERE / f"{name}.txt"
    folder = ENVIRONMENTS / name
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    if name in WITHOUT_DEPENDENCIES:
        lines = [line for line in pins.read_text().splitlines() if line and not line.startswith("#")]
        own = [line for line in lines if line.startswith(name)]
        subprocess.run([*pip, *[line for line in lines if line not in own]], check=True)
        subprocess.run([*pip, "--no-deps", *own], check=True)
    else:
        subprocess.run([*pip, "--requirement", str(pins)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    if (site / "torchvision").is_dir():
        (site / "cpu_torchvision.py").write_bytes((HERE / "cpu_torchvision.py").read_bytes())
        (site / "cpu_torchvision.pth").write_text("import cpu_torchvision\n")
    stamp.write_text(wanted)
    return python


def _quiet() -> dict[str, str]:
    """No hub, no GPU, no telemetry, few words, and nothing of our own on the path."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {
        **kept,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
        "TQDM_DISABLE": "1",
        "LOG_LEVEL": "ERROR",
        "LLAMAFACTORY_VERBOSITY": "ERROR",
        "DISABLE_VERSION_CHECK": "1",
        "MODELSCOPE_CACHE": str(ENVIRONMENTS / "modelscope"),
        "HF_HOME": str(ENVIRONMENTS / "huggingface"),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
