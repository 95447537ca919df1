"""`ccf-build export` and `recipe`: a finished build in another form, and the command that trains on it."""

from __future__ import annotations

import csv
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ccf_pipeline.cli.app import main
from ccf_pipeline.datasets.recipes import recipe_names, training_script
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.export import export_config
from ccf_pipeline.errors import BuildConflict, MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.quality.review.judgements import JudgementBook
from ccf_pipeline.records import Judgement, Opinion, Record
from tests.paired_build import corpus_of, paired_build, written

PAPER = {
    "swift-sft": ["--learning_rate 1e-4", "--lora_rank 8", "--gradient_accumulation_steps 16"],
    "swift-cpo": ["--rlhf_type dpo", "--learning_rate 2e-5", "--gradient_accumulation_steps 8"],
    "swift-cpo-plus": ["--rlhf_type dpo", "--rpo_alpha 0.1", "--gradient_accumulation_steps 16"],
    "trl-dpo": ["--dataset_config trl_dpo", "--learning_rate 2e-5", "--gradient_accumulation_steps 8"],
    "llamafactory-dpo": ["--stage dpo", "--dataset ccf_dpo", "--gradient_accumulation_steps 8"],
}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> BuildFolder:
    """A finished build; its manifest is written anew, for the matched images came after the first one."""
    folder = paired_build(tmp_path_factory.mktemp("exported"), studies=60)
    summary = json.loads(folder.manifest_path.read_text("utf-8"))["summary"]
    from ccf_pipeline.records import BuildSummary

    folder.commit(BuildSummary.model_validate(summary))
    return folder


@pytest.fixture(scope="module")
def dataset(build: BuildFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(build, tmp_path_factory.mktemp("data set")).folder


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["ccf-build", *words])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_a_config_is_written_as_a_data_set_of_its_own(
    build: BuildFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out = tmp_path / "out"

    words = ("export", str(build.path), "--config", "cpo_perception", "--out", str(out), "--json")
    code = run(monkeypatch, *words)

    assert code == 0
    said = json.loads(capsys.readouterr().out)
    loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    assert sum(len(rows) for rows in loaded.values()) == said["rows"] > 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert "bear on these rows" in (out / "README.md").read_text("utf-8")


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_text_formats_name_images_by_path(build: BuildFolder, tmp_path: Path, kind: str) -> None:
    data = export_config(build.path, "cpo_thinking", tmp_path / "out", kind=kind)  # type: ignore[arg-type]

    (file,) = sorted(data.folder.glob(f"data/cpo_thinking/train-*.{kind}"))
    text = file.read_text("utf-8")
    if kind == "csv":
        rows = [json.loads(row["images"]) for row in csv.DictReader(text.splitlines())]
    else:
        said = json.loads(text) if kind == "json" else [json.loads(line) for line in text.splitlines()]
        rows = [row["images"] for row in said]
    assert rows
    for (image,) in rows:
        assert image["bytes"] is None
        assert (corpus_of(build) / image["path"]).is_file()


def test_what_is_said_now_beats_what_the_build_said(build: BuildFolder, tmp_path: Path) -> None:
    every = export_config(build.path, "trl_dpo", tmp_path / "every")
    choices = {"rejected_per_chosen": 1, "wrapper": "paper"}
    one = export_config(build.path, "trl_dpo", tmp_path / "one", choices=choices)

    assert one.configs[0].rows < every.configs[0].rows
    assert "wrapper `paper`" in (one.folder / "README.md").read_text("utf-8")


def test_an_export_is_refused_before_anything_is_written(build: BuildFolder, tmp_path: Path) -> None:
    filled = tmp_path / "filled"
    filled.mkdir()
    (filled / "mine.txt").write_text("mine")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "build.json").write_text("{}")

    with pytest.raises(BuildConflict, match="not an empty folder"):
        export_config(build.path, "ccf", filled)
    with pytest.raises(BuildConflict, match="not finished"):
        export_config(unfinished, "ccf", tmp_path / "out")
    with pytest.raises(MissingInput, match="not a build folder"):
        export_config(tmp_path / "none", "ccf", tmp_path / "out")
    with pytest.raises(SettingsError, match="not a config"):
        export_config(build.path, "cpo", tmp_path / "out")
    with pytest.raises(SettingsError, match="cannot be written as csv"):
        export_config(build.path, "cpo_scripts", tmp_path / "out", kind="csv")
    choices = {"images": "embedded"}
    with pytest.raises(SettingsError, match="cannot hold the bytes"):
        export_config(build.path, "sft", tmp_path / "out", kind="json", choices=choices)
    assert not (tmp_path / "out").exists()


