"""What people do to a build on the command line: mistype, try a few, watch, stop, upgrade, run again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ccf_pipeline.cli import stopping
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine import ask, lines
from ccf_pipeline.engine.build_folder import BuildFolder
from tests.bad_server import Act, BadServer, misbehaving
from tests.command_line import Outcome, ccf_build

CANARY = "quetzal"
REPORT = (
    f"FINDINGS: The heart is enlarged. There is a small left pleural effusion. {CANARY} noted.\\n"
    "IMPRESSION: Small left pleural effusion."
)
CLOSED = ["run", "--corpus", "table:reports.jsonl", "--out", "out"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=8, seed=3, images=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a table of six reports that are under an agreement."""
    rows = [f'{{"study_id": "s{n}", "subject_id": "p{n}", "text": "{REPORT}"}}\n' for n in range(6)]
    (tmp_path / "reports.jsonl").write_text("".join(rows))
    return tmp_path


@pytest.fixture
def server() -> Any:
    with misbehaving(BadServer(lambda asked: '{"edits": []}')) as server:
        yield server


def asking(server: BadServer, *more: object) -> list[object]:
    named = ["--expert", "openai", "--model", "m", "--base-url", server.base_url, "--repair", "0"]
    return [*CLOSED, *named, *more]


# --- a typo -----------------------------------------------------------------------------------------


def test_settings_may_change_until_something_was_answered(folder: Path, server: BadServer) -> None:
    server.decide = lambda number, body: Act(status=404) if body["model"] == "mm" else None

    wrong = ccf_build(*asking(server), "--model", "mm", "--limit", "5", folder=folder)
    right = ccf_build(*asking(server), "--json", folder=folder)

    assert wrong.code == 1, wrong.err
    assert right.code == 0, right.err
    assert json.loads(right.out)["plan"]["studies_read"] == 6


def test_after_that_the_hint_names_reuse_and_works(folder: Path, server: BadServer) -> None:
    stopped = ccf_build(*asking(server, "--max-requests", "2", "--concurrency", "1"), folder=folder)
    refused = ccf_build(*asking(server), "--seed", "8", folder=folder)
    (advised,) = re.findall(r"--reuse \S+", refused.hint)
    followed = ccf_build(*asking(server), "--out", "other", *advised.split(), "--json", folder=folder)

    assert (stopped.code, refused.code) == (3, 1)
    assert "was begun with plan.seed = 7, not 8" in refused.error
    assert followed.code == 0, followed.err
    assert json.loads(followed.out)["taken_over"] == 2


# --- a preview --------------------------------------------------------------------------------------


def test_a_preview_shows_verdicts_and_leaves_the_folder_free(corpus: Path, tmp_path: Path) -> None:
    few = ccf_build("run", "--corpus", f"demo:{corpus}", "--preview", "2", folder=tmp_path)
    done = ccf_build("run", "--corpus", f"demo:{corpus}", "--seed", "9", "--json", folder=tmp_path)

    assert few.code == 0, few.err
    assert len(re.findall(r"^pair .*(accepted|rejected)", few.out, re.MULTILINE)) == 4
    assert "FINDINGS" in few.out
    assert re.search(r"accepted +\d of 4, in \d", few.out)
    assert done.code == 0, done.err
    assert json.loads(done.out)["plan"]["studies_read"] == 8


def test_answers_of_a_preview_are_not_paid_for_twice(folder: Path, server: BadServer) -> None:
    ccf_build(*asking(server), "--preview", "2", folder=folder)
    again = ccf_build(*asking(server), "--preview", "2", folder=folder)
    asked = len(server.requests)
    more = ccf_build(*asking(server), "--preview", "3", folder=folder)

    assert again.code == 0, again.err
    assert asked == 4
    assert more.code == 0, more.err
    assert len(server.requests) < asked + 6
    assert not (folder / "out").exists()


# --- reports on a terminal or in a job log ----------------------------------------------------------


@pytest.mark.parametrize("more", [[], ["--show-pair"], ["--preview", "2", "--show-pair"], ["--json"]])
def test_no_report_is_printed_where_nobody_looks(more: list[str], folder: Path) -> None:
    done = ccf_build(*CLOSED, *more, folder=folder)

    assert done.code == 0, done.err
    assert CANARY not in done.out + done.err


def test_a_person_may_ask_to_see_a_pair(folder: Path) -> None:
    plain = ccf_build(*CLOSED, folder=folder, terminal=True)
    shown = ccf_build(*CLOSED, "--show-pair", folder=folder, terminal=True)

    assert CANARY not in plain.out + plain.err
    assert re.search(r"pair +\w+: ", plain.out)
    assert CANARY in shown.out


