"""doctor tells what a machine lacks, and only what is needed and broken makes it exit with 1."""

from __future__ import annotations

import json
import os
from collections import namedtuple
from pathlib import Path

import pytest
import typer
from packaging.requirements import Requirement
from typer.testing import CliRunner

from ccf_pipeline.cli import machine
from ccf_pipeline.cli.doctor import doctor
from ccf_pipeline.cli.machine import PURPOSES, Check, list_requirements
from ccf_pipeline.errors import GraphError

app = typer.Typer()
app.command()(doctor)


@pytest.fixture
def closed_folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def open_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Open to others all the way down, whatever pytest's own folders above it say."""
    monkeypatch.setattr(machine, "_is_passable", lambda folder: True)
    tmp_path.chmod(0o755)
    return tmp_path


# --- the command ------------------------------------------------------------------------


def test_a_machine_that_lacks_nothing_needed_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (
        Check("Python", "ok", "3.11.7"),
        Check("extra [draw]", "absent", "not installed", "pip install 'ccf-pipeline[draw]' for drawings"),
        Check("umask", "warning", "022", "umask 077"),
    )
    monkeypatch.setattr(machine, "check_machine", lambda folder: found)

    result = CliRunner().invoke(app)

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "✓ Python             3.11.7",
        "– extra [draw]       not installed",
        "                     pip install 'ccf-pipeline[draw]' for drawings",
        "! umask              022",
        "                     umask 077",
        "",
        "Nothing is broken, 1 to look at (!).",
    ]


def test_something_needed_and_broken_ends_with_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "check_machine", lambda folder: (Check("fastapi", "broken", "0.165.0"),))

    result = CliRunner().invoke(app)

    assert result.exit_code == 1
    assert "✗ fastapi            0.165.0" in result.stdout
    assert "1 broken (✗), nothing to look at." in result.stdout


def test_json_carries_every_check_for_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "check_machine", lambda folder: (Check("GPU", "absent", "none seen"),))

    result = CliRunner().invoke(app, ["--json"])

    assert json.loads(result.stdout) == {
        "ok": True,
        "checks": [{"name": "GPU", "state": "absent", "found": "none seen", "hint": ""}],
    }


def test_this_machine_can_be_looked_at(closed_folder: Path) -> None:
    checks = {check.name: check for check in machine.check_machine(closed_folder, {})}

    assert checks["Python"].state == "ok"
    assert checks["prefect"].state == "ok"
    assert checks["concept graph"].state == "ok"
    assert checks["folder"].state == "ok"


# --- packages ---------------------------------------------------------------------------


def test_every_extra_of_pyproject_has_a_purpose() -> None:
    assert {*PURPOSES, "", "dev"} == set(list_requirements())


def test_an_installed_package_asks_for_what_its_metadata_says(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [
        "rich>=13.9",
        'matplotlib>=3.9; extra == "draw"',
        "vllm; sys_platform == 'linux' and extra == 'vllm'",
    ]
    monkeypatch.setattr(Path, "is_file", lambda path: False)
    monkeypatch.setattr(machine.metadata, "requires", lambda name: told)

    found = {extra: [one.name for one in wanted] for extra, wanted in list_requirements().items()}

    assert found == {"": ["rich"], "draw": ["matplotlib"], "vllm": ["vllm"]}


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [
        ("fastapi", "0.150.0", "ok"),
        ("fastapi", "0.151.0", "broken"),
        ("fastapi", "0.165.0", "broken"),
        ("pydicom", "3.0.2", "ok"),
        ("pydicom", "3.0.1", "broken"),
        ("prefect", "3.8.8", "ok"),
        ("prefect", "3.10.0", "broken"),
        ("rich", "15.0.0", "ok"),
    ],
)
def test_versions_known_not_to_do_are_broken(name: str, version: str, state: str) -> None:
    wanted = next(wanted for wanted in list_requirements()[""] if wanted.name == name)

    assert machine.check_package(wanted, version).state == state


def test_a_version_that_does_not_do_is_told_with_the_reason_and_the_cure() -> None:
    assert machine.check_package(Requirement("fastapi<0.151"), "0.165.0") == Check(
        "fastapi",
        "broken",
        "0.165.0",
        "pip install 'fastapi<0.151': Prefect's embedded server breaks on newer ones.",
    )


def test_a_missing_package_is_broken_and_a_missing_extra_is_only_absent() -> None:
    assert machine.check_package(Requirement("pandas"), None).state == "broken"

    extra = machine.check_extra("draw", [Requirement("no-such-package")])
    assert extra.state == "absent"
    assert "[draw]'" in extra.hint
    assert extra.hint.endswith("for ccf-build graph render")


def test_half_an_extra_is_worth_a_warning() -> None:
    assert (
        machine.check_extra("draw", [Requirement("rich"), Requirement("no-such-package")]).state == "warning"
    )


def test_an_old_python_is_broken() -> None:
    assert machine.check_python((3, 10, 14)).state == "broken"
    assert machine.check_python((3, 13, 0)).state == "ok"


