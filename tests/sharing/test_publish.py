"""A push is private and gated, whole or resumable, over nobody's changes; the Hub is one on this machine."""

from __future__ import annotations

import contextlib
import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.corpora.terms import TERMS
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.errors import CcfError, HubRefused, RemoteChanged, SharingRefused, Unfinished
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.settings import BuildSettings, CorpusSettings
from ccf_pipeline.sharing import publish as publishing
from ccf_pipeline.sharing.data import read_rows
from ccf_pipeline.sharing.hub import HubDataset
from ccf_pipeline.sharing.nouns import DeltaRow, PushSummary, ShareLevel
from ccf_pipeline.sharing.permission import (
    read_permission,
    refuse_name,
    refuse_texts,
    refuse_texts_on_the_hub,
)
from ccf_pipeline.sharing.rehydrate import rehydrate
from ccf_pipeline.sharing.share import preview, share
from tests.hub_server import GOOD_TOKEN, READ_TOKEN, HubServer, Odd, Repository

NAME = "lab/cxr-ext-counterfact"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    write_demo_corpus(folder / "corpus", studies=24, seed=11, images=False)
    corpus = CorpusSettings(kind="demo", path=folder / "corpus")
    walk.build(BuildSettings(out=folder / "build", corpus=corpus))
    return folder / "build"


