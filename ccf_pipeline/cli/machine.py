"""Check the machine for what a build needs: each check says what was found and what to do."""

from __future__ import annotations

import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from ccf_pipeline import __version__
from ccf_pipeline.errors import CcfError
from ccf_pipeline.files.installed import install_command
from ccf_pipeline.files.locations import LOOPBACK

# `absent` is something nobody needs unless they want what it is for.
State = Literal["ok", "absent", "warning", "broken"]

OLDEST_PYTHON = (3, 11)
# All of MIMIC-CXR's reports as text, journal and Parquet, with room for a second build; and the demo.
ENOUGH_BYTES = 5 * 1024**3
TOO_FEW_BYTES = 200 * 1024**2
SMI_TIMEOUT_SECONDS = 10.0

SYNCED_FOLDERS = (
    *("dropbox", "onedrive", "icloud", "mobile documents", "cloudstorage", "google drive", "googledrive"),
    *("my drive", "nextcloud", "owncloud", "box", "pcloud", "megasync", "syncthing"),
)
NO = ("false", "0", "no", "off")
YES = ("true", "1", "yes", "on")


@dataclass(frozen=True)
class Check:
    """One look at the machine: what was looked at, how it stands, what was found and what to do."""

    name: str
    state: State
    found: str
    hint: str = ""


WHY = {
    "fastapi": "Prefect's embedded server breaks on newer ones",
    "prefect": "the flows are tested against these",
    "pydicom": "older ones have CVE-2026-32711",
}
"""Why other versions of a package do not do."""

PURPOSES = {
    "vllm": "a model in this process, on your own GPU",
    "dicom": "compressed DICOM",
    "draw": "ccf-build graph render",
    "s3": 'builds in an object store: out = "s3://BUCKET/PREFIX"',
    "dask": "flows on a Dask cluster",
    "probe": "ccf-build probe",
    "ray": "flows on a Ray cluster (never tried here)",
}
"""What one installs an extra for."""


def check_machine(folder: Path, environment: Mapping[str, str] = os.environ) -> tuple[Check, ...]:
    """Every check, in the order a person would ask; nothing here needs the network."""
    requirements = list_requirements()
    return (
        check_python(sys.version_info[:3]),
        check_system(platform.system()),
        Check("ccf-pipeline", "ok", f"{__version__} in {Path(__file__).parents[1]}"),
        *(check_package(wanted, installed_version(wanted.name)) for wanted in requirements[""]),
        *(check_extra(extra, requirements[extra]) for extra in PURPOSES),
        check_graph(),
        check_writing(folder),
        check_space(folder),
        check_privacy(folder),
        check_umask(folder),
        check_syncing(folder),
        check_proxies(environment),
        *check_prefect(environment),
        check_gpu(),
    )


# --- what is installed ------------------------------------------------------------------


def check_python(version: tuple[int, ...]) -> Check:
    """Is this Python new enough?"""
    found = ".".join(map(str, version))
    if version[:2] >= OLDEST_PYTHON:
        return Check("Python", "ok", found)
    return Check("Python", "broken", found, "Make a new environment with Python 3.11 or newer.")


def check_system(system: str) -> Check:
    """Can this system lock a folder and rename into place? Windows cannot, in the way a build needs."""
    found = f"{system} {platform.machine()}"
    if system == "Windows":
        return Check(
            "system", "broken", found, "Install it inside WSL: builds lock their folder as Unix does."
        )
    return Check("system", "ok", found)


def list_requirements() -> dict[str, list[Requirement]]:
    """Return what the core needs, under no name, and what each extra needs."""
    project = Path(__file__).parents[2] / "pyproject.toml"
    if project.is_file():
        told = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        lines = {"": told["dependencies"], **told["optional-dependencies"]}
        return {name: list(map(Requirement, wanted)) for name, wanted in lines.items()}
    found = defaultdict(list)
    for line in metadata.requires("ccf-pipeline") or ():
        # The installer's metadata tells the extra as a condition: `matplotlib; extra == "draw"`.
        extra = re.search(r"""extra == ["'](\w+)""", line)
        found[extra[1] if extra else ""].append(Requirement(line))
    return found


def check_package(wanted: Requirement, version: str | None) -> Check:
    """Is a core package there, in a version known to do?"""
    install = f"pip install '{wanted.name}{wanted.specifier}'"
    if version is None:
        return Check(wanted.name, "broken", "not installed", install)
    if not wanted.specifier.contains(version, prereleases=True):
        why = f": {WHY[wanted.name]}." if wanted.name in WHY else ""
        return Check(wanted.name, "broken", version, f"{install}{why}")
    return Check(wanted.name, "ok", version)


