"""init writes a build.toml that says what was said, explains every setting, and loads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ccf_pipeline.cli.init import init
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import BuildConflict, MissingInput, SettingsError
from ccf_pipeline.files.package_data import carried_file, lay_out
from ccf_pipeline.settings import load_settings, setting_fields
from tests import command_line
from tests.model_server import ModelServer, serving

app = typer.Typer()
app.command()(init)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, typed: str | None = None) -> str:
    result = CliRunner().invoke(app, list(arguments), input=typed, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refusal(*arguments: str) -> BaseException | None:
    return CliRunner().invoke(app, list(arguments)).exception


def test_what_was_said_stands_in_the_file_and_the_rest_is_at_its_default() -> None:
    said = run("--corpus", "mimic:/data/cxr", "--seed", "11", "--per-study", "3")

    settings = load_settings(Path("build.toml"))
    assert settings.corpus.path == Path("/data/cxr")
    assert (settings.plan.seed, settings.plan.per_study) == (11, 3)
    assert settings.shards.size == 500
    assert "build.toml written." in said
    assert "! /data/cxr: no such folder yet" in said
    assert said.endswith("Next: ccf-build run\n")


def test_every_setting_is_there_with_its_purpose() -> None:
    run("--yes")

    text = Path("build.toml").read_text(encoding="utf-8")
    for key, _, purpose in setting_fields():
        assert f"# {purpose}" in text
        assert f"{key.rpartition('.')[2]} =" in text


def test_any_path_survives_the_quoting() -> None:
    odd = 'Åse\'s "cxr" \\ 2.1.0'

    run("--corpus", odd)

    assert load_settings(Path("build.toml")).corpus.path == Path(odd)


def test_a_file_that_is_there_is_kept_unless_forced() -> None:
    Path("build.toml").write_text("[plan]\nseed = 1\n", encoding="utf-8")

    assert isinstance(refusal("--seed", "2"), BuildConflict)
    assert Path("build.toml").read_text(encoding="utf-8") == "[plan]\nseed = 1\n"

    run("--seed", "2", "--force")
    assert load_settings().plan.seed == 2


@pytest.mark.parametrize(
    "arguments", [("--per-study", "99"), ("--expert", "oracle"), ("--corpus", "tape:/x")]
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(
    arguments: tuple[str, str], folder: Path
) -> None:
    assert isinstance(refusal(*arguments), SettingsError | SystemExit)
    assert list(folder.iterdir()) == []


def test_a_pipe_is_asked_nothing() -> None:
    said = run(typed="")

    assert "Seed" not in said
    assert Path("build.toml").is_file()


@pytest.fixture
def corpus(folder: Path) -> Path:
    write_demo_corpus(folder / "reports", studies=6, seed=3, images=False)
    return folder / "reports"


def ask(folder: Path, *words: str, typed: str) -> command_line.Outcome:
    """Run init as a person does, who answers line by line."""
    return command_line.ccf_build("init", *words, folder=folder, typed=typed, terminal=True)


def test_a_person_is_asked_only_for_what_no_flag_named(corpus: Path, folder: Path) -> None:
    said = ask(folder, "--seed", "11", "--out", "here", typed=f"demo:{corpus}\n\nrules\n")

    settings = load_settings(Path("build.toml"))
    assert "Counterfactuals per study [2]:" in said.out
    assert "Seed" not in said.out
    assert (settings.corpus.kind, settings.corpus.path) == ("demo", corpus)
    assert (settings.plan.seed, settings.plan.per_study) == (11, 2)


def test_each_answer_is_checked_as_it_is_given_and_the_file_runs(corpus: Path, folder: Path) -> None:
    answers = [
        "reports",
        "demo:nowhere",
        f"demo:{corpus}",
        "built",
        "99",
        "1",
        "seven",
        "7",
        "oracle",
        "rules",
    ]

    said = ask(folder, typed="\n".join(answers) + "\n")
    done = command_line.ccf_build("run", "--json", folder=folder)

    assert said.code == 0, said.err
    told = [line.removeprefix("error: ") for line in said.err.splitlines() if line.startswith("error: ")]
    assert len(told) == 5, said.err
    assert "reports: is not of the form KIND:PATH" in told[0]
    assert "nowhere: there is no such file or folder" in told[1]
    assert "plan.per_study" in told[2]
    assert "plan.seed" in told[3]
    assert "expert.kind" in told[4]
    assert done.code == 0, done.err
    assert (folder / "built" / "manifest.json").is_file()


def test_a_served_model_is_asked_for_by_url_and_chosen_from_what_is_served(
    corpus: Path, folder: Path
) -> None:
    server = ModelServer(lambda asked: '{"edits": []}', models=["tiny-7b", "big-70b"])
    with serving(server):
        answers = [f"demo:{corpus}", "", "", "", "openai", "ftp://x", server.base_url, "", ""]
        said = ask(folder, typed="\n".join(answers) + "\n")
        done = command_line.ccf_build("run", "--repair", "0", "--limit", "1", "--json", folder=folder)

    assert "It serves: tiny-7b, big-70b" in said.out
    assert "ftp://x: not a URL of a model server" in said.err
    assert load_settings(Path("build.toml")).expert.model == "tiny-7b"
    assert done.code == 0, done.err
    assert {request["model"] for request in server.requests} == {"tiny-7b"}


def test_mimic_without_its_tables_is_asked_where_they_are(folder: Path) -> None:
    report = folder / "cxr" / "files" / "p10" / "p10000032" / "s50414267.txt"
    report.parent.mkdir(parents=True)
    report.write_text(" FINDINGS: There is a small left pleural effusion.\n IMPRESSION: Left effusion.\n")

    said = ask(folder, typed="mimic:cxr\nelsewhere\n\n\n\n\nrules\n")
    done = command_line.ccf_build("run", "--json", folder=folder)

    assert "no split table and no image table" in said.err
    assert "elsewhere: there is no such folder of tables" in said.err
    assert load_settings(Path("build.toml")).corpus.allow_missing_tables
    assert done.code == 0, done.err


def test_another_file_is_named_in_the_next_step() -> None:
    said = run("--file", "other.toml")

    assert tomllib.loads(Path("other.toml").read_text(encoding="utf-8"))["plan"]["seed"] == 7
    assert said.endswith("Next: ccf-build run --config other.toml\n")


def test_the_flows_are_laid_out_where_one_says() -> None:
    said = run("--prefect", "mine")

    assert Path("mine/prefect.yaml").is_file()
    assert Path("mine/flows/build_dataset.py").is_file()
    assert not Path("build.toml").exists()
    assert "mine/prefect.yaml" in said


def test_flows_that_are_there_are_kept_unless_forced(folder: Path) -> None:
    (folder / "prefect.yaml").write_text("mine", encoding="utf-8")

    with pytest.raises(BuildConflict, match=r"prefect.yaml: is there already"):
        lay_out(folder)
    assert not (folder / "flows").exists()

    lay_out(folder, force=True)
    assert (folder / "prefect.yaml").read_text(encoding="utf-8") != "mine"


def test_a_wheel_finds_its_own_copy_and_never_a_neighbour_in_site_packages(tmp_path: Path) -> None:
    package = tmp_path / "ccf_pipeline"
    (package / "carried").mkdir(parents=True)
    (package / "carried" / "prefect.yaml").touch()
    (tmp_path / "flows").mkdir()  # somebody else's package

    assert carried_file("prefect.yaml", package) == package / "carried" / "prefect.yaml"
    with pytest.raises(MissingInput, match="flows"):
        carried_file("flows", package)