def test_an_error_that_quotes_a_report_is_told_without_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"cannot do it: {REPORT}")

    monkeypatch.setattr(ask.Desk, "_judge", fail)

    plain = ccf_build(*CLOSED, folder=folder)
    traced = ccf_build("--debug", *CLOSED, folder=folder)

    assert (plain.code, traced.code) == (1, 1)
    assert "ValueError" in plain.error
    assert " in fail" in traced.err
    assert CANARY not in plain.err + traced.err


def test_a_server_that_repeats_the_prompt_as_its_name_is_told_by_a_digest(
    folder: Path, server: BadServer
) -> None:
    server.decide = lambda number, body: Act(model=body["messages"][-1]["content"] + str(number))

    done = ccf_build(*asking(server), folder=folder)

    assert "another model answers: sha256:" in done.err
    assert CANARY not in done.out + done.err


# --- a job log --------------------------------------------------------------------------------------


def test_without_a_terminal_a_run_speaks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "EVERY_SECONDS", 0.0)

    done = ccf_build(*CLOSED, "--shard-size", "3", folder=folder)

    said = [line.partition(" ")[2] for line in done.err.splitlines()]
    assert done.code == 0, done.err
    assert said[0].startswith("building out from table:")
    assert "planned 12 counterfactuals for 6 studies in 2 shards" in said
    assert [line[:15] for line in said if line.startswith("shard")] == ["shard 1 of 2 is", "shard 2 of 2 is"]
    assert any("judged" in line for line in said)
    assert said[-1].startswith("finished: ")
    assert CANARY not in done.err


def test_lines_go_to_a_file_as_json(folder: Path) -> None:
    done = ccf_build(*CLOSED, "--quiet", "--log-file", "run.log", "--log-format", "json", folder=folder)

    told = [json.loads(line) for line in (folder / "run.log").read_text().splitlines()]
    assert (done.out, done.err) == ("", "")
    assert {"time", "level", "logger", "message"} == set(told[0])
    assert told[-1]["message"].startswith("finished: ")
    assert CANARY not in (folder / "run.log").read_text()


@pytest.mark.parametrize(
    ("words", "environment"), [(["--log-level", "warning"], {}), ([], {"CCF_LOG": "warning"})]
)
def test_a_level_leaves_lines_out(words: list[str], environment: dict[str, str], folder: Path) -> None:
    done = ccf_build(*CLOSED, *words, folder=folder, environment=environment)

    assert (done.code, done.err) == (0, "")


def test_a_busy_server_is_called_busy_and_not_down(folder: Path, server: BadServer) -> None:
    server.decide = lambda number, body: (
        Act(status=429, headers={"Retry-After": "0.01"}) if number < 12 else None
    )

    done = ccf_build(*asking(server), "--concurrency", "1", folder=folder)

    assert done.code == 0, done.err
    assert done.err.count("is busy (HTTP 429)") == 1
    assert "down" not in done.err


def test_a_404_tells_what_the_server_says_and_serves(folder: Path) -> None:
    from tests.model_server import ModelServer, serving

    with serving(ModelServer(lambda asked: "", misbehave=["404"] * 90, models=["tiny-7b"])) as server:
        refused = ccf_build(*CLOSED, "--expert", "openai", "--model", "m", "--base-url", server.base_url,
                            "--quiet", folder=folder)  # fmt: skip
        server.misbehave.clear()
        server.answer = lambda asked: '{"edits": []}'
        (model,) = re.findall(r"It serves (\S+):", refused.hint)
        followed = ccf_build(*CLOSED, "--expert", "openai", "--model", model, "--base-url", server.base_url,
                             "--repair", "0", folder=folder)  # fmt: skip

    assert "PATIENT TEXT" in refused.error  # this server's own sentence, to a question without a report
    assert followed.code == 0, followed.err


# --- stop means stop --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_a_run_whose_server_is_silent(
    number: signal.Signals, folder: Path, server: BadServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask, "STOP_AFTER_SECONDS", 0.3)
    server.decide = lambda number, body: Act(hang=True) if number > 2 else None

    stopped, seconds = run_and_signal(asking(server), number, folder, lambda: len(server.requests) > 4)
    server.decide = lambda number, body: None
    answered = server.answered
    done = ccf_build(*asking(server), folder=folder)

    assert stopped.code == 3, stopped.err
    assert seconds < 5
    assert "answers under way were given up" in stopped.err
    assert done.code == 0, done.err
    assert server.answered == answered + 10