def test_windows_is_sent_to_wsl() -> None:
    assert machine.check_system("Linux").state == "ok"
    assert machine.check_system("Windows").state == "broken"


def test_a_graph_that_does_not_hold_together_is_broken_with_its_own_hint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse() -> None:
        raise GraphError("thoracic.yaml:7: `plural_effusion` is not a concept")

    monkeypatch.setattr("ccf_pipeline.graph.load.load_graph", refuse)

    check = machine.check_graph()
    assert (check.state, check.found) == ("broken", "thoracic.yaml:7: `plural_effusion` is not a concept")
    assert "ccf-build graph lint" in check.hint


# --- the folder -------------------------------------------------------------------------


def test_a_folder_yet_to_be_made_is_judged_by_the_one_above_it(closed_folder: Path) -> None:
    check = machine.check_writing(closed_folder / "new" / "build")

    assert check == Check("folder", "ok", f"{closed_folder} can be written to")
    assert list(closed_folder.iterdir()) == []


def test_a_folder_that_refuses_a_file_is_broken() -> None:
    refusing = Path("/proc/self")  # even root can make no file there
    if not refusing.is_dir():
        pytest.skip("no /proc on this machine")

    assert machine.check_writing(refusing).state == "broken"


@pytest.mark.parametrize(
    ("free_bytes", "state"), [(10 * 1024**3, "ok"), (1024**3, "warning"), (10 * 1024**2, "broken")]
)
def test_room_is_enough_scarce_or_too_little(
    free_bytes: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage(free_bytes))

    assert machine.check_space(tmp_path).state == state


def test_a_folder_that_others_can_read_is_warned_of(open_folder: Path) -> None:
    assert machine.check_privacy(open_folder).state == "warning"

    open_folder.chmod(0o700)
    assert machine.check_privacy(open_folder).state == "ok"


def test_a_wide_umask_matters_only_where_others_can_come(open_folder: Path) -> None:
    before = os.umask(0o022)
    try:
        assert machine.check_umask(open_folder).state == "warning"
        open_folder.chmod(0o700)
        assert machine.check_umask(open_folder).state == "ok"
        assert os.umask(0o022) == 0o022, "looking changes nothing"
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "folder",
    [
        "/home/ada/Dropbox/cxr",
        "/Users/ada/Library/CloudStorage/Box-Box/cxr",
        "/mnt/c/Users/ada/OneDrive - Some Hospital/cxr",
        "/Users/ada/Library/Mobile Documents/com~apple~CloudDocs/cxr",
    ],
)
def test_a_folder_in_somebodys_cloud_is_warned_of(folder: str) -> None:
    assert machine.check_syncing(Path(folder)).state == "warning"


def test_a_folder_that_only_sounds_like_a_cloud_is_not() -> None:
    assert machine.check_syncing(Path("/data/boxes/dropboxes")).state == "ok"


# --- Prefect and the GPU ----------------------------------------------------------------


def test_telemetry_is_off_only_when_both_settings_say_so() -> None:
    def telemetry(**environment: str) -> str:
        return machine.check_prefect(environment)[-1].state

    assert telemetry() == "warning"
    assert telemetry(DO_NOT_TRACK="1") == "warning"
    assert telemetry(DO_NOT_TRACK="1", PREFECT_SERVER_ANALYTICS_ENABLED="false") == "ok"


def test_a_prefect_server_elsewhere_is_named_by_its_host_and_nothing_secret() -> None:
    home, far, _ = machine.check_prefect({"PREFECT_API_URL": "https://ada:secret@api.example.org/x"})
    _, near, _ = machine.check_prefect({"PREFECT_API_URL": "http://127.0.0.1:4200/api"})

    assert (far.state, far.found) == ("warning", "another machine: api.example.org")
    assert (near.state, home.state) == ("ok", "ok")


def test_a_prefect_server_that_is_no_address_is_told_without_a_traceback() -> None:
    for url in ("http://[::1/api", "4200", "http:///api"):
        assert machine.check_prefect({"PREFECT_API_URL": url})[1].found == "names no host"


def test_cards_are_told_as_nvidia_smi_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB'\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine.check_gpu() == Check("GPU", "ok", "NVIDIA H200, 143771 MiB")

    program.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    assert machine.check_gpu().state == "warning"

    program.unlink()
    assert machine.check_gpu().state == "absent"


# --- the way out ------------------------------------------------------------------------


def test_proxies_are_named_without_their_passwords_and_said_to_be_unused() -> None:
    none = machine.check_proxies({"https_proxy": "", "PATH": "/bin"})
    two = machine.check_proxies({"HTTPS_PROXY": "http://user:secret@proxy:3128", "all_proxy": "socks5://p"})

    assert (none.state, none.found) == ("ok", "none set")
    assert two.found == "HTTPS_PROXY, all_proxy set, and not used for model servers"
    assert two.state == "ok"
