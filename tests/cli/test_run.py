"""What a user types, and what comes back: results, and two clear lines when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccf_pipeline.demo import write_demo_corpus
from tests.command import ccf_build
from tests.command_line import LOGGED


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=20, seed=3, images=False)
    return folder


def test_the_demo_shows_counts_files_and_a_pair(tmp_path: Path) -> None:
    done = ccf_build("demo", "--studies", "12", folder=tmp_path)

    assert done.returncode == 0, done.stderr
    for words in ("studies read", "accepted", "rejected", "cpo_thinking", "load_dataset", "counterfactual:"):
        assert words in done.stdout


def test_the_demo_twice_in_a_row_verifies_what_is_there(tmp_path: Path) -> None:
    first = ccf_build("demo", "--studies", "5", "--json", folder=tmp_path)
    second = ccf_build("demo", "--studies", "5", "--json", folder=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0)
    assert json.loads(first.stdout) == json.loads(second.stdout)


def test_run_reads_settings_from_file_environment_and_flags(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "build.toml").write_text(f'[corpus]\nkind = "demo"\npath = "{corpus}"\nlimit = 3\n')

    done = ccf_build("run", "--out", "here", "--json", folder=tmp_path, CCF_CORPUS__LIMIT="4")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["plan"]["studies_read"] == 4
    assert (tmp_path / "here" / "manifest.json").is_file()


def test_quiet_prints_nothing(tmp_path: Path, corpus: Path) -> None:
    done = ccf_build("run", "--corpus", f"demo:{corpus}", "--limit", "2", "--quiet", folder=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["run", "--corpus", "mimic:nowhere"], "nowhere: there is no such file or folder"),
        (["run", "--corpus", "mimik:x"], "`mimik` is not a kind of corpus"),
        (["run", "--config", "none.toml"], "none.toml: there is no such settings file"),
        (["run", "--corpus", "demo:{corpus}", "--graph", "none.yaml"], "none.yaml"),
        (["run", "--corpus", "demo:{corpus}", "--graph", "broken.yaml"], "broken.yaml:"),
        (["run", "--corpus", "demo:{corpus}", "--graph", "wrong.yaml"], "(and "),
        (["run", "--config", "unknown.toml"], "`plan.sed` is not a setting"),
        (["run", "--config", "broken.toml"], "not valid TOML"),
        (["run", "--corpus", "demo:{corpus}", "--out", "a-file"], "a-file: is a file"),
        (["run", "--corpus", "demo:garbled"], "mimic-cxr-reports.zip: cannot be read"),
    ],
)
def test_a_users_mistake_gives_two_lines_and_no_traceback(
    arguments: list[str], what: str, tmp_path: Path, corpus: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("concepts: [\n")
    (tmp_path / "wrong.yaml").write_text("name: x\nrelation: []\n")
    (tmp_path / "unknown.toml").write_text("[plan]\nsed = 3\n")
    (tmp_path / "broken.toml").write_text("[plan\n")
    (tmp_path / "a-file").write_text("")
    (tmp_path / "garbled").mkdir()
    (tmp_path / "garbled" / "mimic-cxr-reports.zip").write_bytes(b"PK\x03\x04 cut off")

    done = ccf_build(*(a.format(corpus=corpus) for a in arguments), folder=tmp_path)

    lines = [line for line in done.stderr.splitlines() if not LOGGED.match(line)]
    assert done.returncode == 1
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("error: ")
    assert what in lines[0]
    assert lines[1].startswith("hint:  ")


def test_an_unknown_option_is_a_usage_error(tmp_path: Path) -> None:
    done = ccf_build("run", "--sede", "3", folder=tmp_path)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_environment_variable_that_is_no_setting_is_refused(tmp_path: Path, corpus: Path) -> None:
    done = ccf_build("run", "--corpus", f"demo:{corpus}", folder=tmp_path, CCF_PLAN__SED="3")

    assert done.returncode == 1
    assert "Did you mean `CCF_PLAN__SEED`?" in done.stderr


def test_debug_shows_where_it_happened(tmp_path: Path) -> None:
    done = ccf_build("--debug", "run", "--corpus", "mimic:nowhere", folder=tmp_path)

    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "require_corpus" in done.stderr


def test_no_memory_left_is_two_lines_and_can_be_gone_on_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ccf_pipeline.cli import app as frame

    def gorges(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(frame, "get_command", gorges)

    with pytest.raises(SystemExit) as ended:
        frame.main()

    assert ended.value.code == 3
    assert capsys.readouterr().err == (
        "error: there was no memory left\nhint:  Free some, then run the same command again.\n"
    )