@pytest.fixture(scope="module")
def openi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of reports that everybody may read, and whose adaptations nobody may share."""
    folder = tmp_path_factory.mktemp("openi")
    findings = [
        "The lungs are clear. There is no pleural effusion. The heart is normal in size.",
        "There is a small left pleural effusion. No pneumothorax. The heart is enlarged.",
        "There is a small right apical pneumothorax. No pleural effusion is seen.",
    ]
    rows = [("uid", "findings", "impression")]
    rows += [(str(n), f"{findings[n % 3]} Rib {n} is old.", "See above.") for n in range(12)]
    with (folder / "indiana_reports.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    walk.build(BuildSettings(out=folder / "build", corpus=CorpusSettings(kind="openi", path=folder)))
    return folder / "build"


@pytest.fixture
def build(finished: Path) -> Path:
    """Nothing of an earlier push is remembered."""
    shutil.rmtree(finished / "share", ignore_errors=True)
    return finished


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    with HubServer().running() as server:
        yield server


def push(hub: HubServer, build: Path, level: ShareLevel = "L1", name: str = NAME) -> PushSummary:
    target = HubDataset(name, endpoint=hub.endpoint, token=GOOD_TOKEN)
    return publishing.push(build, name, level=level, hub=target)


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


# --- what the terms keep off the Hub ----------------------------------------------------------------


@pytest.mark.parametrize("level", ["L0", "L1", "L2"])
@pytest.mark.parametrize("kind", sorted(TERMS))
def test_what_the_terms_let_leave_is_what_the_docs_say(kind: str, level: ShareLevel) -> None:
    terms, number = TERMS[kind], ("L0", "L1", "L2").index(level)
    checks = {"share": refuse_to_share, "push": refuse_to_push}
    for verb, check in checks.items():
        said = tables_of_refusals(verb)[kind][number]
        assert said in ("yes", "permission")
        if said == "permission":
            with pytest.raises(SharingRefused, match=level) as refused:
                check(level, terms, "")
            assert "--permission" in refused.value.hint
            assert "L0" in refused.value.hint
        check(level, terms, "letter of the owner, 3 March, no. 12" if said == "permission" else "")


def refuse_to_share(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    refuse_texts(level, terms, permission)


def refuse_to_push(level: ShareLevel, terms: CorpusTerms, permission: str) -> None:
    refuse_texts(level, terms, permission)
    refuse_texts_on_the_hub(level, terms, permission)


def tables_of_refusals(verb: str) -> dict[str, list[str]]:
    """Corpus → what docs/sharing.md says of L0, L1 and L2 for `share` or for `push`."""
    lines = (Path(__file__).parents[2] / "docs" / "sharing.md").read_text("utf-8").splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("| corpus | `share` L0"))
    rows = itertools.takewhile(lambda line: line.startswith("|"), lines[start + 2 :])
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    first = {"share": 1, "push": 4}[verb]
    return {row[0].strip("`"): row[first : first + 3] for row in cells}


def test_every_corpus_says_whether_what_is_made_of_it_may_leave() -> None:
    assert set(tables_of_refusals("push")) == set(TERMS)
    assert all("adaptations_may_be_shared" in terms.model_fields_set for terms in TERMS.values())


@pytest.mark.parametrize(
    ("name", "refused"), [("MIMIC-CXR-CF", True), ("mimic_next", True), ("MIMIC-Ext-CF", False)]
)
def test_a_name_with_mimic_says_that_it_extends_it(name: str, refused: bool) -> None:
    if refused:
        with pytest.raises(SharingRefused, match="MIMIC"):
            refuse_name(f"lab/{name}")
    else:
        refuse_name(f"lab/{name}")


@pytest.mark.parametrize("level", ["L1", "L2"])
def test_texts_that_may_not_be_shared_reach_no_folder_and_no_hub(
    hub: HubServer, openi: Path, tmp_path: Path, level: ShareLevel
) -> None:
    for leave in (
        lambda: share(openi, tmp_path / "share", level=level),
        lambda: preview(openi, level=level),
        lambda: push(hub, openi, level),
    ):
        with pytest.raises(SharingRefused, match=r"Open-i.*may not be shared.*CC BY-NC-ND"):
            leave()

    assert hub.requests == []
    assert not (tmp_path / "share").exists()
    assert not (openi / "share").exists()


def test_their_recipe_may_be_shared_and_with_a_permission_the_delta_too(openi: Path, tmp_path: Path) -> None:
    recipe = share(openi, tmp_path / "L0", level="L0")
    permitted = share(openi, tmp_path / "L1", level="L1", permission="letter of the owner, no. 12")

    assert recipe.rows == permitted.rows > 0
    assert "letter of the owner, no. 12" in (tmp_path / "L1" / "README.md").read_text("utf-8")


def test_the_data_set_itself_says_that_it_may_not_be_passed_on(openi: Path, build: Path) -> None:
    for name in ("README.md", "LICENSE.md"):
        assert "Not to be passed on" in (openi / "dataset" / name).read_text("utf-8")
        assert "Not to be passed on" not in (build / "dataset" / name).read_text("utf-8")


def test_an_older_ingest_of_such_a_corpus_is_held_to_its_terms(openi: Path, tmp_path: Path) -> None:
    words = ["ingest", "--corpus", f"openi:{openi.parent}", "--out", str(tmp_path / "studies")]
    assert CliRunner().invoke(app, words).exit_code == 0
    funnel = tmp_path / "studies" / "funnel.json"
    told = json.loads(funnel.read_text())
    del told["terms"]["adaptations_may_be_shared"]
    funnel.write_text(json.dumps(told))

    terms = corpus_terms(CorpusSettings(kind="studies", path=tmp_path / "studies"))

    assert (terms.kind, terms.adaptations_may_be_shared) == ("openi", False)


@pytest.mark.parametrize("verb", [["share"], ["export"]])
def test_the_command_line_says_why_and_what_to_do(openi: Path, tmp_path: Path, verb: list[str]) -> None:
    words = [*verb, str(openi), "--level", "L2", "--out", str(tmp_path / "out")]
    letter = tmp_path / "letter.eml"
    letter.write_text("We allow it.")

    refused = CliRunner().invoke(app, words)
    allowed = CliRunner().invoke(app, [*words, "--permission", str(letter)])

    assert isinstance(refused.exception, SharingRefused)
    assert allowed.exit_code == 0
    assert (tmp_path / "out" / "manifest.json").is_file()


def test_a_permission_is_a_file(tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF we allow it")

    assert read_permission(str(letter)).startswith("letter.pdf, sha256 ")
    (tmp_path / "empty.txt").write_text(" \n")
    for nothing in (
        "",
        "  ",
        "owner's letter no. 12",
        str(tmp_path / "empty.txt"),
        str(tmp_path),
        str(tmp_path / "lost.pdf"),
        "x" * 1000,
    ):
        with pytest.raises(SharingRefused):
            read_permission(nothing)


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
