"""A build in an object store: the same bytes as on a disk, continued elsewhere, and never half there."""

from __future__ import annotations

import contextlib
import copy
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import pytest

from ccf_pipeline import walk
from ccf_pipeline.demo import write_demo_corpus
from ccf_pipeline.engine.bucket import object_store as stores
from ccf_pipeline.engine.bucket import site as storing
from ccf_pipeline.engine.bucket import worker
from ccf_pipeline.engine.bucket.layout import MANIFEST, read_seals
from ccf_pipeline.engine.bucket.object_store import Store, open_store
from ccf_pipeline.engine.bucket.place import fetch_build
from ccf_pipeline.engine.build_folder import BuildFolder
from ccf_pipeline.engine.journal import Journal
from ccf_pipeline.engine.materials import Materials, silent
from ccf_pipeline.engine.place import open_place
from ccf_pipeline.errors import (
    BuildConflict,
    CcfError,
    MissingInput,
    SharingRefused,
    StorageError,
    StoreSilent,
    Unfinished,
)
from ccf_pipeline.experts import Expert, Take
from ccf_pipeline.records import BuildSummary, Completion, Prompt
from ccf_pipeline.settings import (
    BuildSettings,
    CorpusSettings,
    DatasetSettings,
    PriceSettings,
    ShardSettings,
    StoreSettings,
)
from tests.faults.conftest import built
from tests.faults.harness import Killed
from tests.s3_server import S3Server

STUDIES = 16


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_demo_corpus(folder, studies=STUDIES, seed=3)
    return folder


