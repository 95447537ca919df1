"""Status, verify, stop and locks: what a person does with a build that runs, stopped, or was damaged."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from ccf_pipeline import walk
from ccf_pipeline.cli.app import app
from ccf_pipeline.engine import folder_place, locks
from ccf_pipeline.engine import recheck as rechecking
from ccf_pipeline.engine.ask import never
from ccf_pipeline.engine.audit_log import AUDIT
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.build_plan import planned
from ccf_pipeline.engine.claim import join_build, open_build
from ccf_pipeline.engine.folder_place import FolderSite
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.locks import LOCK, holder_of, leased
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.verify import build_status, check_build, repair_build
from ccf_pipeline.errors import BuildConflict, StorageError, Unfinished
from ccf_pipeline.files.disk import has_locks_of_one_kernel
from ccf_pipeline.settings import BuildSettings, PriceSettings
from tests.engine.conftest import settings
from tests.test_builds import dataset_files

ROOT = Path(__file__).parents[2]


def ccf_build(*arguments: object) -> str:
    outcome = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if outcome.exception is not None:
        raise outcome.exception
    return outcome.stdout


# --- verify ----------------------------------------------------------------------------------

DAMAGES = [
    *("accepted/shard-00001.parquet", "rejected/shard-00002.parquet", "seals/shard-00000.json"),
    *("plan/shard-00001.parquet", "plan/summary.json", "quarantine/studies.parquet"),
    *("dataset/README.md", "dataset/data/ccf/train-00000-of-00001.parquet", "manifest.json", "build.json"),
]


HOWS = ("flipped", "cut", "gone")
EACH_ONCE = [(name, HOWS[number % 3]) for number, name in enumerate(DAMAGES)]


@pytest.mark.parametrize(("name", "how"), EACH_ONCE)
def test_a_damaged_file_is_named_and_made_anew_without_asking(
    name: str, how: str, build: Path, finished: Path
) -> None:
    is_named_and_made_anew(name, how, build, finished)


@pytest.mark.faults
@pytest.mark.parametrize("name", DAMAGES)
@pytest.mark.parametrize("how", HOWS)
def test_every_damage_to_every_file_is_named_and_made_good(
    name: str, how: str, build: Path, finished: Path
) -> None:
    is_named_and_made_anew(name, how, build, finished)


def is_named_and_made_anew(name: str, how: str, build: Path, finished: Path) -> None:
    damage(build / name, how)

    if (name, how) != ("manifest.json", "gone"):  # without it the build is not finished, and not damaged
        assert name in check_build(build).damaged
        with pytest.raises(StorageError, match=Path(name).name):
            ccf_build("verify", build)
    repair_build(build, None)

    assert check_build(build).damaged == ()
    assert dataset_files(build) == dataset_files(finished)
    with Journal(BuildFolder(build).journal_path) as now, Journal(BuildFolder(finished).journal_path) as then:
        assert now.spent() == then.spent()


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[random.Random(path.name).randrange(len(content) // 2)] ^= 0x41
        path.write_bytes(content)


def test_damage_is_seen_before_the_build_is_finished(build: Path, corpus: Path) -> None:
    BuildFolder(build).manifest_path.unlink()
    damage(build / "accepted/shard-00001.parquet", "flipped")

    assert check_build(build).damaged == ("accepted/shard-00001.parquet",)
    with pytest.raises(StorageError, match="shard-00001"):
        walk.build(settings(corpus, build))
    assert not (build / "manifest.json").exists()


def test_what_the_journal_lost_cannot_be_made_anew_and_is_said(build: Path) -> None:
    damage(build / "accepted/shard-00001.parquet", "gone")
    shutil.rmtree(build / "journal")

    with pytest.raises(Unfinished, match="does not hold every answer"):
        repair_build(build, None)


def test_a_recheck_that_stops_on_the_way_leaves_no_old_verdict(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rechecking, "_judge_shard_again", dies)
    with pytest.raises(KeyboardInterrupt):
        rechecking.recheck(build, None, write=True, progress=lambda *_: None)

    assert not any(map(BuildFolder(build).is_sealed, range(4)))


def test_verify_tells_whether_the_audit_log_holds(build: Path) -> None:
    found = check_build(build)
    lines = (build / AUDIT).read_text().splitlines()

    assert (found.audit, found.audit_lines) == (None, 2)
    assert found.audit_seal == json.loads(lines[-1])["hash"]
    assert str(found.audit_seal) in ccf_build("verify", build)


@pytest.mark.parametrize("what", ["changed", "taken out", "shortened", "emptied", "gone"])
def test_an_audit_log_that_was_tampered_with_is_damage_that_no_repair_takes_away(
    what: str, build: Path
) -> None:
    log = build / AUDIT
    lines = log.read_text().splitlines()
    match what:
        case "changed":
            log.write_text("\n".join([lines[0].replace('"rows": ', '"rows": 9'), *lines[1:]]) + "\n")
        case "taken out":
            log.write_text("\n".join(lines[1:]) + "\n")
        case "shortened":
            log.write_text(lines[0] + "\n")
        case "emptied":
            log.write_text("")
        case "gone":
            log.unlink()
    told = {
        "gone": "it is not there",
        "emptied": "it is empty",
        "shortened": "1 of 2 lines are gone",
    }.get(what, "line 1 is not as it was written")

    assert check_build(build).audit == told
    for more in ((), ("--json",), ("--repair",)):
        with pytest.raises(StorageError, match=rf"audit\.jsonl.*{told}"):
            ccf_build("verify", build, *more)
    assert check_build(build).damaged == ()


def test_a_repair_refuses_to_go_on_with_a_broken_audit_log_before_it_touches_anything(build: Path) -> None:
    log = build / AUDIT
    log.write_text(log.read_text().replace('"rows": ', '"rows": 9'))
    shard = next((build / "accepted").iterdir())
    shard.write_bytes(b"")

    with pytest.raises(StorageError, match="line 1 is not as it was written"):
        repair_build(build, None)

    assert (build / "manifest.json").is_file()
    log.rename(build / "audit-aside.jsonl")
    repair_build(build, None)
    found = check_build(build)
    assert (found.damaged, found.audit) == ((), None)


# --- status ----------------------------------------------------------------------------------


def test_status_counts_a_finished_build(build: Path) -> None:
    found = json.loads(ccf_build("status", build, "--json"))

    summary, _ = BuildFolder(build).read_manifest()
    assert found["state"] == "finished"
    assert (found["judged"], found["accepted"]) == (summary.plan.plans, summary.accepted)
    assert found["shards_sealed"] == found["shards"] == 4
    assert "finished" in ccf_build("status", build)


def test_status_of_a_running_build_says_who_runs_it(build: Path, corpus: Path) -> None:
    BuildFolder(build).manifest_path.unlink()
    identity = Materials.load(settings(corpus, build)).identity

    with open_build(build, identity):
        found = build_status(build, PriceSettings())
    after = build_status(build, PriceSettings())

    assert found.state == "running"
    assert found.holder is not None
    assert (found.holder.pid, found.holder.host) == (os.getpid(), socket.gethostname())
    assert (after.state, after.holder) == ("stopped", None)


# --- stop ------------------------------------------------------------------------------------


def test_a_build_that_is_asked_to_stop_stops_and_goes_on_later(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "build"
    chosen = settings(corpus, out)

    def watch(_: object) -> None:
        BuildFolder(out).ask_to_stop()

    with pytest.raises(Unfinished, match="as asked"):
        build_in_small_pieces(chosen, watch)
    walk.build(chosen)

    assert dataset_files(out) == dataset_files(finished)


def build_in_small_pieces(chosen: BuildSettings, watch: walk.Watch) -> None:
    from ccf_pipeline.experts import rules

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rules, "BATCH_SIZE", 3)
        walk.build(chosen, watch=watch)


def test_stop_says_so_where_nobody_works(build: Path) -> None:
    assert "nobody works on it" in ccf_build("stop", build)


# --- who may hold a build --------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from ccf_pipeline.engine.locks import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def holding(path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_lock_is_taken_over_when_its_holder_was_killed(tmp_path: Path) -> None:
    process = holding(tmp_path)
    with pytest.raises(BuildConflict, match=f"process {process.pid} on"), locks.held(tmp_path):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()

    with locks.held(tmp_path):
        holder = holder_of(tmp_path)

    assert holder is not None
    assert holder.pid == os.getpid()


@pytest.mark.shows(
    "another machine's lock on a shared disk",
    "refused, with how to tell that it is gone",
)
def test_a_lock_of_another_machine_is_not_taken_over_on_a_shared_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "has_locks_of_one_kernel", lambda folder: False)
    (tmp_path / LOCK).write_text('{"pid": 7, "host": "elsewhere", "since": 0}')

    with pytest.raises(BuildConflict, match="process 7 on elsewhere") as refused, locks.held(tmp_path):
        pass

    assert str(tmp_path / LOCK) in refused.value.hint


@pytest.mark.shows(
    "the host comes back under another name",
    "goes on where the disk's locks can vouch for it",
)
def test_a_container_that_comes_back_under_another_name_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "has_locks_of_one_kernel", lambda folder: True)
    (tmp_path / LOCK).write_text('{"pid": 7, "host": "before", "since": 0}')

    assert holder_of(tmp_path) is None
    with locks.held(tmp_path):
        pass

    process = holding(tmp_path)  # while its lock is held, whatever it is called, nobody takes over
    monkeypatch.setattr(locks.socket, "gethostname", lambda: "another")
    with pytest.raises(BuildConflict, match=f"process {process.pid} on"), locks.held(tmp_path):
        pass
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    ("folder", "local"), [("/", True), ("/data", False), ("/data/fast/build", True), ("/gone/x", True)]
)
def test_only_disks_of_one_kernel_vouch_for_their_locks(folder: str, local: bool, tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "28 27 0:40 / /data rw - nfs4 server:/data rw\n"
        "29 28 0:41 / /data/fast rw - nfs4 server:/fast rw\n"
        "30 29 8:2 / /data/fast rw - xfs /dev/sdb rw\n"
    )

    assert has_locks_of_one_kernel(Path(folder), mounts) is local
    assert not has_locks_of_one_kernel(Path(folder), tmp_path / "none")


def test_of_two_hundred_races_for_a_folder_each_has_one_winner(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ccf_pipeline.engine.locks import held\n"
        "from ccf_pipeline.errors import BuildConflict\n"
        "import time\n"
        "for line in sys.stdin:\n"
        "    try:\n"
        "        with held(Path(line.strip())): print('won', flush=True); sys.stdin.readline()\n"
        "    except BuildConflict: print('lost', flush=True); sys.stdin.readline()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = []
    for race in range(200):
        for racer in racers:
            assert racer.stdin
            racer.stdin.write(f"{tmp_path / str(race)}\n")
            racer.stdin.flush()
        results.append(sorted(racer.stdout.readline().strip() for racer in racers if racer.stdout))
        for racer in racers:
            assert racer.stdin
            racer.stdin.write("go on\n")
            racer.stdin.flush()
    for racer in racers:
        racer.kill()
        racer.wait()

    assert results == [["lost", "won"]] * 200


def test_those_who_share_a_build_keep_out_who_wants_it_alone(corpus: Path, tmp_path: Path) -> None:
    chosen = settings(corpus, tmp_path / "build")
    identity = Materials.load(chosen).identity

    with join_build(chosen.out, identity), join_build(chosen.out, identity):
        holder = holder_of(chosen.out)
        with pytest.raises(BuildConflict, match="is being built"):
            walk.build(chosen)

    assert holder is not None
    assert holder.shares
    assert holder_of(chosen.out) is None


def test_what_a_killed_helper_left_half_written_is_no_part_of_the_build(
    corpus: Path, finished: Path, tmp_path: Path
) -> None:
    """Others go on where it died, so nobody came first and cleared up."""
    chosen = settings(corpus, tmp_path / "build")
    materials = Materials.load(chosen)
    left = tmp_path / "build" / "accepted" / ".shard-00001.parquet.4711.tmp"

    with join_build(chosen.out, materials.identity) as folder:
        site = FolderSite(folder, materials, shared=True)
        site.plan(silent, never)
        for shard in range(planned(folder).shards):
            folder_place.build_if_free(folder, materials, shard)
        left.write_bytes(b"PAR1 and no more")
        site.finish(silent, never)

    assert not left.exists()
    assert walk.build(chosen).accepted > 0
    assert dataset_files(chosen.out) == dataset_files(finished)


def test_a_lease_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    with leased(tmp_path / "a") as ours:
        with leased(tmp_path / "a") as theirs:
            assert (ours, theirs) == (True, False)
        with leased(tmp_path / "b") as other:
            assert other
    with leased(tmp_path / "a") as again:
        assert again


# --- who may read it -------------------------------------------------------------------------


def test_only_the_owner_may_read_a_build(corpus: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        walk.build(settings(corpus, tmp_path / "build"))
    finally:
        os.umask(before)

    inside = [tmp_path / "build", *(tmp_path / "build").rglob("*")]
    modes = {path: path.stat().st_mode & 0o777 for path in inside}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_no_text_stands_in_the_statistics_of_a_parquet_file(finished: Path) -> None:
    for path in finished.rglob("*.parquet"):
        about = pq.read_metadata(path)
        for group in range(about.num_row_groups):
            columns = [about.row_group(group).column(number) for number in range(about.num_columns)]
            assert not any(column.is_stats_set or column.has_column_index for column in columns), path


def test_a_crash_leaves_no_core_file(finished: Path, corpus: Path) -> None:
    walk.build(settings(corpus, finished))

    assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0


def test_a_finished_build_is_run_again_without_a_question(corpus: Path, build: Path) -> None:
    with Journal(BuildFolder(build).journal_path) as journal:
        before = journal.spent()
    begun = time.monotonic()

    walk.build(settings(corpus, build))

    assert time.monotonic() - begun < 60
    with Journal(BuildFolder(build).journal_path) as journal:
        assert journal.spent() == before


@pytest.mark.parametrize("name", ["with space", "ümläut-日本 semi;colon $HOME"])
def test_any_name_of_a_folder_will_do(name: str, corpus: Path, tmp_path: Path) -> None:
    assert walk.build(settings(corpus, tmp_path / name)).accepted > 0


def test_a_folder_that_is_a_file_is_refused(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "build").write_text("a file")

    with pytest.raises(BuildConflict, match="is a file, not a build folder"):
        walk.build(settings(corpus, tmp_path / "build"))
