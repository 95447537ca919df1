"""A push is private and gated, whole or resumable, over nobody's changes; the Hub is one on this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from ccf_pipeline.errors import CcfError, HubRefused, RemoteChanged, SharingRefused, Unfinished
from ccf_pipeline.settings import CorpusSettings
from ccf_pipeline.sharing import publish as publishing
from ccf_pipeline.sharing.data import read_rows
from ccf_pipeline.sharing.hub import HubDataset
from ccf_pipeline.sharing.nouns import DeltaRow
from ccf_pipeline.sharing.rehydrate import rehydrate
from tests.hub_server import GOOD_TOKEN, READ_TOKEN, HubServer, Odd, Repository
from tests.sharing.conftest import NAME, push


def shared_files(build: Path, level: str = "L1") -> dict[str, bytes]:
    folder = build / "share" / level
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def remote_files(repository: Repository) -> dict[str, bytes]:
    return {name: content for name, content in repository.files.items() if name != ".gitattributes"}


def test_a_push_makes_the_repository_private_and_gated_and_puts_readme_and_manifest_last(
    hub: HubServer, build: Path
) -> None:
    summary = push(hub, build)

    repository = hub.repositories[NAME]
    assert (repository.private, repository.gated) == (True, "manual")
    assert remote_files(repository) == shared_files(build)
    assert repository.commits[-1] == ["recipe.json", "README.md", "manifest.json"]
    assert all("README.md" not in names for names in repository.commits[:-1])
    assert summary.uploaded == len(shared_files(build))
    assert summary.commit == repository.head


def test_nothing_is_sent_before_the_settings_were_read_again(hub: HubServer, build: Path) -> None:
    push(hub, build)

    gated = next(n for n, r in enumerate(hub.requests) if r.startswith("PUT") and r.endswith("/settings"))
    sent = next(n for n, r in enumerate(hub.requests) if "preupload" in r or r.startswith("PUT /lfs"))
    assert f"GET /api/datasets/{NAME}" in hub.requests[gated:sent]


def test_a_second_push_of_the_same_build_sends_nothing(hub: HubServer, build: Path) -> None:
    first = push(hub, build)
    commits = len(hub.repositories[NAME].commits)

    second = push(hub, build)

    assert (second.uploaded, second.unchanged) == (0, first.uploaded)
    assert len(hub.repositories[NAME].commits) == commits


@pytest.mark.slow
def test_another_level_replaces_what_the_first_one_left(hub: HubServer, build: Path) -> None:
    push(hub, build, "L1")

    push(hub, build, "L0")

    assert remote_files(hub.repositories[NAME]) == shared_files(build, "L0")


@pytest.mark.parametrize("number", [1, *(pytest.param(number, marks=pytest.mark.slow) for number in (2, 3))])
def test_an_upload_that_breaks_off_goes_on_where_it_stopped(hub: HubServer, build: Path, number: int) -> None:
    hub.before_upload = lambda upload: 507 if upload == number else None
    with pytest.raises(Unfinished):
        push(hub, build)
    assert "README.md" not in hub.repositories[NAME].files
    received = len(hub.objects)

    push(hub, build)

    assert received == number - 1
    assert hub.uploads == len(hub.objects) + 1, "only the file that broke off was sent twice"
    assert remote_files(hub.repositories[NAME]) == shared_files(build)


@pytest.mark.parametrize("status", [500, pytest.param(503, marks=pytest.mark.slow)])
def test_an_upload_that_fails_once_is_tried_again_by_itself(hub: HubServer, build: Path, status: int) -> None:
    hub.before_upload = lambda upload: status if upload == 1 else None

    push(hub, build)

    assert remote_files(hub.repositories[NAME]) == shared_files(build)


@pytest.mark.slow
@pytest.mark.parametrize("number", [pytest.param(1, marks=pytest.mark.slow), 3])
def test_a_killed_push_goes_on_where_it_stopped(
    hub: HubServer, build: Path, tmp_path: Path, number: int
) -> None:
    environment = {**os.environ, **hub.environment(str(tmp_path))}
    command = [sys.executable, "-m", "ccf_pipeline.cli", "push", str(build), NAME, "--level", "L1"]
    command += ["--endpoint", hub.endpoint]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def kill(upload: int) -> None:
        if upload == number:
            os.kill(process.pid, signal.SIGKILL)

    hub.before_upload = kill
    process.communicate()
    assert process.returncode == -signal.SIGKILL

    push(hub, build)

    assert remote_files(hub.repositories[NAME]) == shared_files(build)


@pytest.mark.slow
def test_a_push_killed_after_its_commit_is_not_taken_for_somebody_elses_change(
    hub: HubServer, build: Path
) -> None:
    push(hub, build)
    (build / "share" / f"{NAME.replace('/', '--')}.json").unlink()

    again = push(hub, build)

    assert again.uploaded == 0


@pytest.mark.parametrize(
    "changed",
    ["notes.txt", *(pytest.param(name, marks=pytest.mark.slow) for name in ("README.md", "manifest.json"))],
)
def test_what_another_changed_meanwhile_is_a_conflict_and_stays(
    hub: HubServer, build: Path, changed: str
) -> None:
    push(hub, build, "L0")
    hub.repositories[NAME].files[changed] = b"somebody else's"
    hub.repositories[NAME].commit([changed])

    with pytest.raises(RemoteChanged, match=changed):
        push(hub, build, "L1")

    assert hub.repositories[NAME].files[changed] == b"somebody else's"


def test_a_file_that_another_deleted_is_a_conflict(hub: HubServer, build: Path) -> None:
    push(hub, build)
    del hub.repositories[NAME].files["recipe.json"]

    with pytest.raises(RemoteChanged, match=r"recipe\.json"):
        push(hub, build)


def test_a_commit_that_comes_in_between_is_a_conflict(hub: HubServer, build: Path) -> None:
    hub.before_commit = lambda repository: repository.commit(["theirs.txt"])

    with pytest.raises(RemoteChanged):
        push(hub, build)

    assert "README.md" not in hub.repositories[NAME].files


@pytest.mark.parametrize(
    ("token", "name"),
    [
        ("hf_unknown", NAME),
        (READ_TOKEN, NAME),
        (GOOD_TOKEN, "strangers/cxr"),
        (GOOD_TOKEN, "looked-at/cxr"),
        (GOOD_TOKEN, "no-namespace"),
    ],
)
def test_a_token_that_may_not_write_there_is_refused_before_anything_is_made(
    hub: HubServer, build: Path, token: str, name: str
) -> None:
    target = HubDataset(name, endpoint=hub.endpoint, token=token)

    with pytest.raises(HubRefused) as refused:
        publishing.push(build, name, level="L0", hub=target)

    assert token not in f"{refused.value.what}{refused.value.hint}"
    assert not (build / "share").exists()
    assert hub.repositories == {}


def test_without_a_token_the_network_is_not_asked(
    hub: HubServer, build: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)

    with pytest.raises(HubRefused, match="no token"):
        publishing.push(build, NAME, hub=HubDataset(NAME, endpoint=hub.endpoint))

    assert hub.requests == []


def test_a_public_repository_gets_nothing(hub: HubServer, build: Path) -> None:
    hub.repositories[NAME] = Repository(private=False)

    with pytest.raises(HubRefused, match="public"):
        push(hub, build, "L0")

    assert hub.repositories[NAME].files == {}
    assert not hub.repositories[NAME].private


def test_an_organisation_that_makes_everything_public_gets_nothing(hub: HubServer, build: Path) -> None:
    hub.ignores_private = True

    with pytest.raises(HubRefused, match="public"):
        push(hub, build, "L0")

    assert hub.objects == {}
    assert remote_files(hub.repositories[NAME]) == {}


def test_a_repository_that_cannot_be_gated_gets_nothing(hub: HubServer, build: Path) -> None:
    hub.ignores_gating = True

    with pytest.raises(HubRefused, match="not gated"):
        push(hub, build, "L0")

    assert remote_files(hub.repositories[NAME]) == {}


def test_a_repository_made_public_during_the_push_gets_no_commit(hub: HubServer, build: Path) -> None:
    def open_it(upload: int) -> None:
        hub.repositories[NAME].private = False

    hub.before_upload = open_it

    with pytest.raises(HubRefused, match="public"):
        push(hub, build)

    assert remote_files(hub.repositories[NAME]) == {}


def test_a_push_goes_to_the_hub_itself_whatever_the_environment_says(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://mirror.example")

    shown = publishing.push(build, NAME, dry_run=True)

    assert shown.endpoint == "https://huggingface.co"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://huggingface.co",
        "http://10.0.0.7:8080",
        "http://localhost.example",
        "http://127.0.0.1.example",
        "http://127.0.0.1@elsewhere.example",
        "https://user:word@hub.example",
        "https://hub.example/?to=elsewhere",
        "https://",
        "ftp://hub.example",
        "hub.example",
        "//hub.example",
        "https://hub.example:port",
        "https://h\u00fcb.example",
        "https://hub.example\\@elsewhere.example",
    ],
)
def test_an_endpoint_in_the_clear_or_of_two_readings_is_refused(endpoint: str) -> None:
    with pytest.raises(HubRefused, match="--endpoint"):
        HubDataset(NAME, endpoint=endpoint, token=GOOD_TOKEN)


@pytest.mark.slow
@pytest.mark.parametrize(("status", "header"), [(302, "Location"), (307, "Location"), (200, "Link")])
def test_a_server_cannot_send_the_token_elsewhere(
    hub: HubServer, build: Path, status: int, header: str
) -> None:
    push(hub, build)
    with HubServer().running() as stranger:
        for request in sorted(set(hub.requests)):
            for there in (f"{stranger.endpoint}/api", "http://192.0.2.1/api"):
                value = there if header == "Location" else f'<{there}>; rel="next"'
                answer_instead(hub, request, (status, [], {header: value}))
                with contextlib.suppress(HubRefused, RemoteChanged, Unfinished):
                    send_again(hub, build)

    assert stranger.tokens <= {""}


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", [b"<html>Sign in</html>", [], {}, None, "text", [[1]], {"name": {}}, b"\xff"]
)
def test_an_odd_answer_to_any_request_is_told_in_two_lines(hub: HubServer, build: Path, body: object) -> None:
    push(hub, build)
    told = []
    for request in sorted(set(hub.requests)):
        answer_instead(hub, request, (200, body, {}))
        try:
            send_again(hub, build)
        except CcfError as error:
            told.append(f"{error.what}\n{error.hint}")

    assert len(told) > 3
    assert all(text.count("\n") == 1 and GOOD_TOKEN not in text for text in told)


def test_a_portal_in_the_hubs_place_is_told_in_two_lines(hub: HubServer) -> None:
    target = HubDataset(NAME, endpoint=hub.endpoint, token=GOOD_TOKEN)
    bodies: tuple[object, ...] = (b"<html>Sign in</html>", [], {"name": {}, "orgs": [[]]})
    for body in bodies:
        answer_instead(hub, "GET /api/whoami-v2", (200, body, {}))
        with pytest.raises(HubRefused, match="is not a Hub's"):
            target.preflight()


def answer_instead(hub: HubServer, request: str, odd: Odd) -> None:
    hub.instead = lambda asked: odd if asked == request else None


def send_again(hub: HubServer, build: Path) -> None:
    """Push what is shared already to a repository that is not there."""
    hub.repositories.clear()
    hub.objects.clear()
    target = HubDataset(NAME, endpoint=hub.endpoint, token=GOOD_TOKEN)
    target.preflight()
    target.make_private()
    target.upload(build / "share" / "L1", build / "share" / "memory.json", "again", lambda *done: None)
    (build / "share" / "memory.json").unlink()


def test_a_dry_run_shows_the_same_files_and_speaks_to_nobody(hub: HubServer, build: Path) -> None:
    target = HubDataset(NAME, endpoint=hub.endpoint, token=GOOD_TOKEN)

    shown = publishing.push(build, NAME, level="L1", dry_run=True, hub=target)

    assert hub.requests == []
    assert not (build / "share").exists()
    assert not (build / ".preview").exists()
    sent = push(hub, build)
    assert shown.files == sent.files
    assert shown.scan == sent.scan


# --- as a user sees it --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("token", [READ_TOKEN, pytest.param("hf_" + "expired00" * 4, marks=pytest.mark.slow)])
def test_a_refused_push_tells_two_lines_and_no_token_even_with_a_traceback(
    hub: HubServer, build: Path, tmp_path: Path, token: str
) -> None:
    environment = {**os.environ, **hub.environment(str(tmp_path), token)}
    for options in ([], ["--debug"]):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ccf_pipeline.cli",
                *options,
                "push",
                str(build),
                NAME,
                "--endpoint",
                hub.endpoint,
            ],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 1
        assert token not in done.stdout + done.stderr
        assert "token" in done.stderr
        assert ("Traceback" in done.stderr) == bool(options)


LOAD = """
import sys, datasets
whole = datasets.load_dataset(sys.argv[1], "delta", split="train")
streamed = datasets.load_dataset(sys.argv[1], "delta", split="train", streaming=True)
print(whole.num_rows, [row["record_id"] for row in streamed] == whole["record_id"][:])
"""


def test_datasets_loads_what_was_pushed(hub: HubServer, build: Path, tmp_path: Path) -> None:
    push(hub, build)

    done = subprocess.run(
        [sys.executable, "-c", LOAD, NAME],
        env={**os.environ, **hub.environment(str(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    in_train = sum(row.split == "train" for row in read_rows(build / "share" / "L1", DeltaRow))
    assert done.stdout.split() == [str(in_train), "True"]
    assert in_train > 0


def test_what_was_pushed_is_made_again_by_another_holder_of_the_corpus(
    hub: HubServer, build: Path, tmp_path: Path
) -> None:
    push(hub, build)

    api = HfApi(endpoint=hub.endpoint, token=GOOD_TOKEN)
    api.snapshot_download(NAME, repo_type="dataset", local_dir=tmp_path / "fetched")
    corpus = CorpusSettings(kind="demo", path=build.parent / "corpus")
    summary = rehydrate(tmp_path / "fetched", corpus, tmp_path / "out")

    assert summary.missing == ()
    for path in sorted((build / "dataset" / "data" / "ccf").iterdir()):
        assert (tmp_path / "out" / "data" / "ccf" / path.name).read_bytes() == path.read_bytes()


def test_every_refusal_is_one_a_user_can_act_on() -> None:
    for refusal in (HubRefused, RemoteChanged, SharingRefused, Unfinished):
        assert issubclass(refusal, CcfError)
        assert refusal.hint != CcfError.hint