def check_extra(extra: str, wanted: Sequence[Requirement]) -> Check:
    """Is an optional group of packages there? None is needed; half of one is a mistake."""
    versions = {one.name: installed_version(one.name) for one in wanted}
    missing = [name for name, version in versions.items() if version is None]
    name = f"extra [{extra}]"
    hint = f"{install_command(extra)}, for {PURPOSES[extra]}"
    if not missing:
        return Check(name, "ok", ", ".join(f"{package} {version}" for package, version in versions.items()))
    if len(missing) < len(versions):
        return Check(name, "warning", f"without {', '.join(missing)}", hint)
    return Check(name, "absent", "not installed", hint)


def check_graph() -> Check:
    """Does the concept graph that comes along hold together?"""
    try:
        from ccf_pipeline.graph.load import load_graph

        graph = load_graph()
    except ImportError as error:
        found = f"cannot be read without {error.name}"
        return Check("concept graph", "broken", found, "Install what is missing above.")
    except CcfError as error:
        return Check("concept graph", "broken", error.what, error.hint)
    return Check("concept graph", "ok", f"{graph.file.name} {graph.file.version}")


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, without importing it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


# --- the folder -------------------------------------------------------------------------


def check_writing(folder: Path) -> Check:
    """Can a file be made here? Asked by making one: mode bits say little to root, or on a network disk."""
    place = _find_existing_folder(folder)
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".ccf-doctor-"):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error.__class__.__name__
        return Check("folder", "broken", f"{place}: {reason}", "Choose a folder that you may write to.")
    return Check("folder", "ok", f"{place} can be written to")


def check_space(folder: Path) -> Check:
    """Is there room?"""
    try:
        free = shutil.disk_usage(_find_existing_folder(folder)).free
    except OSError as error:
        found = f"cannot be told ({error.__class__.__name__})"
        return Check("disk space", "warning", found, "Look with `df -h`.")
    found = f"{free / 1024**3:.1f} GiB free"
    if free >= ENOUGH_BYTES:
        return Check("disk space", "ok", found)
    state: State = "broken" if free < TOO_FEW_BYTES else "warning"
    hint = (
        f"The demo wants {TOO_FEW_BYTES // 1024**2} MiB, a whole corpus about {ENOUGH_BYTES // 1024**3} GiB."
    )
    return Check("disk space", state, found, hint)


def check_privacy(folder: Path) -> Check:
    """Can others on this machine read what lies here? Reports may be under a data-use agreement."""
    place = _find_existing_folder(folder)
    if _open_to_others(place):
        hint = "Reports under a data-use agreement belong in a folder of mode 700: mkdir -m 700 NAME"
        return Check("privacy", "warning", f"{place} can be read by others on this machine", hint)
    return Check("privacy", "ok", f"{place} is closed to others")


def check_umask(folder: Path) -> Check:
    """Would new files be readable by others?"""
    mask = os.umask(0o077)
    os.umask(mask)
    if mask & 0o077 == 0o077:
        return Check("umask", "ok", f"{mask:03o}: new files are yours alone")
    if not _open_to_others(_find_existing_folder(folder)):
        return Check("umask", "ok", f"{mask:03o}, inside a folder closed to others")
    found = f"{mask:03o}: new files can be read by others"
    return Check("umask", "warning", found, "Before a build: umask 077")


def check_syncing(folder: Path) -> Check:
    """Is the folder copied to somebody's cloud?"""
    parts = {part.lower() for path in (folder.absolute(), _resolve_folder(folder)) for part in path.parts}
    synced = sorted(part for part in parts if _is_synced(part))
    if synced:
        hint = "Build in a folder that no cloud copies: reports may not leave the machine."
        return Check("syncing", "warning", f"{folder} lies inside `{synced[0]}`", hint)
    return Check("syncing", "ok", "no cloud folder above it")


# --- the way out ------------------------------------------------------------------------


def check_proxies(environment: Mapping[str, str]) -> Check:
    """Does the environment name a proxy? Model servers are asked without it, wherever they are."""
    from ccf_pipeline.experts.guard import ignored_proxies

    named = ignored_proxies(environment)
    if not named:
        return Check("proxies", "ok", "none set")
    # Names alone: a proxy's address may hold a password.
    found = f"{', '.join(named)} set, and not used for model servers"
    return Check("proxies", "ok", found, "A server that only a proxy leads to cannot be asked.")


