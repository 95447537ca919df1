"""What is asked of an object store, against moto's S3 over HTTP; and how it says no."""

from __future__ import annotations

import hashlib
import os
import sys
import uuid
from pathlib import Path

import pytest

from ccf_pipeline.engine.bucket import object_store as stores
from ccf_pipeline.engine.bucket.object_store import Store, open_store
from ccf_pipeline.errors import CcfError, MissingExtra, SettingsError, StorageError, StoreSilent
from ccf_pipeline.files.locations import store_url
from tests.s3_server import SECRET, S3Server, slow, without_conditions

pytestmark = pytest.mark.usefixtures("s3")


@pytest.fixture(params=["s3://bucket", "memory://bucket"])
def store(request: pytest.FixtureRequest) -> Store:
    return open_store(f"{request.param}/{uuid.uuid4().hex}")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    once = {"connect_timeout": 1, "read_timeout": 0.2, "retries": {"total_max_attempts": 1}}
    monkeypatch.setattr(stores, "S3_CLIENT", once)


def test_what_is_put_is_read_back_and_listed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"from a file")
    store.put("a/one", b"1")
    store.put("a/two", tmp_path / "file")
    store.put("ab/three", b"333")

    assert (store.read("a/one"), store.read("a/two"), store.read("a/none")) == (b"1", b"from a file", None)
    assert {name: stored.size for name, stored in store.names("a/").items()} == {"a/one": 1, "a/two": 11}
    assert list(store.names("")) == ["a/one", "a/two", "ab/three"]
    assert store.names("none/") == {}


def test_a_store_is_asked_through_no_proxy_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = "http://127.0.0.1:9"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nowhere)
    url = f"s3://bucket/{uuid.uuid4().hex}"
    monkeypatch.setattr(stores, "S3_CLIENT", {"connect_timeout": 1, "retries": {"total_max_attempts": 1}})

    open_store(url).put("name", b"1")
    monkeypatch.setenv(stores.PROXY_VARIABLE, nowhere)

    with pytest.raises(StorageError):
        open_store(url).read("name")


def test_a_listing_shows_that_an_object_was_put_again(store: Store) -> None:
    store.put("sign", b"1")
    before = store.names("")["sign"].mark
    store.put("sign", b"2")

    assert store.names("")["sign"].mark != before


def test_of_two_that_put_once_the_first_one_counts(store: Store, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"first")

    assert store.put_once("name", b"first")
    assert not store.put_once("name", b"second")
    assert store.put_once("name", b"first")
    assert store.put_once("name", tmp_path / "file")
    assert store.read("name") == b"first"


def test_only_the_same_bytes_are_held(store: Store) -> None:
    store.put("name", b"content")
    digest = hashlib.sha256(b"content").hexdigest()

    assert store.holds("name", 7, digest)
    assert not store.holds("name", 7, hashlib.sha256(b"another").hexdigest())
    assert not store.holds("name", 3, hashlib.sha256(b"con").hexdigest())
    assert not store.holds("none", 7, digest)


def test_a_fetched_object_is_private_and_what_it_should_be(store: Store, tmp_path: Path) -> None:
    store.put("name", b"content")

    store.fetch("name", tmp_path / "new" / "file", hashlib.sha256(b"content").hexdigest())
    with pytest.raises(StorageError, match="is not what was put there"):
        store.fetch("name", tmp_path / "other", hashlib.sha256(b"else").hexdigest())

    assert (tmp_path / "new" / "file").read_bytes() == b"content"
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "other").exists()


def test_what_is_removed_is_gone(store: Store) -> None:
    store.put("name", b"content")
    store.remove("name")
    store.remove("name")

    assert store.read("name") is None


def test_a_store_fit_for_builds_is_left_as_it_was(store: Store) -> None:
    store.require()

    assert store.names("") == {}


def test_a_put_whose_reply_was_lost_is_still_ours(s3: S3Server) -> None:
    store, lost = open_store("s3://bucket/lost"), iter([True])
    s3.mischief = lambda method, *_: "lost reply" if method == "PUT" and next(lost, False) else None

    assert store.put_once("lease", b"mine")
    assert not store.put_once("lease", b"theirs")


def test_a_hiccup_is_not_noticed(s3: S3Server) -> None:
    store, hiccups = open_store("s3://bucket/hiccup"), iter(["SlowDown", "InternalError"])
    s3.mischief = lambda *_: next(hiccups, None)

    store.put("name", b"content")

    assert store.read("name") == b"content"


def test_a_store_that_overwrites_whatever_it_is_told_is_refused(s3: S3Server) -> None:
    s3.mischief = without_conditions

    with pytest.raises(StorageError, match="does not heed conditional puts"):
        open_store("s3://bucket/old").require()


def failing(s3: S3Server, monkeypatch: pytest.MonkeyPatch, cause: str) -> Store:
    if cause == "no credentials":
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
    elif cause == "nobody there":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    elif cause == "wrong bucket":
        return open_store("s3://bucked/build")
    elif cause == "odd bucket":
        return open_store("s3://b!/build")
    else:
        s3.mischief = lambda *_: cause
    return open_store("s3://bucket/build")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("cause", "what", "hint"),
    [
        ("AccessDenied", "access denied (AccessDenied)", "AWS_PROFILE"),
        ("no credentials", "no credentials were found", "AWS_ACCESS_KEY_ID"),
        ("wrong bucket", "s3://bucked/build: there is no such bucket", "Check its name"),
        ("odd bucket", "does not take this bucket", "Check its name"),
        ("SlowDown", "the store does not answer (SlowDown)", "run the same command again"),
        ("InternalError", "the store does not answer (InternalError)", "run the same command again"),
        ("nobody there", "the store does not answer", "AWS_ENDPOINT_URL"),
    ],
)
def test_what_goes_wrong_is_told_in_our_words(
    cause: str, what: str, hint: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = failing(s3, monkeypatch, cause)

    for ask in (store.require, lambda: store.names("x/"), lambda: store.put("y", b"")):
        with pytest.raises(StorageError) as told:
            ask()
        assert what in told.value.what
        assert hint in told.value.hint
        assert SECRET not in str(told.value.what) + told.value.hint
        patient = "does not answer" in what
        assert isinstance(told.value, StoreSilent) is patient


def test_a_server_that_hangs_is_given_up(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "DEADLINE_SECONDS", 0.2)
    store = open_store("s3://bucket/hang")
    s3.mischief = slow(1.0)

    for ask in (lambda: store.put("name", b""), lambda: store.read("name"), lambda: store.names("")):
        with pytest.raises(StoreSilent, match="does not answer"):
            ask()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)

    with pytest.raises(MissingExtra) as told:
        open_store("s3://bucket/build")

    assert "[s3]" in told.value.hint


@pytest.mark.parametrize(
    "url", ["ftp://host/build", "s3://bucket", "s3://bucket/", "s3:///build", "plain/folder"]
)
def test_only_a_prefix_in_a_bucket_is_a_place(url: str) -> None:
    with pytest.raises(SettingsError):
        open_store(url)


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("memory://b/c", "memory://b/c"),
        ("build", None),
        ("/data/s3:/build", None),
        ("C:/build", None),
    ],
)
def test_a_path_that_is_a_url_is_told_from_one_that_is_not(path: str, url: str | None) -> None:
    assert store_url(Path(path)) == url


def test_keys_are_nobodys_business() -> None:
    store = open_store("s3://bucket/build")

    assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET
    assert SECRET not in repr(vars(store))
    assert issubclass(StoreSilent, CcfError)
