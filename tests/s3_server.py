"""moto's S3 over real HTTP, on this machine, which misbehaves when told to."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

SECRET = "the-secret-key-of-nobody"

Environ = dict[str, Any]
Mischief = Callable[[str, str, Environ], str | None]
"""From method, path and environment to what is to go wrong: an S3 error code, `lost reply`, or nothing."""

STATUS = {"AccessDenied": 403, "SlowDown": 503, "InternalError": 500}


@dataclass
class S3Server:
    """Where it listens, and what it does instead of answering."""

    endpoint: str = ""
    mischief: Mischief | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self, name: str) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")).close()


@contextmanager
def serving_s3() -> Iterator[S3Server]:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        disable_nagle_algorithm = True  # it holds small answers back for 40 ms

        def log(self, *_: object) -> None:
            """Say nothing."""

    server, moto = S3Server(), DomainDispatcherApplication(create_backend_app)

    def application(environ: Environ, begin: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        server.requests.append((method, path))
        fault = server.mischief(method, path, environ) if server.mischief else None
        if fault is None:
            answer: Iterable[bytes] = moto(environ, begin)
            return answer
        if fault == "lost reply":
            b"".join(moto(environ, lambda *_: lambda _: None))
            fault = "InternalError"
        else:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        begin(str(STATUS[fault]), [("Content-Type", "application/xml")])
        return [f"<Error><Code>{fault}</Code><Message>{SECRET}</Message></Error>".encode()]

    web = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    server.endpoint = f"http://127.0.0.1:{web.server_port}"
    thread = Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


def slow(seconds: float) -> Mischief:
    """Everything takes a while."""

    def wait(method: str, path: str, environ: Environ) -> None:
        time.sleep(seconds)

    return wait


def without_conditions(method: str, path: str, environ: Environ) -> None:
    """A store that does not know conditional puts, and does what it is told."""
    environ.pop("HTTP_IF_NONE_MATCH", None)
