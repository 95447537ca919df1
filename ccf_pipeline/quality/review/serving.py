"""Serving the review on this machine until it is stopped."""

from __future__ import annotations

import contextlib
import html
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

import uvicorn

from ccf_pipeline.errors import CcfError
from ccf_pipeline.files.disk import remove, write_text
from ccf_pipeline.quality.review.app import Sheet, review_app
from ccf_pipeline.quality.review.judgements import JudgementBook

HOST = "127.0.0.1"
_LOOK_SECONDS = 0.05


class PortTaken(CcfError):
    """The port is in use, or may not be used."""

    hint = "Leave --port out: a free one is found."


def serve_review(
    sheet: Sheet, book: JudgementBook, *, port: int, tell: Callable[[str], None], open_browser: bool
) -> None:
    """Serve until Ctrl-C; `tell` is given the address once the page can be opened."""
    token, tickets = secrets.token_urlsafe(24), {secrets.token_urlsafe(24)}
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise PortTaken(f"port {port} of this machine cannot be used") from error
        listening.listen()
        bound = listening.getsockname()[1]
        hosts = frozenset({f"{HOST}:{bound}", f"localhost:{bound}"})
        server = uvicorn.Server(
            uvicorn.Config(
                review_app(sheet, book, token=token, hosts=hosts, tickets=tickets),
                log_level="error",
                access_log=False,
                server_header=False,
                lifespan="off",
            )
        )
        tell(f"http://{HOST}:{bound}/?token={token}")
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.suppress(KeyboardInterrupt))
            if open_browser:
                door = book.path.with_name("open.html")
                stack.callback(remove, door)
                _write_door(door, f"http://{HOST}:{bound}/?ticket={min(tickets)}")
                threading.Thread(target=_open_browser, args=(server, door, tickets), daemon=True).start()
            server.run(sockets=[listening])


def _write_door(path: Path, address: str) -> None:
    """Write the file that leads to the review: an address on a command line can be read by everybody."""
    line = f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(address)}">\n'
    write_text(path, line, private=True)


def _open_browser(server: uvicorn.Server, door: Path, tickets: set[str]) -> None:
    """Open the browser once the server answers, however long that browser takes; then forget the way in."""
    while not server.started:
        time.sleep(_LOOK_SECONDS)
    webbrowser.open(door.resolve().as_uri())
    while tickets:
        time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(CcfError):
        remove(door)