def test_errors_reach_the_user_in_two_lines(
    build: BuildFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(monkeypatch, "export", str(build.path), "--config", "dpo", "--out", str(tmp_path / "out"))

    told = [line for line in capsys.readouterr().err.splitlines() if line]
    assert code == 1
    assert told[0].startswith("error: `dpo` is not a config")
    assert told[1].startswith("hint:  Known configs: ccf, sft,")


# --- recipes ----------------------------------------------------------------------------------


def test_every_recipe_is_held_to_the_papers_hyper_parameters() -> None:
    assert sorted(PAPER) == sorted(recipe_names())


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_a_script_that_names_rows_which_are_there(dataset: Path, name: str) -> None:
    script = training_script(name, dataset)

    for argument in PAPER[name]:
        assert f"    {argument}" in script
    # The shell expands the patterns; a folder with a blank in its name must survive that.
    listed = subprocess.run(["sh", "-c", _as_echo(script)], capture_output=True, text=True, check=True).stdout
    assert str(dataset) in listed
    assert "*" not in listed
    assert not [word for word in listed.splitlines() if Path(word).name.startswith("test-")]


def _as_echo(script: str) -> str:
    """The script with its command printed, a word a line, instead of run."""
    for command in ("swift sft", "swift rlhf", "accelerate launch", "llamafactory-cli train"):
        script = script.replace(f"\n{command} ", "\nprintf '%s\\n' ")
    return script


def test_the_size_of_a_batch_does_not_hang_on_the_gpus(dataset: Path) -> None:
    assert "--gradient_accumulation_steps 2 " in training_script("swift-cpo", dataset, gpus=8)
    assert "NPROC_PER_NODE=8" in training_script("swift-cpo", dataset, gpus=8)
    assert "--num_processes 8" in training_script("trl-dpo", dataset, gpus=8)


def test_images_by_path_need_their_root(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path / "paths", images="paths").folder

    with pytest.raises(SettingsError, match="named by path"):
        training_script("swift-cpo", data)
    root = corpus_of(build)
    assert f"ROOT_IMAGE_DIR={root}" in training_script("swift-cpo", data, images_root=root)
    assert f"\ncd {root}\n" in training_script("trl-dpo", data, images_root=root)


def test_a_recipe_without_rows_says_how_to_get_them(build: BuildFolder, tmp_path: Path) -> None:
    data = written(build, tmp_path, "ccf").folder

    with pytest.raises(MissingInput) as told:
        training_script("swift-sft", data)

    assert "--config sft" in told.value.hint


def environment_with(folder: Path, package: str, version: str, modules: dict[str, str]) -> Path:
    """An interpreter that sees a package of that name and no other of its kind."""
    site = folder / "site"
    for path, text in modules.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    info = site / f"{package.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={site} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return python


def arguments_class(name: str, script: str, *spelt: str) -> str:
    known = [line.strip().removeprefix("--").split()[0] for line in script.splitlines() if "    --" in line]
    fields = "".join(f"    {one}: int = 0\n" for one in [*known, *spelt])
    return f"import dataclasses\n@dataclasses.dataclass\nclass {name}:\n{fields}\n"


def test_the_spelling_of_an_older_version_is_used_where_it_is_installed(
    dataset: Path, tmp_path: Path
) -> None:
    plain = training_script("swift-sft", dataset).replace("tuner_type", "train_type")
    modules = {
        "swift/__init__.py": "",
        "swift/llm.py": arguments_class("TrainArguments", plain) + "RLHFArguments = TrainArguments\n",
    }
    python = environment_with(tmp_path, "ms-swift", "3.12.6", modules)

    script = training_script("swift-sft", dataset, python=python)

    assert "--train_type lora" in script
    assert "checked against ms-swift 3.12.6" in script


def test_an_argument_that_the_installed_package_does_not_know_is_told(dataset: Path, tmp_path: Path) -> None:
    text = "import dataclasses\n@dataclasses.dataclass\nclass DPOConfig:\n    bf16: int = 0\n"
    text += "ModelConfig = ScriptArguments = DPOConfig\n"
    python = environment_with(tmp_path, "trl", "9.9", {"trl/__init__.py": text})

    with pytest.raises(SettingsError, match=r"trl 9\.9 does not know --.*learning_rate"):
        training_script("trl-dpo", dataset, python=python)


def test_a_package_that_cannot_be_loaded_is_told_with_its_reason(dataset: Path, tmp_path: Path) -> None:
    python = environment_with(tmp_path, "trl", "9.9", {"trl/__init__.py": "raise RuntimeError('no torch')"})

    with pytest.raises(UnreadableInput, match="no torch"):
        training_script("trl-dpo", dataset, python=python)
    with pytest.raises(MissingInput, match="no such interpreter"):
        training_script("trl-dpo", dataset, python=tmp_path / "none")


def test_a_recipe_is_printed_or_written(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "recipe", "swift-cpo", str(dataset)) == 0
    printed = capsys.readouterr().out
    assert run(monkeypatch, "recipe", "swift-cpo", str(dataset), "--write", str(tmp_path / "cpo.sh")) == 0

    assert (tmp_path / "cpo.sh").read_text("utf-8") == printed
    assert run(monkeypatch, "recipe", "swift-cpo", str(dataset), "--write", str(tmp_path / "cpo.sh")) == 1
    assert run(monkeypatch, "recipe", "swift-dpo", str(dataset)) == 1
    assert "Known recipes:" in capsys.readouterr().err


def test_a_level_is_written_as_a_share(
    build: BuildFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "export", str(build.path), "--level", "L0", "--out", str(tmp_path / "share")) == 0

    assert (tmp_path / "share" / "data" / "recipe").is_dir()
    assert "leaks      none" in capsys.readouterr().out


def test_only_what_readers_found_plausible_is_exported(
    build: BuildFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exported(out: str) -> int:
        words = ("--config", "ccf", "--reviewed-only", "--format", "jsonl", "--out", str(tmp_path / out))
        return run(monkeypatch, "export", str(build.path), *words)

    assert exported("nobody") == 1
    assert "nobody has judged" in capsys.readouterr().err
    liked, disliked, *_ = build.records_of(0)
    with JudgementBook(build.path / "review" / "judgements.sqlite") as book:
        book.keep(judgement(liked, "plausible"))
        book.keep(judgement(disliked, "implausible"))

    assert exported("liked") == 0
    rows = [row for file in (tmp_path / "liked").rglob("*.jsonl") for row in file.read_text().splitlines()]
    assert [json.loads(row)["record_id"] for row in rows] == [liked.record_id]


def judgement(record: Record, opinion: Opinion) -> Judgement:
    return Judgement(
        record_id=record.record_id,
        reader="A. Reader",
        mode="blind",
        shown="counterfactual",
        direction=record.direction,
        target=record.target,
        opinion=opinion,
        judged_at="2026-01-01T00:00:00+00:00",
    )


@pytest.mark.parametrize("words", [(), ("--config", "ccf", "--level", "L0")])
def test_what_to_export_is_named_once(
    build: BuildFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    assert run(monkeypatch, "export", str(build.path), *words, "--out", str(tmp_path / "none")) == 1
    assert "hint:" in capsys.readouterr().err


KILLED = """
import os, signal, sys
from pathlib import Path
from ccf_pipeline.engine import export

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

export.write_card = die
export.export_config(Path(sys.argv[1]), "trl_dpo", Path(sys.argv[2]))
"""


def test_an_export_that_was_killed_leaves_nothing_in_its_place_and_goes_again(
    build: BuildFolder, tmp_path: Path
) -> None:
    words = [sys.executable, "-c", KILLED, str(build.path), str(tmp_path / "out")]
    assert subprocess.run(words, check=False).returncode == -9
    assert not (tmp_path / "out").exists()

    again = export_config(build.path, "trl_dpo", tmp_path / "out")

    assert again.folder == tmp_path / "out"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "README.md").is_file()


def test_an_export_that_is_refused_leaves_nothing(build: BuildFolder, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        export_config(build.path, "trl_dpo", tmp_path / "out", choices={"wrapper": "nope"})

    assert list(tmp_path.iterdir()) == []
