"""Who wins when build.toml, the environment and the command line disagree, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccf_pipeline.errors import MissingInput, SettingsError, UnreadableInput
from ccf_pipeline.settings import BuildSettings, load_settings, setting_fields


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "build.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_any_word_the_defaults_hold() -> None:
    settings = load_settings()

    assert settings == BuildSettings()
    assert settings.plan.per_study == 2
    assert settings.expert.kind == "rules"


def test_the_build_toml_of_the_folder_is_read_without_being_named() -> None:
    write("[plan]\nseed = 11\n")

    assert load_settings().plan.seed == 11


def test_the_environment_beats_the_file_and_the_command_line_beats_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write("out = 'from-file'\n[plan]\nseed = 1\nper_study = 1\n[shards]\nsize = 10\n")
    monkeypatch.setenv("CCF_PLAN__SEED", "2")
    monkeypatch.setenv("CCF_PLAN__PER_STUDY", "2")

    settings = load_settings(flags={"plan": {"seed": 3, "per_study": None}})

    assert settings.plan.seed == 3, "the command line is strongest"
    assert settings.plan.per_study == 2, "what it leaves unsaid, the environment says"
    assert settings.shards.size == 10, "and what both leave unsaid, the file says"
    assert settings.out == Path("from-file")


def test_a_named_file_is_read_instead_of_the_folders_own() -> None:
    write("[plan]\nseed = 1\n")
    other = write("[plan]\nseed = 5\n", "other.toml")

    assert load_settings(other).plan.seed == 5


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCF_OUT", "")

    assert load_settings().out == Path("build")


def test_an_unknown_key_in_the_file_is_refused_with_what_may_be_meant() -> None:
    write("[plan]\nper_studdy = 3\n")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert caught.value.what == "build.toml: `plan.per_studdy` is not a setting"
    assert caught.value.hint == "Did you mean `plan.per_study`?"


def test_an_unknown_variable_is_refused_in_the_spelling_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CCF_PLAN__SED", "3")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert caught.value.what == "the environment: `CCF_PLAN__SED` is not a setting"
    assert caught.value.hint == "Did you mean `CCF_PLAN__SEED`?"


def test_a_key_like_no_other_is_answered_with_all_that_are_known() -> None:
    write("zzz = 1\n")

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert "plan.seed" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[plan]\nper_study = 99\n", "setting `plan.per_study`: Input should be less than or equal to 12"),
        ("[plan]\nseed = 'many'\n", "setting `plan.seed`: Input should be a valid integer"),
        (
            "[expert]\nkind = 'oracle'\n",
            "setting `expert.kind`: `oracle` is not known; known are rules, openai",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_named(text: str, told: str) -> None:
    write(text)

    with pytest.raises(SettingsError, match="setting") as caught:
        load_settings()

    assert caught.value.what.startswith(told)


def test_a_file_that_is_not_toml_is_told_with_its_line() -> None:
    write("[plan\nseed = 1\n")

    with pytest.raises(SettingsError, match=r"build.toml: not valid TOML: .*line 1"):
        load_settings()


def test_a_missing_file_is_told_as_missing_and_a_folder_as_unreadable(folder: Path) -> None:
    with pytest.raises(MissingInput, match=r"nowhere.toml: there is no such settings file"):
        load_settings(Path("nowhere.toml"))
    with pytest.raises(UnreadableInput, match="cannot be read"):
        load_settings(folder)


def test_settings_cannot_be_changed_on_the_way() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().out = Path("elsewhere")


def test_every_setting_says_what_it_is_for() -> None:
    silent = [key for key, _, purpose in setting_fields() if not purpose]

    assert silent == []


def test_a_lease_that_would_run_out_between_two_signs_of_life_is_refused() -> None:
    with pytest.raises(SettingsError, match="three times flush_seconds"):
        load_settings(flags={"store": {"flush_seconds": 30, "lease_seconds": 60}})
