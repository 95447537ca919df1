"""Answers of other builds: taken over where they fit, paid for once, under the rules of their reports."""

from __future__ import annotations

import json
import logging
import re
import shutil
import sqlite3
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import build_plan, folder_place
from ccf_pipeline.engine.ask import never
from ccf_pipeline.engine.audit_log import append_audit, attestation_lines, verify_audit
from ccf_pipeline.engine.bucket.place import fetch_build
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import planned
from ccf_pipeline.engine.claim import join_build
from ccf_pipeline.engine.folder_place import FolderSite
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.engine.verify import check_build, repair_build
from ccf_pipeline.errors import EndpointRefused, MissingInput, SettingsError, Unfinished
from ccf_pipeline.files.disk import file_digest
from ccf_pipeline.records import Completion, Spend
from ccf_pipeline.settings import (
    BuildSettings,
    CorpusSettings,
    LimitSettings,
    PlanSettings,
    PriceSettings,
    ShardSettings,
)
from tests.bad_server import BadServer, misbehaving
from tests.command import ccf_build
from tests.test_builds import dataset_files

VOUCHED = "Dr. A. Example for llm.example.org"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=12, seed=3, images=False)
    return folder


def settings(corpus: Path, out: Path, *reuse: Path, size: int = 5, per_study: int = 2) -> BuildSettings:
    return BuildSettings(
        out=out,
        reuse=reuse,
        corpus=CorpusSettings(kind="demo", path=corpus),
        plan=PlanSettings(per_study=per_study),
        shards=ShardSettings(size=size),
    )


@pytest.fixture(scope="module")
def before(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("before") / "build"
    walk.build(settings(corpus, out))
    return out


@pytest.fixture
def earlier(before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "earlier"))


def answers_in(build: Path) -> int:
    """How many answers a build's journal holds, whoever paid for them."""
    return open_place(build).spent().answers + open_place(build).taken_over()


def change_journal(build: Path, change: str) -> None:
    with sqlite3.connect(BuildFolder(build).journal_path) as database:
        database.execute(change)
    database.close()


# --- what is taken over -----------------------------------------------------------------------


@pytest.mark.slow
def test_another_shard_size_asks_nothing_and_ends_in_the_same_bytes(
    earlier: Path, corpus: Path, tmp_path: Path
) -> None:
    walk.build(settings(corpus, tmp_path / "fresh", size=3))

    walk.build(settings(corpus, tmp_path / "build", earlier, size=3))

    assert open_place(tmp_path / "build").spent().answers == 0
    assert open_place(tmp_path / "build").taken_over() == answers_in(earlier)
    assert dataset_files(tmp_path / "build") == dataset_files(tmp_path / "fresh")