# --- Prefect and the GPU ----------------------------------------------------------------


def check_prefect(environment: Mapping[str, str]) -> tuple[Check, ...]:
    """Return what the environment tells Prefect; only flows use it, `ccf-build run` does not."""
    return (
        _check_prefect_home(environment.get("PREFECT_HOME", "")),
        _check_prefect_server(environment.get("PREFECT_API_URL", "")),
        _check_telemetry(environment),
    )


def check_gpu() -> Check:
    """Is there an NVIDIA GPU? Only a local model wants one."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Check("GPU", "absent", "none seen", "The `rules` expert needs none.")
    asked = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.check_output(
            asked, text=True, stderr=subprocess.DEVNULL, timeout=SMI_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        hint = "Run nvidia-smi yourself to see why; the `rules` expert needs no GPU."
        return Check("GPU", "warning", f"nvidia-smi does not answer ({error.__class__.__name__})", hint)
    cards = [line.strip() for line in answer.splitlines() if line.strip()]
    return Check("GPU", "ok", "; ".join(cards)) if cards else Check("GPU", "absent", "none seen")


def _check_prefect_home(home: str) -> Check:
    if not home:
        hint = "For one project alone: export PREFECT_HOME=$PWD/.prefect"
        return Check("PREFECT_HOME", "ok", "not set: ~/.prefect is shared by all your projects", hint)
    if _open_to_others(_find_existing_folder(Path(home))):
        # Prefect writes its database with mode 0644, and a log or a parameter may quote anything.
        hint = "Prefect's database lies there, readable by all: give it a folder of mode 700."
        return Check("PREFECT_HOME", "warning", f"{home} can be read by others on this machine", hint)
    return Check("PREFECT_HOME", "ok", home)


def _check_prefect_server(url: str) -> Check:
    if not url:
        return Check("PREFECT_API_URL", "ok", "not set: a temporary server on this machine")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not host:
        hint = "It should look like http://127.0.0.1:4200/api"
        return Check("PREFECT_API_URL", "warning", "names no host", hint)
    if host in LOOPBACK:
        return Check("PREFECT_API_URL", "ok", f"a server on this machine ({host})")
    hint = "Names, counts and logs of flow runs go there: make sure that the host is yours."
    return Check("PREFECT_API_URL", "warning", f"another machine: {host}", hint)


def _check_telemetry(environment: Mapping[str, str]) -> Check:
    # DO_NOT_TRACK alone does not keep Prefect's server from calling home; the second setting does.
    server_off = environment.get("PREFECT_SERVER_ANALYTICS_ENABLED", "").lower() in NO
    client_off = environment.get("DO_NOT_TRACK", "").lower() in YES
    if server_off and client_off:
        return Check("Prefect telemetry", "ok", "off")
    hint = "Before you serve flows: export PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1"
    return Check("Prefect telemetry", "warning", "a Prefect server would call home", hint)


# --- small things -----------------------------------------------------------------------


def _find_existing_folder(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    whole = _resolve_folder(folder)
    return next((path for path in (whole, *whole.parents) if path.is_dir()), whole)


def _resolve_folder(folder: Path) -> Path:
    return folder.expanduser().resolve()


def _open_to_others(folder: Path) -> bool:
    """Others may read a folder whose own mode says so if every folder above lets them pass."""
    try:
        lets_read = bool(folder.stat().st_mode & (stat.S_IROTH | stat.S_IRGRP))
        return lets_read and all(_is_passable(above) for above in folder.parents)
    except OSError:
        return False


def _is_passable(folder: Path) -> bool:
    return bool(folder.stat().st_mode & (stat.S_IXOTH | stat.S_IXGRP))


def _is_synced(part: str) -> bool:
    """`OneDrive - Some Hospital` and `com~apple~CloudDocs` count as much as the bare names."""
    begins = tuple(f"{name}{joint}" for name in SYNCED_FOLDERS for joint in " -")
    return part in SYNCED_FOLDERS or part.startswith((*begins, "com~apple~"))


def worst(checks: Iterable[Check]) -> State:
    """The state of the whole: broken if anything is, and so on."""
    order: tuple[State, ...] = ("broken", "warning")
    states = {check.state for check in checks}
    return next((state for state in order if state in states), "ok")
