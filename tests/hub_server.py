"""A Hub on this machine, as far as pushing and loading a data set needs one; it forgets all when it stops.

It speaks what huggingface_hub 2.4 asks: create, settings, preupload, LFS batch and upload, commit with its
parent checked, tree, resolve with ranges. Tests steer it by its fields: they break uploads, cut requests off,
change a repository behind a push's back, or have it ignore what it is asked.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

GOOD_TOKEN = "hf_" + "goodgoodgoodgood" * 2
READ_TOKEN = "hf_" + "readreadreadread" * 2

Cut = Literal["before it is done", "once it is done"]
Odd = tuple[int, Any, dict[str, str]]
"""A status, a body and headers."""


@dataclass
class Repository:
    """One data set: its settings, its commits, and the files of the last one."""

    private: bool = True
    gated: Any = False
    head: str = "0" * 40
    files: dict[str, bytes] = field(default_factory=dict)
    large: dict[str, str] = field(default_factory=dict)
    commits: list[list[str]] = field(default_factory=list)

    def commit(self, names: list[str]) -> None:
        self.commits.append(names)
        self.head = hashlib.sha1(f"{self.head}{names}{len(self.commits)}".encode()).hexdigest()


class HubServer:
    """The server's state, and what tests may do to it."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        self.uploads = 0
        self.ignores_private = False
        self.ignores_gating = False
        self.cut: Callable[[int], Cut | None] = lambda number: None
        """Asked with the number of each request; one that is cut gets no reply, whatever was done for it."""
        self.instead: Callable[[str], Odd | None] = lambda request: None
        """Asked with "METHOD path"; what it gives is sent in place of the answer."""
        self.before_upload: Callable[[int], int | None] = lambda number: None
        self.before_commit: Callable[[Repository], None] = lambda repository: None
        self._lock = threading.RLock()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[HubServer]:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def environment(self, home: str, token: str = GOOD_TOKEN) -> dict[str, str]:
        """What a process needs to take this for the Hub."""
        return {
            "HF_ENDPOINT": self.endpoint,
            "HF_TOKEN": token,
            "HF_HOME": home,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it holds small answers back for 40 ms

    def do_GET(self) -> None:
        self._answer("GET")

    def do_HEAD(self) -> None:
        self._answer("HEAD")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, method: str) -> None:
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        with self.hub._lock:
            self.hub.requests.append(f"{method} {path}")
            self.hub.tokens.add(self._token())
            cut = self.hub.cut(len(self.hub.requests))
            if cut is not None:
                self.close_connection = True
            if cut == "before it is done":
                return
            self._is_cut = cut is not None
            odd = self.hub.instead(self.hub.requests[-1])
            if odd is not None:
                self._send(*odd)
                return
            for pattern, methods, answer in _ROUTES:
                match = re.fullmatch(pattern, path)
                if match and method in methods:
                    answer(self, **match.groupdict())
                    return
            self._send(404, {"error": "Not found"})

    # --- who, and what repositories -----------------------------------------------------------

    def whoami(self) -> None:
        token = self._token()
        if token not in (GOOD_TOKEN, READ_TOKEN):
            return self._send(401, {"error": "Invalid credentials in Authorization header"})
        role = "write" if token == GOOD_TOKEN else "read"
        orgs = [{"name": "lab", "roleInOrg": "write"}, {"name": "looked-at", "roleInOrg": "read"}]
        return self._send(
            200, {"name": "ada", "type": "user", "orgs": orgs, "auth": {"accessToken": {"role": role}}}
        )

    def create(self) -> None:
        if not self._may_write():
            return None
        asked = json.loads(self.body)
        name = f"{asked.get('organization') or 'ada'}/{asked['name']}"
        url = f"{self.hub.endpoint}/datasets/{name}"
        if name in self.hub.repositories:
            return self._send(409, {"error": "You already created this dataset repo", "url": url})
        is_private = (asked.get("visibility") == "private" or asked.get("private")) is True
        repository = Repository(private=is_private and not self.hub.ignores_private)
        repository.files[".gitattributes"] = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"
        repository.commit([".gitattributes"])
        self.hub.repositories[name] = repository
        return self._send(200, {"url": url, "name": name})

    def settings(self, name: str) -> None:
        repository = self._repository(name)
        if repository is None or not self._may_write():
            return
        asked = json.loads(self.body)
        if "gated" in asked and not self.hub.ignores_gating:
            repository.gated = asked["gated"]
        if "visibility" in asked and not self.hub.ignores_private:
            repository.private = asked["visibility"] == "private"
        self._send(200, {})

    def info(self, name: str, revision: str = "main") -> None:
        repository = self._repository(name)
        if repository is None:
            return
        self._send(
            200,
            {
                "_id": "0" * 24,
                "id": name,
                "sha": repository.head,
                "private": repository.private,
                "gated": repository.gated,
                "disabled": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "lastModified": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "siblings": [{"rfilename": path} for path in sorted(repository.files)],
            },
        )

    # --- files in -------------------------------------------------------------------------------

    def validate_yaml(self) -> None:
        self._send(200, {"errors": [], "warnings": []})

    def preupload(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        if repository is None or not self._may_write():
            return
        modes = []
        for one in json.loads(self.body)["files"]:
            path = one["path"]
            there = repository.files.get(path)
            modes.append(
                {
                    "path": path,
                    "uploadMode": "lfs" if path.endswith(".parquet") else "regular",
                    "shouldIgnore": False,
                    "oid": None if there is None else repository.large.get(path) or _blob(there),
                }
            )
        self._send(200, {"files": modes})

    def lfs_batch(self, name: str) -> None:
        if self._repository(name) is None or not self._may_write():
            return
        objects = []
        for one in json.loads(self.body)["objects"]:
            answer: dict[str, Any] = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.hub.objects:
                answer["actions"] = {
                    "upload": {"href": f"{self.hub.endpoint}/lfs/{one['oid']}", "header": {}},
                    "verify": {"href": f"{self.hub.endpoint}/lfs/{one['oid']}/verify", "header": {}},
                }
            objects.append(answer)
        self._send(200, {"transfer": "basic", "objects": objects})

    def lfs_upload(self, oid: str) -> None:
        self.hub.uploads += 1
        refusal = self.hub.before_upload(self.hub.uploads)
        if refusal is not None:
            return self._send(refusal, {"error": "refused"})
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self._send(400, {"error": "not the content that was announced"})
        self.hub.objects[oid] = self.body
        return self._send(200, {})

    def lfs_verify(self, oid: str) -> None:
        self._send(200 if oid in self.hub.objects else 404, {})

    def commit(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        if repository is None or not self._may_write():
            return None
        self.hub.before_commit(repository)
        lines = [json.loads(line) for line in self.body.decode().splitlines()]
        header = lines[0]["value"]
        if header.get("parentCommit") not in (None, repository.head):
            return self._send(412, {"error": "A commit has happened since. Please refresh and try again."})
        names = []
        for line in lines[1:]:
            value = line["value"]
            names.append(value["path"])
            repository.large.pop(value["path"], None)
            if line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.hub.objects[value["oid"]]
                repository.large[value["path"]] = value["oid"]
            elif line["key"] == "deletedFile":
                del repository.files[value["path"]]
        repository.commit(names)
        url = f"{self.hub.endpoint}/datasets/{name}/commit/{repository.head}"
        return self._send(200, {"success": True, "commitOid": repository.head, "commitUrl": url})

    # --- files out ------------------------------------------------------------------------------

    def tree(self, name: str, revision: str, below: str | None = None) -> None:
        repository = self._repository(name)
        if repository is None:
            return None
        recursive = parse_qs(urlsplit(self.path).query).get("recursive", ["false"])[0].lower() in (
            "true",
            "1",
        )
        prefix = f"{below.strip('/')}/" if below and below.strip("/") else ""
        entries: dict[str, dict[str, Any]] = {}
        for path in sorted(repository.files):
            if not path.startswith(prefix):
                continue
            parts = path.removeprefix(prefix).split("/")
            for depth in range(1, len(parts) if recursive else min(2, len(parts))):
                folder = prefix + "/".join(parts[:depth])
                entries[folder] = {"type": "directory", "path": folder, "oid": "1" * 40, "size": 0}
            if recursive or len(parts) == 1:
                entries[path] = self._entry(repository, path)
        if prefix and not entries:
            return self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        return self._send(200, list(entries.values()))

    def paths_info(self, name: str, revision: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return
        asked = parse_qs(self.body.decode()).get("paths", [])
        if not asked and self.body.startswith(b"{"):
            asked = json.loads(self.body)["paths"]
        found = [self._entry(repository, path) for path in asked if path in repository.files]
        for path in asked:
            if path not in repository.files and any(one.startswith(f"{path}/") for one in repository.files):
                found.append({"type": "directory", "path": path, "oid": "1" * 40, "size": 0})
        self._send(200, found)

    def resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._repository(name)
        if repository is None:
            return None
        content = repository.files.get(path)
        if content is None:
            return self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        headers = {
            "ETag": f'"{repository.large.get(path) or _blob(content)}"',
            "X-Repo-Commit": repository.head,
            "Accept-Ranges": "bytes",
            "Content-Type": "application/octet-stream",
        }
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if span is None:
            return self._send(200, content, headers)
        first = int(span.group(1))
        last = min(int(span.group(2) or len(content) - 1), len(content) - 1)
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return self._send(206, content[first : last + 1], headers)

    # --- how ------------------------------------------------------------------------------------

    def _entry(self, repository: Repository, path: str) -> dict[str, Any]:
        content = repository.files[path]
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": _blob(content)}
        if path in repository.large:
            oid = repository.large[path]
            entry["lfs"] = {"oid": oid, "size": len(content), "pointerSize": 130}
        return entry

    def _repository(self, name: str) -> Repository | None:
        """The repository as this caller may see it: a private one is not there for strangers."""
        repository = self.hub.repositories.get(name)
        known = self._token() in (GOOD_TOKEN, READ_TOKEN)
        if repository is None or (repository.private and not known):
            error = "Repository not found"
            status = 404 if known else 401
            self._send(status, {"error": error}, {"X-Error-Code": "RepoNotFound", "X-Error-Message": error})
            return None
        return repository

    def _may_write(self) -> bool:
        token = self._token()
        if token == GOOD_TOKEN:
            return True
        self._send(403 if token == READ_TOKEN else 401, {"error": "no write access"})
        return False

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        if self._is_cut:
            return
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


_NAME = r"(?P<name>[^/]+/[^/]+)"
_ROUTES: list[tuple[str, tuple[str, ...], Callable[..., None]]] = [
    (r"/api/whoami-v2", ("GET",), _Handler.whoami),
    (r"/api/repos/create", ("POST",), _Handler.create),
    (r"/api/validate-yaml", ("POST",), _Handler.validate_yaml),
    (rf"/api/datasets/{_NAME}/settings", ("PUT",), _Handler.settings),
    (rf"/api/datasets/{_NAME}/preupload/(?P<revision>[^/]+)", ("POST",), _Handler.preupload),
    (rf"/api/datasets/{_NAME}/commit/(?P<revision>[^/]+)", ("POST",), _Handler.commit),
    (rf"/api/datasets/{_NAME}/tree/(?P<revision>[^/]+)(?P<below>/.*)?", ("GET",), _Handler.tree),
    (rf"/api/datasets/{_NAME}/paths-info/(?P<revision>[^/]+)", ("POST",), _Handler.paths_info),
    (rf"/api/datasets/{_NAME}/revision/(?P<revision>[^/]+)", ("GET",), _Handler.info),
    (rf"/api/datasets/{_NAME}", ("GET",), _Handler.info),
    (rf"/datasets/{_NAME}\.git/info/lfs/objects/batch", ("POST",), _Handler.lfs_batch),
    (r"/lfs/(?P<oid>[0-9a-f]{64})", ("PUT",), _Handler.lfs_upload),
    (r"/lfs/(?P<oid>[0-9a-f]{64})/verify", ("POST",), _Handler.lfs_verify),
    (rf"/datasets/{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", ("GET", "HEAD"), _Handler.resolve),
]