def test_only_what_is_new_is_paid_for(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    walk.build(settings(corpus, tmp_path / "fresh", per_study=3))
    needed = answers_in(tmp_path / "fresh")

    walk.build(settings(corpus, tmp_path / "build", earlier, per_study=3))

    paid, taken_over = (
        open_place(tmp_path / "build").spent().answers,
        open_place(tmp_path / "build").taken_over(),
    )
    assert 0 < taken_over < needed
    assert paid + taken_over == needed
    assert dataset_files(tmp_path / "build") == dataset_files(tmp_path / "fresh")


def test_what_no_prompt_asks_for_is_left_where_it_is(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    part = settings(corpus, tmp_path / "build", earlier)
    part = part.model_copy(update={"corpus": part.corpus.model_copy(update={"limit": 3})})

    walk.build(part)

    assert open_place(tmp_path / "build").taken_over() < answers_in(earlier)


def test_several_builds_are_looked_through_in_turn(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    """Half of the answers in each."""
    other = Path(shutil.copytree(earlier, tmp_path / "other"))
    change_journal(earlier, "DELETE FROM completions WHERE id % 2")
    change_journal(other, "DELETE FROM completions WHERE NOT id % 2")

    walk.build(settings(corpus, tmp_path / "build", earlier, other))

    assert open_place(tmp_path / "build").spent().answers == 0


def test_an_answer_that_failed_there_is_asked_for_here(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    with Journal(BuildFolder(earlier).journal_path) as journal:
        ((_, first),) = next(journal.rows_after(0, 1))
    failed = json.loads(str(first[3])) | {"text": "", "failure": "deadline"}
    change_journal(earlier, "DELETE FROM completions WHERE id = 1")
    with Journal(BuildFolder(earlier).journal_path) as journal:
        journal.keep([Completion.model_validate(failed)])

    walk.build(settings(corpus, tmp_path / "build", earlier))

    assert open_place(tmp_path / "build").spent().answers == 1
    assert dataset_files(tmp_path / "build") == dataset_files(earlier)


# --- however it is built ----------------------------------------------------------------------


def alone(chosen: BuildSettings) -> None:
    walk.build(chosen)


def together(chosen: BuildSettings) -> None:
    materials = Materials.load(chosen)
    with join_build(chosen.out, materials.identity) as folder:
        site = FolderSite(folder, materials, shared=True)
        site.plan(silent, never)
        for shard in range(planned(folder).shards):
            assert folder_place.build_if_free(folder, materials, shard)
        site.finish(silent, never)


def in_a_store(chosen: BuildSettings) -> None:
    walk.build(chosen)


WAYS = [alone, together, in_a_store]
Way = Callable[[BuildSettings], None]


@pytest.fixture
def place(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Path(f"memory://bucket/{uuid.uuid4().hex}") if way is in_a_store else tmp_path / "build"


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_building_takes_over_and_counts_it_apart(
    way: Way, place: Path, earlier: Path, corpus: Path
) -> None:
    way(settings(corpus, place, earlier, size=3))

    found = open_place(place).status(PriceSettings(output=1.0))
    assert (found.spend, found.cost) == (Spend(), 0.0)
    assert found.taken_over == answers_in(earlier)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_building_tells_damage_in_the_other_journal(
    way: Way, place: Path, earlier: Path, corpus: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change_journal(earlier, "UPDATE completions SET completion = replace(completion, 'a', 'b') WHERE id < 4")

    with caplog.at_level(logging.WARNING, "ccf_pipeline"):
        way(settings(corpus, place, earlier))

    told = [line for line in caplog.messages if "3 answers are damaged" in line]
    assert len(told) == 1
    found = open_place(place).status(PriceSettings())
    assert (found.spend.answers, found.taken_over) == (3, answers_in(earlier) - 3)


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_building_refuses_before_it_plans(
    way: Way, place: Path, earlier: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (earlier / "audit.jsonl").unlink()
    read: list[object] = []
    monkeypatch.setattr(build_plan, "plan_corpus", lambda *given: read.append(given))

    with pytest.raises(MissingInput, match="does not say where its answers came from"):
        way(settings(corpus, place, earlier))

    assert read == []


def test_a_process_takes_over_from_several_shards_with_one_word_in_its_log(
    earlier: Path, corpus: Path, tmp_path: Path
) -> None:
    together(settings(corpus, tmp_path / "build", earlier))

    assert [entry["event"] for entry in verify_audit(tmp_path / "build")].count("reuse") == 1


# --- what it costs, and how it lasts ----------------------------------------------------------


def test_a_limit_counts_what_was_paid_here(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build", earlier, per_study=3)

    with pytest.raises(Unfinished, match="1 requests were made"):
        walk.build(chosen.model_copy(update={"limits": LimitSettings(requests=1)}))
    taken_over = open_place(chosen.out).taken_over()
    walk.build(chosen)

    assert taken_over > 1
    assert open_place(chosen.out).spent().answers >= 1


def test_what_was_taken_over_stays_when_the_other_build_is_gone(
    earlier: Path, before: Path, corpus: Path, tmp_path: Path
) -> None:
    build = tmp_path / "build"
    walk.build(settings(corpus, build, earlier))
    shutil.rmtree(earlier)
    (build / "accepted" / "shard-00001.parquet").unlink()

    repair_build(build, None)

    assert check_build(build).damaged == ()
    assert dataset_files(build) == dataset_files(before)


def test_it_goes_on_without_the_other_build(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build", earlier, per_study=3)
    with pytest.raises(Unfinished):
        walk.build(chosen.model_copy(update={"limits": LimitSettings(requests=1)}))
    kept = answers_in(chosen.out)

    walk.build(chosen.model_copy(update={"reuse": ()}))

    assert open_place(chosen.out).taken_over() == kept - 1
    first_end = next(entry for entry in verify_audit(chosen.out) if entry["event"] == "end")
    assert first_end["paid"]["answers"] == 1


# --- whose answers ----------------------------------------------------------------------------


def table(folder: Path, out: str, sensitivity: str, *reuse: str) -> BuildSettings:
    text = (
        "FINDINGS: There is a small left pleural effusion. No pneumothorax.\nIMPRESSION: Small left effusion."
    )
    (folder / "reports.jsonl").write_text(
        json.dumps({"study_id": "s1", "subject_id": "p1", "text": text}) + "\n"
    )
    return BuildSettings.model_validate(
        {
            "out": folder / out,
            "reuse": [folder / name for name in reuse],
            "corpus": {"kind": "table", "path": folder / "reports.jsonl", "sensitivity": sensitivity},
        }
    )


@pytest.mark.parametrize(("theirs", "ours"), [("open", "credentialed"), ("credentialed", "open")])
def test_reports_under_other_rules_lend_no_answers(theirs: str, ours: str, tmp_path: Path) -> None:
    walk.build(table(tmp_path, "theirs", theirs))

    with pytest.raises(EndpointRefused, match=f"its reports are {theirs}, those of this build are {ours}"):
        walk.build(table(tmp_path, "ours", ours, "theirs"))

    assert not (tmp_path / "ours" / "plan").exists()
    walk.build(table(tmp_path, "alike", theirs, "theirs"))
    assert open_place(tmp_path / "alike").spent().answers == 0


def test_who_vouched_for_the_answers_is_told_again(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    append_audit(
        earlier, "end", {"attested": [VOUCHED], "endpoints": [{"url": "https://llm.example.org/v1"}]}
    )

    walk.build(settings(corpus, tmp_path / "build", earlier))

    assert attestation_lines(tmp_path / "build") == (VOUCHED,)
    assert VOUCHED in (tmp_path / "build" / "dataset" / "README.md").read_text()
    (reuse,) = (entry for entry in verify_audit(tmp_path / "build") if entry["event"] == "reuse")
    assert reuse["endpoints"] == [{"url": "https://llm.example.org/v1"}]
    assert (reuse["build"], reuse["audit"]) == (str(earlier), verify_audit(earlier)[-1]["hash"])


def test_who_vouched_is_not_told_where_nothing_fitted(earlier: Path, tmp_path: Path) -> None:
    append_audit(earlier, "end", {"attested": [VOUCHED]})
    write_demo_corpus(tmp_path / "others", studies=4, seed=99, images=False)

    walk.build(settings(tmp_path / "others", tmp_path / "build", earlier))

    assert open_place(tmp_path / "build").taken_over() == 0
    assert attestation_lines(tmp_path / "build") == ()


@pytest.mark.slow
def test_who_vouched_is_told_whoever_finishes_a_build_in_a_store(
    earlier: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_audit(earlier, "end", {"attested": [VOUCHED]})
    url = f"memory://bucket/{uuid.uuid4().hex}"
    chosen = settings(corpus, Path(url), earlier, per_study=3)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "one"))
    with pytest.raises(Unfinished):
        in_a_store(chosen.model_copy(update={"limits": LimitSettings(requests=1)}))

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    in_a_store(chosen.model_copy(update={"reuse": ()}))
    fetch_build(Path(url), tmp_path / "fetched")

    assert check_build(tmp_path / "fetched").audit is None
    assert VOUCHED in (tmp_path / "fetched" / "dataset" / "README.md").read_text()
    assert attestation_lines(tmp_path / "fetched") == (VOUCHED,)
    walk.build(settings(corpus, tmp_path / "build", tmp_path / "fetched", per_study=3))
    assert open_place(tmp_path / "build").spent().answers == 0
    assert attestation_lines(tmp_path / "build") == (VOUCHED,)


def test_a_build_whose_log_is_gone_lends_nothing(earlier: Path, corpus: Path, tmp_path: Path) -> None:
    (earlier / "audit.jsonl").unlink()

    with pytest.raises(MissingInput, match="does not say where its answers came from"):
        walk.build(settings(corpus, tmp_path / "build", earlier))


def test_a_build_is_not_its_own_earlier_one(earlier: Path, corpus: Path) -> None:
    (earlier / "manifest.json").unlink()

    with pytest.raises(SettingsError, match="its own answers"):
        walk.build(settings(corpus, earlier, earlier / ".." / "earlier"))


def test_what_is_no_build_is_named(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()

    with pytest.raises(MissingInput, match="folder: is not a build folder"):
        walk.build(settings(corpus, tmp_path / "build", tmp_path / "folder"))


# --- damage in the other journal --------------------------------------------------------------


def test_damaged_answers_are_told_and_asked_again_and_the_other_build_is_left_alone(
    earlier: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    change_journal(earlier, "UPDATE completions SET completion = replace(completion, 'a', 'b') WHERE id < 4")
    digest = file_digest(BuildFolder(earlier).journal_path)

    with caplog.at_level(logging.WARNING, "ccf_pipeline"):
        walk.build(settings(corpus, tmp_path / "build", earlier))

    assert "3 answers are damaged; what cannot be read of it is asked again" in caplog.text
    assert open_place(tmp_path / "build").spent().answers == 3
    assert dataset_files(tmp_path / "build") == dataset_files(earlier)
    assert file_digest(BuildFolder(earlier).journal_path) == digest


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 4096 * 2, 4096 * 6])
def test_a_damaged_structure_is_told_and_costs_no_build(
    place: int, earlier: Path, corpus: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with BuildFolder(earlier).journal_path.open("r+b") as file:
        file.seek(place)
        file.write(b"\xff" * 3000)

    with caplog.at_level(logging.WARNING, "ccf_pipeline"):
        walk.build(settings(corpus, tmp_path / "build", earlier))

    assert "damaged" in caplog.text
    assert answers_in(tmp_path / "build") == answers_in_fresh(corpus, tmp_path)
    assert dataset_files(tmp_path / "build") == dataset_files(earlier)


def answers_in_fresh(corpus: Path, folder: Path) -> int:
    walk.build(settings(corpus, folder / "fresh"))
    return answers_in(folder / "fresh")


# --- as it is typed ---------------------------------------------------------------------------


@pytest.mark.slow
def test_reuse_on_the_command_line_asks_a_server_for_repairs_alone(tmp_path: Path) -> None:
    table(tmp_path, "unused", "credentialed")
    with misbehaving(BadServer(lambda asked: '{"edits": []}')) as server:
        words = ["run", "--corpus", "table:reports.jsonl", "--expert", "openai", "--model", "m"]
        words += ["--base-url", server.base_url]
        first = ccf_build(*words, "--out", "one", "--repair", "0", "--quiet", folder=tmp_path)
        asked = len(server.requests)
        words += ["--out", "two", "--repair", "1"]
        second = ccf_build(*words, "--reuse", "one", "--json", folder=tmp_path)
        asked_again = len(server.requests) - asked
        shown = ccf_build(*words, folder=tmp_path)
    status = ccf_build("status", "two", folder=tmp_path)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    told = json.loads(second.stdout)
    assert (told["taken_over"], told["spend"]["answers"]) == (asked, asked_again) == (2, 2)
    assert "finished already" in shown.stdout
    assert "answers taken over" in status.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("s3")
def test_a_build_in_s3_tells_what_it_took_over(
    earlier: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place, taken_over = f"s3://bucket/{uuid.uuid4().hex}", answers_in(earlier)
    words = ["run", "--corpus", f"demo:{corpus}", "--reuse", str(earlier), "--out", place]

    first = CliRunner().invoke(app, words)
    again = CliRunner().invoke(app, [*words, "--json"])
    status = CliRunner().invoke(app, ["status", place])

    assert f"answers taken over: {taken_over}, at no cost" in first.stdout
    assert json.loads(again.stdout)["taken_over"] == taken_over
    assert json.loads(again.stdout)["spend"]["answers"] == 0
    assert re.search(rf"^answers taken over +{taken_over} ", status.stdout, re.MULTILINE)


def test_a_mistaken_reuse_is_two_lines(tmp_path: Path) -> None:
    write_demo_corpus(tmp_path / "corpus", studies=4, seed=3, images=False)

    done = ccf_build("run", "--corpus", "demo:corpus", "--reuse", "nowhere", folder=tmp_path)

    assert done.returncode == 1
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert error == "error: nowhere: is not a build folder"
    assert hint.startswith("hint:")
