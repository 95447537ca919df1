"""An object store through fsspec: objects are put whole, read, listed, and some are put once only.

A put that must not replace anything (`If-None-Match: *`) is all the agreement between machines that is asked
of a store: the first one stands, whoever comes later reads what it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ccf_pipeline.errors import MissingExtra, SettingsError, StorageError, StoreSilent
from ccf_pipeline.files.disk import file_digest, sealed_file
from ccf_pipeline.files.installed import install_command
from ccf_pipeline.files.locations import store_url

SCHEMES = ("s3", "memory")
AT_ONCE = 8
PIECE = 8 * 1024 * 1024
BUSY = frozenset({"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "500", "502", "503"})
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "409", "412"})
DENIED = frozenset(
    {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403"}
)
MISNAMED = frozenset(
    {"InvalidBucketName", "PermanentRedirect", "AuthorizationHeaderMalformed", "ParamValidationError"}
)
WITHOUT_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "ProfileNotFound"}
)
CREDENTIALS = (
    "Credentials come from the environment: AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY;"
    " they must allow to list, read, write and delete below this prefix."
)
# botocore tries a request again that met 5xx or no connection; what still fails then is told at once.
S3_CLIENT = {"connect_timeout": 10, "read_timeout": 30, "retries": {"mode": "standard", "max_attempts": 4}}

# A put may wait for ever on a server that took the connection and says nothing: that no client setting ends.
DEADLINE_SECONDS, BYTES_PER_SECOND = 120.0, 256 * 1024

PROXY_VARIABLE = "S3_PROXY"
"""A proxy to the store, where there is no other way; those of HTTP_PROXY and its like are not used."""

T = TypeVar("T")
R = TypeVar("R")

Errors = tuple[type[Exception], ...]


@dataclass(frozen=True)
class Stored:
    """An object as a listing shows it; `mark` changes whenever it is put again."""

    size: int
    mark: str
    modified: float | None = None


class Store:
    """The objects below one URL, by their names."""

    def __init__(self, url: str, files: Any, faults: Errors, silences: Errors = ()) -> None:
        """Faults are what the file system may raise; silences are those that say that nobody answered."""
        self.url = url
        self._files, self._faults = files, faults
        self._silences: Errors = (TimeoutError, ConnectionError, *silences)
        self._root = str(files._strip_protocol(url)).rstrip("/")

    # --- reading ------------------------------------------------------------------------------

    def read(self, name: str) -> bytes | None:
        """Return what an object holds; None where it is not there."""
        with self._translate_errors(name):
            try:
                content: bytes = self._ask("cat_file", self._path(name))
            except FileNotFoundError as error:
                _refuse_missing_bucket(self.url, error)
                return None
            return content

    def names(self, prefix: str) -> dict[str, Stored]:
        """The objects below a prefix that ends in a slash, in the order of their names."""
        with self._translate_errors(prefix):
            try:
                found = self._ask("find", self._path(prefix.rstrip("/")), detail=True)
            except FileNotFoundError as error:
                _refuse_missing_bucket(self.url, error)
                return {}
        below = f"{self._root}/{prefix}"
        return {
            path.removeprefix(f"{self._root}/"): _read_entry(entry)
            for path, entry in sorted(found.items())
            if path.startswith(below) and entry["type"] == "file"
        }

    def fetch(self, name: str, path: Path, sha256: str | None = None) -> None:
        """Bring an object to the disk, whole or not at all."""
        with sealed_file(path, private=True) as temporary:
            with self._translate_errors(name):
                size = self._ask("info", self._path(name))["size"]
                self._ask("get_file", self._path(name), str(temporary), size=size)
            if sha256 is not None and file_digest(temporary) != sha256:
                raise StorageError(f"{self.url}/{name}: is not what was put there", hint=DAMAGED)

    def holds(self, name: str, size: int, sha256: str) -> bool:
        """True if an object has these bytes; every one of them is read."""
        digest, read = hashlib.sha256(), 0
        with self._translate_errors(name):
            try:
                while read < size:
                    piece = self._ask("cat_file", self._path(name), start=read, end=min(read + PIECE, size))
                    if not piece:
                        return False
                    digest.update(piece)
                    read += len(piece)
                return self._ask("info", self._path(name))["size"] == size and digest.hexdigest() == sha256
            except FileNotFoundError:
                return False

    # --- writing ------------------------------------------------------------------------------

    def put(self, name: str, content: bytes | Path) -> None:
        """Put an object, in the place of one that may be there."""
        with self._translate_errors(name):
            self._write(name, content, "overwrite")

    def put_once(self, name: str, content: bytes | Path) -> bool:
        """Put an object unless one is there; says whether what stands there now are these bytes.

        A put whose answer got lost was perhaps heard: what is found then is compared, not refused.
        """
        with self._translate_errors(name):
            try:
                self._write(name, content, "create")
                return True
            except self._faults as error:
                if not isinstance(error, FileExistsError) and _get_error_code(error) not in TAKEN:
                    raise
        if isinstance(content, bytes):
            return self.read(name) == content
        return self.holds(name, content.stat().st_size, file_digest(content))

    def remove(self, name: str) -> None:
        """Remove an object if it is there."""
        with self._translate_errors(name), contextlib.suppress(FileNotFoundError):
            self._ask("rm_file", self._path(name))

    def require(self) -> None:
        """Refuse a store that cannot be written to, or that lets a second put replace the first."""
        name = f"trial-{uuid.uuid4().hex}"
        kept = self.put_once(name, b"first") and not self.put_once(name, b"second")
        self.remove(name)
        if not kept:
            raise StorageError(
                f"{self.url}: this store does not heed conditional puts (If-None-Match)",
                hint="Two workers could overwrite each other there; AWS S3 and current MinIO heed them.",
            )

    def endpoint(self) -> str:
        """Return where requests go."""
        if not self.url.startswith("s3://"):
            return ""
        with self._translate_errors(""):
            return str(self._files.s3.meta.endpoint_url)

    # --- below --------------------------------------------------------------------------------

    def _write(self, name: str, content: bytes | Path, mode: str) -> None:
        if isinstance(content, bytes):
            self._ask("pipe_file", self._path(name), content, mode=mode, size=len(content))
        else:
            size = content.stat().st_size
            self._ask("put_file", str(content), self._path(name), mode=mode, size=size)

    def _ask(self, verb: str, *given: Any, size: int = 0, **named: Any) -> Any:
        """One request, or several for a large file, within a time that its size allows."""
        if not self._files.async_impl:
            return getattr(self._files, verb)(*given, **named)
        from fsspec.asyn import sync

        seconds = DEADLINE_SECONDS + size / BYTES_PER_SECOND
        return sync(self._files.loop, getattr(self._files, f"_{verb}"), *given, timeout=seconds, **named)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _translate_errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except self._faults as error:
            raise self._translate_error(name, error) from error

    def _translate_error(self, name: str, error: Exception) -> StorageError:
        """Ours for theirs. What a server says is not passed on: it may quote keys or addresses."""
        kind, code = error.__class__.__name__, _get_error_code(error)
        place = f"{self.url}/{name}" if name else self.url
        _refuse_missing_bucket(self.url, error)
        if isinstance(error, PermissionError) or code in DENIED:
            return StorageError(f"{place}: access denied{f' ({code})' if code else ''}", hint=CREDENTIALS)
        if kind in WITHOUT_CREDENTIALS:
            return StorageError(f"{self.url}: no credentials were found", hint=CREDENTIALS)
        if isinstance(error, self._silences) or code in BUSY:
            return StoreSilent(f"{place}: the store does not answer ({code or kind})")
        if isinstance(error, FileNotFoundError):
            return StorageError(f"{place}: is not there", hint=DAMAGED)
        if kind in MISNAMED or code in MISNAMED:
            return StorageError(
                f"{self.url}: the store does not take this bucket ({code or kind})",
                hint="Check its name and AWS_REGION.",
            )
        return StorageError(f"{place}: the store refused it ({code or kind})", hint=REFUSED)


def open_store(path: Path | str) -> Store:
    """The store that a URL names; nothing is asked of it yet."""
    url = path if isinstance(path, str) else store_url(path)
    parts = urlsplit(url or "")
    if url is None or parts.scheme not in SCHEMES:
        raise SettingsError(
            f"{url or path}: builds lie in a local folder or in s3://BUCKET/PREFIX",
            hint="Other stores of fsspec were never tried with conditional puts.",
        )
    if not parts.netloc or not parts.path.strip("/"):
        raise SettingsError(f"{url}: names no place", hint="Give s3://BUCKET/PREFIX, a prefix per build.")
    if parts.scheme == "memory":
        from fsspec.implementations.memory import MemoryFileSystem

        return Store(url, MemoryFileSystem(), (OSError,))
    return Store(url, *_open_s3(url))


def _open_s3(url: str) -> tuple[Any, Errors, Errors]:
    try:
        from aiohttp import ClientError as BrokenOff
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NotConnected
        from s3fs import S3FileSystem
    except ImportError as error:
        raise MissingExtra(
            f"{url}: needs s3fs, which is not installed",
            hint=f"Install it with: {install_command('s3')}",
        ) from error
    proxy = os.environ.get(PROXY_VARIABLE)
    files = S3FileSystem(
        config_kwargs={**S3_CLIENT, "proxies": {"http": proxy, "https": proxy} if proxy else {}},
        use_listings_cache=False,  # other machines write there too
        skip_instance_cache=True,
    )
    files.retries = 2
    silences = (HTTPClientError, NotConnected, BrokenOff)
    return files, (OSError, BotoCoreError, ClientError, *silences), silences


def each(work: Callable[[T], R], values: Iterable[T], told: Callable[[int], None] | None = None) -> list[R]:
    """Return what `work` makes of each, several at once: a store answers slowly, and many at a time.

    Args:
        told: hears how many are done.
    """
    done = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(work, values):
            done.append(result)
            if told is not None:
                told(len(done))
    return done


def _read_entry(entry: Mapping[str, Any]) -> Stored:
    changed: Any = entry.get("LastModified") or entry.get("created")
    modified = changed.timestamp() if isinstance(changed, datetime) else changed
    return Stored(int(entry["size"]), f"{entry.get('ETag', '')} {modified}", modified)


# --- what went wrong --------------------------------------------------------------------------

REFUSED = "What was answered is kept on this machine; mend the cause and run the same command again."
DAMAGED = "Bring the object back from a copy, or remove it and run the same command again."


def _get_error_code(error: BaseException) -> str:
    """Return what S3 calls it; s3fs hides that behind an OSError."""
    response = getattr(error, "response", None) or getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))


def _refuse_missing_bucket(url: str, error: BaseException) -> None:
    if _get_error_code(error) == "NoSuchBucket":
        raise StorageError(
            f"{url}: there is no such bucket",
            hint="Check its name, AWS_REGION, and AWS_ENDPOINT_URL where the store is not Amazon's.",
        ) from error
