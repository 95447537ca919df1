"""The web application a clinician judges in: on this machine only, for whoever holds its token.

Nothing is fetched from elsewhere, nothing is sent anywhere; text reaches the page as data, never as markup.
"""

from __future__ import annotations

import datetime
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from pydantic import Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from ccf_pipeline.errors import CcfError
from ccf_pipeline.quality.review.judgements import JudgementBook
from ccf_pipeline.records import Direction, Judgement, Noun, Opinion, ReviewMode, Shown

COOKIE = "ccf_review_{port}"
"""One cookie a port: browsers send those of every port of a machine."""
MOST_BYTES = 16_384
REASONS = (
    "contradicts itself",
    "contradicts the image",
    "wrong side or place",
    "wrong size or severity",
    "unlikely together",
    "signs are missing",
    "reads unnaturally",
    "something else",
)
PAGE = {
    "review.html": "text/html",
    "review.css": "text/css",
    "review.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_GO_ON = '<!doctype html><meta http-equiv="refresh" content="0;url=/"><a href="/">Go on</a>'
GUARDS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Item:
    """One thing to judge: what is asked, the texts that are shown, and an image where there is one."""

    record_id: str
    shown: Shown
    direction: Direction
    target: str
    question: str
    text: str
    beside: str | None = None
    """The factual report, where both are shown."""
    image: Callable[[], bytes | None] | None = None


@dataclass(frozen=True)
class Sheet:
    """What one reader is shown, in order."""

    reader: str
    mode: ReviewMode
    items: tuple[Item, ...]


class Said(Noun):
    """A judgement as the page sends it."""

    item: int = Field(ge=0)
    opinion: Opinion
    reasons: tuple[Literal[REASONS], ...] = ()  # type: ignore[valid-type]
    comment: str = Field(default="", max_length=2000)
    seconds: float = Field(default=0.0, ge=0, le=86_400)


def review_app(
    sheet: Sheet, book: JudgementBook, *, token: str, hosts: frozenset[str], tickets: set[str] | None = None
) -> Starlette:
    """The application for one reader.

    Args:
        hosts: the names it may be called by.
        tickets: each stands for the token once.
    """
    cookie = COOKIE.format(port=min(hosts).rpartition(":")[2])
    desk = _Desk(sheet, book, token, cookie, tickets or set())
    return Starlette(
        routes=[
            Route("/", desk.front),
            Route("/sheet", desk.sheet),
            Route("/items/{number:int}", desk.item),
            Route("/items/{number:int}/image", desk.image),
            Route("/judgements", desk.judge, methods=["POST"]),
            Route("/{name}", desk.file),
        ],
        middleware=[Middleware(_Door, token=token, cookie=cookie, hosts=hosts)],
        exception_handlers={CcfError: _make_error_response},
    )


class _Door:
    """Lets in who calls this machine by its own name and holds the token; everybody else learns nothing."""

    def __init__(self, app: ASGIApp, *, token: str, cookie: str, hosts: frozenset[str]) -> None:
        self._app, self._token, self._cookie, self._hosts = app, token, cookie, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        origin = request.headers.get("origin")
        if request.headers.get("host", "") not in self._hosts:
            await _refuse("This page answers to this machine only.")(scope, receive, send)
        elif origin is not None and origin.removeprefix("http://") not in self._hosts:
            await _refuse("This page answers to itself only.")(scope, receive, send)
        elif request.url.path == "/" and not request.query_params.keys().isdisjoint(("token", "ticket")):
            await self._app(scope, receive, send)
        elif not _is_same(request.cookies.get(self._cookie, ""), self._token):
            await _refuse("Open the whole address that `ccf-build review` printed.")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class _Desk:
    """Answers the page."""

    def __init__(self, sheet: Sheet, book: JudgementBook, token: str, cookie: str, tickets: set[str]) -> None:
        self._sheet, self._book, self._token = sheet, book, token
        self._cookie, self._tickets = cookie, tickets

    async def front(self, request: Request) -> Response:
        """The token in the address becomes a cookie, so that it does not stay in the browser's history.

        Who comes with a ticket comes from another page: a browser that is only sent on would keep a strict
        cookie back, so that this page has to go on by itself.
        """
        spoken, ticket = (request.query_params.get(name) for name in ("token", "ticket"))
        answer: Response
        if spoken is None and ticket is None:
            return _serve_page("review.html")
        if spoken is not None and _is_same(spoken, self._token):
            answer = RedirectResponse("/", status_code=303, headers=GUARDS)
        elif ticket is not None and ticket in self._tickets:
            self._tickets.remove(ticket)
            answer = HTMLResponse(_GO_ON, headers=GUARDS)
        else:
            return _refuse("Open the whole address that `ccf-build review` printed.")
        answer.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return answer

    async def file(self, request: Request) -> Response:
        name = request.path_params["name"]
        return _serve_page(name) if name in PAGE else _refuse("There is no such page.", status=404)

    async def sheet(self, request: Request) -> Response:
        said = await run_in_threadpool(self._book.of_reader, self._sheet.reader, self._sheet.mode)
        opinions = [said[item.record_id].opinion if item.record_id in said else None for item in self._items]
        return _make_data_response(
            {
                "reader": self._sheet.reader,
                "mode": self._sheet.mode,
                "reasons": REASONS,
                "opinions": opinions,
            }
        )

    async def item(self, request: Request) -> Response:
        item = self._find_item(request.path_params["number"])
        if item is None:
            return _refuse("There is no such report.", status=404)
        said = await run_in_threadpool(self._book.of_reader, self._sheet.reader, self._sheet.mode)
        before = said.get(item.record_id)
        return _make_data_response(
            {
                "question": item.question,
                "text": item.text,
                "beside": item.beside,
                "image": item.image is not None,
                "said": before.model_dump(include={"opinion", "reasons", "comment"}) if before else None,
            }
        )

    async def image(self, request: Request) -> Response:
        item = self._find_item(request.path_params["number"])
        picture = await run_in_threadpool(item.image) if item and item.image else None
        if picture is None:
            return _refuse("There is no such image.", status=404)
        return Response(picture, media_type="image/jpeg", headers=GUARDS)

    async def judge(self, request: Request) -> Response:
        if request.headers.get("content-type") != "application/json":
            return _refuse("Judgements come as JSON.", status=415)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                return _refuse("That is too long for a judgement.", status=413)
        try:
            said = Said.model_validate_json(bytes(body))
        except ValidationError:
            return _refuse("That is not a judgement.", status=422)
        item = self._find_item(said.item)
        if item is None:
            return _refuse("There is no such report.", status=404)
        judgement = Judgement(
            record_id=item.record_id,
            reader=self._sheet.reader,
            mode=self._sheet.mode,
            shown=item.shown,
            direction=item.direction,
            target=item.target,
            opinion=said.opinion,
            reasons=said.reasons,
            comment=said.comment.strip(),
            seconds=round(said.seconds, 1),
            judged_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
        await run_in_threadpool(self._book.keep, judgement)
        return _make_data_response({"kept": True})

    @property
    def _items(self) -> tuple[Item, ...]:
        return self._sheet.items

    def _find_item(self, number: int) -> Item | None:
        return self._items[number] if 0 <= number < len(self._items) else None


def _is_same(spoken: str, token: str) -> bool:
    return hmac.compare_digest(spoken.encode("utf-8", "surrogatepass"), token.encode())


def _serve_page(name: str) -> Response:
    text = resources.files(__package__).joinpath("page", name).read_text(encoding="utf-8")
    return Response(text, media_type=f"{PAGE[name]}; charset=utf-8", headers=GUARDS)


def _make_data_response(value: dict[str, Any]) -> Response:
    return JSONResponse(json.loads(json.dumps(value)), headers=GUARDS)


def _refuse(why: str, status: int = 403) -> Response:
    return PlainTextResponse(why, status_code=status, headers=GUARDS)


async def _make_error_response(request: Request, error: Exception) -> Response:
    what = error.what if isinstance(error, CcfError) else "Something went wrong."
    return PlainTextResponse(what, status_code=503, headers=GUARDS)