def test_a_signal_ends_planning_too(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the work waits for, it is interrupted in the end."""
    from ccf_pipeline.engine import build_plan

    monkeypatch.setattr(stopping, "GIVE_UP_SECONDS", 0.3)
    waiting = threading.Event()

    def wait_for_ever(*_: object) -> None:
        waiting.set()
        time.sleep(60)

    monkeypatch.setattr(build_plan, "open_planner", wait_for_ever)

    stopped, seconds = run_and_signal(
        ["run", "--corpus", f"demo:{corpus}"], signal.SIGTERM, tmp_path, waiting.is_set
    )

    assert stopped.code == 3, stopped.err
    assert seconds < 5


def run_and_signal(words: list[Any], number: int, folder: Path, begun: Any) -> tuple[Outcome, float]:
    """Run a command, signal this process once it has begun, and tell how long it took to end after that."""
    sent: list[float] = []

    def send() -> None:
        while not begun():
            time.sleep(0.02)
        sent.append(time.monotonic())
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()
    outcome = ccf_build(*words, folder=folder)
    ended = time.monotonic()
    sender.join()
    return outcome, ended - sent[0]


# --- a newer version --------------------------------------------------------------------------------


def make_older(build: Path, **changes: Any) -> None:
    """Have a build look as if an older version had made it, which knew fewer settings and digests."""
    begun = json.loads((build / "build.json").read_text()) | {"code_version": "0.0.9"} | changes
    del begun["corpus.allow_missing_tables"], begun["format"]
    (build / "build.json").write_text(json.dumps(begun, indent=1, sort_keys=True) + "\n")
    summary = build / "plan" / "summary.json"
    plan = json.loads(summary.read_text())
    summary.write_text(json.dumps({key: plan[key] for key in plan if key not in ("vouched", "digest")}))
    manifest_path = build / "manifest.json"
    if manifest_path.exists():
        manifest = json.loads(manifest_path.read_text()) | {"identity": begun}
        manifest["files"]["plan/summary.json"] = BuildFolder(build).vouch_for(summary)
        del manifest["digest"]
        manifest["digest"] = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
        manifest_path.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def test_a_newer_version_goes_on_with_an_unfinished_build(folder: Path, server: BadServer) -> None:
    ccf_build(*asking(server, "--max-requests", "3", "--concurrency", "1"), folder=folder)
    make_older(folder / "out")

    done = ccf_build(*asking(server), folder=folder)

    assert done.code == 0, done.err
    assert "begun with version 0.0.9" in done.err
    assert len(server.requests) == 12


def test_where_it_cannot_go_on_the_hint_names_reuse(folder: Path, server: BadServer) -> None:
    ccf_build(*asking(server, "--max-requests", "3", "--concurrency", "1"), folder=folder)
    make_older(folder / "out", prompt_digest="0" * 16)

    refused = ccf_build(*asking(server), "--quiet", folder=folder)
    (advised,) = re.findall(r"--reuse \S+", refused.hint)
    followed = ccf_build(*asking(server), "--out", "new", *shlex.split(advised), folder=folder)

    assert "prompt_digest" in refused.error
    assert followed.code == 0, followed.err
    assert len(server.requests) == 12


@pytest.mark.parametrize(
    "words",
    [["run"], ["status"], ["verify"], ["report"], ["export", "--config", "ccf"], ["recheck"], ["metrics"]],
    ids=" ".join,
)
def test_a_finished_build_of_an_older_version_is_shown_verified_and_exported(
    words: list[str], corpus: Path, built: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(built, tmp_path / "build")
    make_older(tmp_path / "build")
    verb, *more = words
    arguments = ["--corpus", f"demo:{corpus}"] if verb == "run" else ["build"]

    done = ccf_build(verb, *arguments, *more, folder=tmp_path)

    assert done.code == 0, done.err


@pytest.fixture(scope="module")
def built(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    done = ccf_build("run", "--corpus", f"demo:{corpus}", "--quiet", folder=folder)
    assert done.code == 0, done.err
    return folder / "build"


# --- how a build stands -----------------------------------------------------------------------------


def test_a_finished_build_run_again_says_so_in_one_line(corpus: Path, built: Path) -> None:
    again = ccf_build("run", "--corpus", f"demo:{corpus}", folder=built.parent)

    assert (again.code, again.err) == (0, "")
    assert re.fullmatch(r"build: finished already, verified: \d+ accepted, \d+ rejected\n", again.out)


def test_status_counts_what_was_judged_in_shards_that_are_open(folder: Path, server: BadServer) -> None:
    ccf_build(*asking(server, "--max-requests", "5", "--concurrency", "1"), folder=folder)

    found = json.loads(ccf_build("status", "out", "--json", folder=folder).out)

    assert (found["shards_sealed"], found["judged"], found["rejected"]) == (0, 5, 5)


def test_a_damaged_build_file_is_not_a_finished_build(built: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(built, tmp_path / "build")
    (tmp_path / "build" / "build.json").write_text("{")

    told = ccf_build("status", "build", folder=tmp_path)
    (advised,) = re.findall(r"`ccf-build ([^`]+)`", told.out)
    mended = ccf_build(*advised.split(), folder=tmp_path)

    assert "damaged" in told.out
    assert mended.code == 0, mended.err
    assert "finished" in ccf_build("status", "build", folder=tmp_path).out
