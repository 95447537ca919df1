"""Sort faults by whom they stop: the question, the server or the run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ccf_pipeline.errors import CcfError, EndpointRefused, ExpertError, Unfinished

BUSY = frozenset({408, 409, 425, 429, 503, 529})
GONE = frozenset({502, 504, 521, 522, 523, 524})
QUOTA = re.compile(r"insufficient_quota|billing|credit balance|quota exceeded", re.IGNORECASE)
TOO_LONG = re.compile(
    r"context[ _]length|context window|maximum (?:context|model) len|too many tokens|prompt is too long"
    r"|reduce the length|longer than the maximum",
    re.IGNORECASE,
)
FILTERED = re.compile(r"content[ _]?(?:filter|policy)|responsible_?ai|safety", re.IGNORECASE)


class Fault(Exception):
    """No answer; the text is ours and never the server's, which may repeat the question."""


@dataclass
class Busy(Fault):
    """The server takes no more just now. The question waits; this says nothing against it."""

    reason: str
    retry_after: float | None = None


@dataclass
class Gone(Fault):
    """The server cannot be reached, or went away. The question waits until one can.

    It costs an attempt where the question had been sent: there are prompts that bring a server down.
    """

    reason: str
    cost: int = 0


@dataclass
class Broken(Fault):
    """An attempt failed; the question is tried again, so many times. `cost` is what it takes of them."""

    reason: str
    cost: int = 1


@dataclass
class Refused(Fault):
    """The server does not answer this question. `known` says that it is the question's own doing."""

    reason: str
    known: bool


class Overlong(Fault):
    """The answer is longer than any answer can be."""


@dataclass
class Fatal(Fault):
    """Nothing that is asked of this server will be answered."""

    error: CcfError


def fault_of_status(status: int, body: bytes, retry_after: float | None, model: str, server: str) -> Fault:
    """Return what a status other than 200 means."""
    said = _read_error_fields(body)
    if 300 <= status < 400:
        return Fatal(
            EndpointRefused(
                f"{server}: it sends on to another address (status {status}), which is not followed",
                hint="Name the address that it points to, if reports may go there.",
            )
        )
    if status == 402 or (status in {403, 429} and QUOTA.search(said)):
        return Fatal(
            Unfinished(
                f"{server}: the account's quota is used up (status {status})",
                hint="Answers that were paid for are kept. Top up, then run the same command again.",
            )
        )
    if status == 413 or (status in {400, 422} and TOO_LONG.search(said)):
        return Refused("the prompt is longer than the model's context", known=True)
    if status in {400, 403, 422} and FILTERED.search(said):
        return Refused("the provider's content filter refused it", known=True)
    if status in {400, 422}:
        return Refused(f"the server does not take it (status {status})", known=False)
    if status in BUSY:
        return Busy(f"is busy (HTTP {status})", retry_after)
    if status in GONE:
        return Gone(f"it cannot be reached (status {status})", cost=1)
    if status >= 500 and status != 501:
        return Broken(f"status {status}")
    return Fatal(_make_access_error(status, model, server))


def _make_access_error(status: int, model: str, server: str) -> ExpertError:
    hints = {
        401: "It wants a key, or another one: name its variable in `endpoint.key_variable` (--key-variable).",
        403: "The key may not use this model or host.",
        404: f"It answered before: check that it still serves `{model}`, then run the same command again.",
    }
    return ExpertError(f"{server}: the server answered {status}", hint=hints.get(status))


def _read_error_fields(body: bytes) -> str:
    """Code, type and message of an error, to be searched and never to be shown."""
    try:
        told: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    error = told.get("error", told) if isinstance(told, dict) else told
    if isinstance(error, dict):
        return " ".join(str(error.get(key, "")) for key in ("code", "type", "message"))[:4000]
    return str(error)[:4000]
