"""Serving the review on this machine until it is stopped."""

from __future__ import annotations

import contextlib
import secrets
import socket
import webbrowser
from collections.abc import Callable

import uvicorn

from ccf_pipeline.errors import CcfError
from ccf_pipeline.quality.review.app import Sheet, review_app
from ccf_pipeline.quality.review.judgements import JudgementBook

HOST = "127.0.0.1"


class PortTaken(CcfError):
    """The port is in use, or may not be used."""

    hint = "Leave --port out: a free one is found."


def serve_review(
    sheet: Sheet, book: JudgementBook, *, port: int, tell: Callable[[str], None], open_browser: bool
) -> None:
    """Serve until Ctrl-C; `tell` is given the address once the page can be opened."""
    token = secrets.token_urlsafe(24)
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
                review_app(sheet, book, token=token, hosts=hosts),
                log_level="error",
                access_log=False,
                server_header=False,
                lifespan="off",
            )
        )
        address = f"http://{HOST}:{bound}/?token={token}"
        tell(address)
        if open_browser:
            webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