@pytest.fixture(autouse=True)
def warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph is read once for all builds here: that takes most of their time."""

    def load(chosen: BuildSettings) -> Materials:
        materials = copy.copy(_warm())
        object.__setattr__(materials, "settings", chosen)
        return materials

    monkeypatch.setattr(Materials, "load", load)


@lru_cache(maxsize=1)
def _warm(load: Callable[[BuildSettings], Materials] = Materials.load) -> Materials:
    return load(BuildSettings())


def settings(corpus: Path, out: Path | str, scratch: Path, **store: object) -> BuildSettings:
    return BuildSettings(
        out=Path(out),
        corpus=CorpusSettings(kind="demo", path=corpus),
        shards=ShardSettings(size=4),
        dataset=DatasetSettings(configs=("ccf", "cpo_thinking")),
        store=StoreSettings.model_validate(
            {"scratch": scratch, "flush_seconds": 0.1, "lease_seconds": 0.8, "patience_seconds": 0.3, **store}
        ),
    )


@pytest.fixture(scope="module")
def on_disk(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("on_disk") / "build"
    walk.build(settings(corpus, out, out.parent))
    return out


@pytest.fixture
def url() -> str:
    return f"memory://bucket/{uuid.uuid4().hex}"


def build(chosen: BuildSettings, **how: object) -> BuildSummary:
    return walk.build(chosen, **how)  # type: ignore[arg-type]


@contextlib.contextmanager
def counting(
    monkeypatch: pytest.MonkeyPatch, *, dies_after: int | None = None, slowness: float = 0.0
) -> Iterator[list[str]]:
    """Every prompt that an expert is asked, four at a time; one that dies takes the process with it."""
    asked: list[str] = []
    real = walk.open_expert

    class Watched:
        def __init__(self, expert: Expert) -> None:
            self._expert, self.name, self.model = expert, expert.name, expert.model
            self.learns, self.endpoints = expert.learns, expert.endpoints

        def answer(self, take: Take) -> Iterator[tuple[Completion, ...]]:
            batch: list[str] = []

            def watched() -> Prompt | None:
                prompt = take() if len(batch) < 4 else None
                if prompt is not None:
                    batch.append(prompt.prompt_id)
                    asked.append(prompt.prompt_id)
                return prompt

            for answered in self._expert.answer(watched):
                if dies_after is not None and len(asked) > dies_after:
                    raise Killed
                yield answered
                time.sleep(slowness)
                batch.clear()

    @contextlib.contextmanager
    def watched_expert(*given: object) -> Iterator[Expert]:
        with real(*given) as expert:  # type: ignore[arg-type]
            yield Watched(expert)

    with monkeypatch.context() as patched:
        patched.setattr(walk, "open_expert", watched_expert)
        yield asked


# --- the same build ---------------------------------------------------------------------------


def test_a_build_in_s3_is_the_one_on_disk_byte_by_byte(
    corpus: Path, on_disk: Path, tmp_path: Path, s3: S3Server
) -> None:
    place = f"s3://bucket/{uuid.uuid4().hex}/build"

    summary = build(settings(corpus, place, tmp_path / "scratch"))
    fetched = fetch_build(Path(place), tmp_path / "fetched")

    assert summary == BuildFolder(on_disk).verify()
    assert open_store(place).read(MANIFEST) == (on_disk / "manifest.json").read_bytes()
    assert built(tmp_path / "fetched") == built(on_disk)
    assert (fetched.finished, fetched.damaged, fetched.journal) == (True, (), None)
    assert open_place(tmp_path / "fetched").spent() == open_place(on_disk).spent()


def test_no_text_stays_on_the_machine_once_the_build_stands_in_the_store(
    corpus: Path, url: str, tmp_path: Path
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))

    assert [path.name for path in (tmp_path / "scratch").rglob("*") if path.is_file()] == ["lock"]
    assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o700


def test_what_a_dead_worker_left_on_this_machine_goes_with_the_build(
    corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch")
    with open_place(chosen.out).work_folder(chosen) as folder:
        # One is at work, so that the second one takes another folder.
        dies = counting(monkeypatch, dies_after=8)
        monkeypatch.setattr(storing, "_leave", lambda stored: stored.sync())
        with dies, pytest.raises(Killed):
            build(chosen)
        left = list(tmp_path.glob("scratch/*/build/journal"))
        walk.build(chosen, work_folder=folder)

    assert len(left) == 1
    assert list(tmp_path.glob("scratch/*/build")) == []


def test_a_finished_build_is_not_made_again(
    corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(settings(corpus, url, tmp_path / "scratch"))
    before = open_store(url).names("")

    with counting(monkeypatch) as asked:
        assert build(settings(corpus, url, tmp_path / "elsewhere")) == first

    assert asked == []
    assert open_store(url).names("") == before


def test_another_build_is_not_mixed_in(corpus: Path, url: str, tmp_path: Path) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch")
    build(chosen)

    with pytest.raises(BuildConflict, match=r"shards\.size = 4, not 5"):
        build(chosen.model_copy(update={"shards": ShardSettings(size=5)}))


# --- going on elsewhere -----------------------------------------------------------------------


def test_what_was_flushed_is_not_asked_again_on_another_machine(
    corpus: Path, on_disk: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = settings(corpus, url, tmp_path / "gone", flush_seconds=0.01)
    with monkeypatch.context() as dying, counting(monkeypatch, dies_after=20) as first:
        dying.setattr(storing, "_leave", lambda stored: stored.sync())  # sent, but no word that it left
        with pytest.raises(Killed):
            build(gone)
    flushed = prompts_in(open_store(url), tmp_path / "look")

    with counting(monkeypatch) as second:
        build(settings(corpus, url, tmp_path / "new"))

    assert flushed
    assert flushed <= set(first)
    assert not flushed & set(second)
    assert open_store(url).read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


def test_the_same_machine_goes_on_with_what_it_could_not_send(
    corpus: Path, on_disk: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch", flush_seconds=60.0, lease_seconds=600.0)
    with monkeypatch.context() as dying, counting(monkeypatch, dies_after=20) as first:
        dying.setattr(storing, "_leave", lambda stored: None)
        with pytest.raises(Killed):
            build(chosen)
    assert prompts_in(open_store(url), tmp_path / "look") == set()
    [journal] = tmp_path.glob("scratch/*/build/journal/completions.sqlite")
    acknowledged = prompts_of(journal)

    with counting(monkeypatch) as second:
        build(chosen)

    assert acknowledged
    assert acknowledged <= set(first)
    assert not acknowledged & set(second)
    assert open_store(url).read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


def test_a_stopped_build_says_so_and_goes_on(corpus: Path, on_disk: Path, url: str, tmp_path: Path) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch")
    handed_out = itertools.count()

    with pytest.raises(Unfinished, match="as asked"):
        build(chosen, stopping=lambda: next(handed_out) > 20)

    assert open_store(url).read(MANIFEST) is None
    assert open_store(url).names("workers/") == {}
    assert open_place(Path(url)).status(PriceSettings()).state == "stopped"
    build(settings(corpus, url, tmp_path / "elsewhere"))
    assert open_store(url).read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


# --- looking after it -------------------------------------------------------------------------


def test_status_verify_and_fetch_read_the_store(corpus: Path, url: str, tmp_path: Path) -> None:
    summary = build(settings(corpus, url, tmp_path / "scratch"))

    status = open_place(Path(url)).status(PriceSettings())
    found = open_place(Path(url)).check(silent)

    assert (status.state, status.accepted, status.judged) == (
        "finished",
        summary.accepted,
        summary.plan.plans,
    )
    assert status.spend.answers > 0
    assert status.shards == status.shards_sealed == summary.plan.shards
    assert (found.finished, found.damaged, found.journal) == (True, (), None)


@pytest.mark.shows(
    "an object in a store is damaged",
    "`verify` names it; it is not fetched",
)
@pytest.mark.parametrize("name", ["accepted/shard-00001", "dataset/README.md", "plan/shard-00000"])
def test_one_flipped_byte_in_the_store_is_named(name: str, corpus: Path, url: str, tmp_path: Path) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    store = open_store(url)
    [stored] = [found for found in store.names("") if found.startswith(name)]
    content = bytearray(store.read(stored) or b"")
    content[len(content) // 2] ^= 1
    store.put(stored, bytes(content))

    [damaged] = open_place(Path(url)).check(silent).damaged

    assert damaged.startswith(name)
    with pytest.raises(StorageError, match="is not what"):
        fetch_build(Path(url), tmp_path / "fetched")
    assert not (tmp_path / "fetched" / "manifest.json").exists()


def test_a_damaged_shard_is_made_anew_without_asking_once_it_is_removed(
    corpus: Path, on_disk: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    store = open_store(url)
    [shard] = [name for name in store.names("accepted/") if "00001" in name]
    for name in (shard, "seals/shard-00001.json", MANIFEST):
        store.remove(name)
    with pytest.raises(CcfError, match="not repaired in place"):
        open_place(Path(url)).repair(None, silent)

    with counting(monkeypatch) as asked:
        build(settings(corpus, url, tmp_path / "elsewhere"))

    assert asked == []
    assert store.read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


@pytest.mark.shows(
    "answers in a store are damaged",
    "`run` stops until `--again` sets them aside; they stay spent",
)
def test_damaged_answers_in_the_store_are_set_aside_when_told_to_and_stay_spent(
    corpus: Path, on_disk: Path, url: str, tmp_path: Path
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    store, place = open_store(url), open_place(Path(url))
    spent, before = place.spent(), place.check(silent)
    segment, *_ = store.names("journal/")
    store.put(segment, b"noise")
    store.remove(MANIFEST)

    assert (before.audit, before.journal, before.lost_answers) == (None, None, 0)
    assert segment in str(place.check(silent).journal)
    with pytest.raises(StorageError, match="part of the journal is damaged") as told:
        build(settings(corpus, url, tmp_path / "elsewhere"))
    assert "--again" in told.value.hint
    assert "remove" not in told.value.hint
    lost = place.give_up_lost()
    build(settings(corpus, url, tmp_path / "elsewhere"))

    assert 0 < lost <= spent.answers <= place.spent().answers
    assert store.read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


@pytest.mark.shows(
    "an audit log in a store is gone or changed",
    "`verify` tells it",
)
@pytest.mark.parametrize("left", [None, b"", b'{"entry": 1}\n'])
def test_an_audit_log_in_the_store_that_is_gone_or_changed_is_told(
    left: bytes | None, corpus: Path, url: str, tmp_path: Path
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    store = open_store(url)
    [log] = store.names("audit/")
    if left is None:
        store.remove(log)
    else:
        store.put(log, left)

    assert log in str(open_place(Path(url)).check(silent).audit)


@pytest.mark.shows(
    "answers in a store are gone",
    "counted by the seals",
)
def test_answers_that_are_gone_from_the_store_are_counted_by_its_seals(
    corpus: Path, url: str, tmp_path: Path
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    store = open_store(url)
    for name in store.names("journal/"):
        store.remove(name)

    found = open_place(Path(url)).check(silent)

    assert found.lost_answers == sum(seal.accepted + seal.rejected for seal in read_seals(store).values())


def test_a_missing_object_is_told_before_a_finished_build_is_said_to_be_done(
    corpus: Path, url: str, tmp_path: Path
) -> None:
    build(settings(corpus, url, tmp_path / "scratch"))
    open_store(url).remove("dataset/README.md")

    with pytest.raises(StorageError, match=r"dataset/README\.md: is not what the manifest says"):
        build(settings(corpus, url, tmp_path / "scratch"))


def test_an_unfinished_build_is_fetched_as_far_as_it_is_and_goes_on_on_disk(
    corpus: Path, on_disk: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_out = itertools.count()
    with pytest.raises(Unfinished), counting(monkeypatch) as asked:
        build(settings(corpus, url, tmp_path / "scratch"), stopping=lambda: next(handed_out) > 20)

    found = fetch_build(Path(url), tmp_path / "fetched")
    walk.build(settings(corpus, tmp_path / "fetched", tmp_path))

    assert not found.finished
    assert asked
    assert built(tmp_path / "fetched") == built(on_disk)
    assert open_place(tmp_path / "fetched").spent() == open_place(on_disk).spent()


def test_stop_reaches_whoever_builds(
    corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch", flush_seconds=0.02)
    asked: list[object] = []

    def ask_once(tally: object) -> None:
        if not asked:
            asked.append(open_place(Path(url)).ask_to_stop())

    with pytest.raises(Unfinished, match="as asked"), counting(monkeypatch, slowness=0.1):
        build(chosen, watch=ask_once)

    [[holder]] = asked  # type: ignore[misc]
    assert holder.shares
    assert open_place(Path(url)).ask_to_stop() == ()
    build(chosen)  # what was said to the others is not held against those who begin later


@pytest.mark.parametrize("work", ["status", "check", "stop", "fetch"])
def test_where_no_build_was_begun_that_is_said(work: str, url: str, tmp_path: Path) -> None:
    place = open_place(Path(url))
    asked = {
        "status": lambda: place.status(PriceSettings()),
        "check": lambda: place.check(silent),
        "stop": place.ask_to_stop,
        "fetch": lambda: fetch_build(Path(url), tmp_path / "x"),
    }

    with pytest.raises(MissingInput, match="no build was begun there"):
        asked[work]()


def test_what_works_on_folders_says_to_fetch_first(url: str) -> None:
    with pytest.raises(MissingInput) as told:
        BuildFolder(Path(url))

    assert "lies in an object store" in str(told.value)
    assert "ccf-build fetch" in (told.value.hint or "")


# --- who may see it ---------------------------------------------------------------------------


def under_agreement(corpus: Path, out: str, scratch: Path, **store: object) -> BuildSettings:
    chosen = settings(corpus, out, scratch, **store)
    return chosen.model_copy(
        update={"corpus": CorpusSettings(kind="demo", path=corpus, sensitivity="credentialed")}
    )


def test_reports_under_an_agreement_need_somebodys_word(corpus: Path, url: str, tmp_path: Path) -> None:
    with pytest.raises(SharingRefused, match="under an agreement") as told:
        build(under_agreement(corpus, url, tmp_path / "scratch"))

    assert "is_private = true" in told.value.hint
    assert open_store(url).names("") == {}
    build(under_agreement(corpus, url, tmp_path / "scratch", is_private=True))


@pytest.mark.usefixtures("s3")
def test_reports_under_an_agreement_do_not_travel_in_the_clear(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.org")

    with pytest.raises(SharingRefused, match=r"s3\.example\.org is reached unencrypted"):
        build(under_agreement(corpus, "s3://bucket/x", tmp_path / "scratch", is_private=True))


# --- a store that fails -----------------------------------------------------------------------


@pytest.mark.slow
def test_a_store_that_falls_silent_stops_the_build_and_loses_nothing(
    corpus: Path, on_disk: Path, tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "S3_CLIENT", {"retries": {"total_max_attempts": 1}})
    place = f"s3://bucket/{uuid.uuid4().hex}"
    chosen = settings(corpus, place, tmp_path / "scratch", lease_seconds=0.5)
    s3.mischief = lambda method, path, _: "SlowDown" if "seals" in path and method == "PUT" else None

    with pytest.raises(StoreSilent, match="does not answer"), counting(monkeypatch) as first:
        build(chosen)
    s3.mischief = None
    with counting(monkeypatch) as second:
        build(chosen)

    assert first
    assert not set(first) & set(second)
    assert open_store(place).read(MANIFEST) == (on_disk / "manifest.json").read_bytes()


def test_a_store_that_denies_stops_the_build_at_once(
    corpus: Path, tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.mischief = lambda method, *_: "AccessDenied" if method == "PUT" else None

    with pytest.raises(StorageError, match="access denied"), counting(monkeypatch) as asked:
        build(settings(corpus, f"s3://bucket/{uuid.uuid4().hex}", tmp_path / "scratch"))

    assert asked == []


def test_a_store_that_spoils_an_object_is_found_out_before_the_manifest(
    corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Store._write

    def spoiling(self: Store, name: str, content: bytes | Path, mode: str) -> None:
        write(self, name, b"spoiled" if name == "dataset/README.md" else content, mode)

    monkeypatch.setattr(Store, "_write", spoiling)
    with pytest.raises(StorageError, match=r"dataset/README\.md: is not what was put there"):
        build(settings(corpus, url, tmp_path / "scratch"))

    assert open_store(url).read(MANIFEST) is None
    monkeypatch.undo()
    build(settings(corpus, url, tmp_path / "scratch"))


def test_another_manifest_is_not_overwritten(
    corpus: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = worker.finish_build

    def late(*given: object) -> BuildSummary:
        summary = finish(*given)  # type: ignore[arg-type]
        open_store(url).put(MANIFEST, b"another")
        return summary

    monkeypatch.setattr(worker, "finish_build", late)
    with pytest.raises(StorageError, match="another manifest stands there"):
        build(settings(corpus, url, tmp_path / "scratch"))

    assert open_store(url).read(MANIFEST) == b"another"


def test_a_corpus_that_gives_another_plan_is_refused(corpus: Path, url: str, tmp_path: Path) -> None:
    chosen = settings(corpus, url, tmp_path / "scratch")
    handed_out = itertools.count()
    with pytest.raises(Unfinished):
        build(chosen, stopping=lambda: next(handed_out) > 5)
    store = open_store(url)
    store.remove("plan/summary.json")
    store.put("plan/shard-00000.parquet", b"of another corpus")

    with pytest.raises(BuildConflict, match="does not give the plan that lies there"):
        build(settings(corpus, url, tmp_path / "elsewhere"))


# --- below ------------------------------------------------------------------------------------


def prompts_of(journal: Path) -> set[str]:
    with Journal(journal) as opened:
        return {str(row[0]) for rows in opened.rows_after(0) for _, row in rows}


def prompts_in(store: Store, folder: Path) -> set[str]:
    from ccf_pipeline.engine.bucket.journal_segments import Segments

    Segments(store, "reader", folder / "journal").bring()
    return prompts_of(folder / "journal")
