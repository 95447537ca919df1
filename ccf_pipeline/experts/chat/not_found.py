"""Explain a 404: what the server says to a question without a report, and which models it lists."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import aiohttp

from ccf_pipeline.errors import CcfError, ExpertError
from ccf_pipeline.experts.chat.answers import NAME
from ccf_pipeline.experts.chat.connection import settled_session

if TYPE_CHECKING:
    from ccf_pipeline.experts.guard import Endpoint

WAIT_SECONDS = 5.0
MOST_BYTES = 1 << 20
MOST_LETTERS = 200
MODELS_NAMED = 5
# The sentence that is shown answers this one: the server's word on a report never is.
HARMLESS = "Say OK."


async def explain_missing(endpoint: Endpoint, model: str, *, key: str) -> CcfError:
    """Return the error for a server that answered 404, with a hint that names a model or URL it knows."""
    base = endpoint.base_url
    session = settled_session(endpoint, {"Authorization": f"Bearer {key}"}, WAIT_SECONDS)
    async with session:
        ids = await _list_models(session, base)
        deeper = [] if ids else await _list_models(session, f"{base}/v1")
        sentence = await _ask_harmlessly(session, base, model)
    said = f": {sentence}" if sentence else ""
    if ids:
        more = f" and {len(ids) - MODELS_NAMED} more" if len(ids) > MODELS_NAMED else ""
        hint = f"It serves {', '.join(ids[:MODELS_NAMED])}{more}: name one of them with --model."
    elif deeper:
        hint = f"Its URL ends in /v1: --base-url {endpoint.name}/v1"
    else:
        hint = f"Check the URL (it mostly ends in /v1) and that the server serves `{model}`."
    return ExpertError(
        f"{endpoint.name}: the server does not know `{model}` or this URL (404){said}", hint=hint
    )


async def list_models(endpoint: Endpoint, *, key: str) -> list[str]:
    """Return the models that a server lists; none where it does not answer."""
    session = settled_session(endpoint, {"Authorization": f"Bearer {key}"}, WAIT_SECONDS)
    async with session:
        return await _list_models(session, endpoint.base_url)


async def _list_models(session: aiohttp.ClientSession, base: str) -> list[str]:
    told = await _fetch(session, "GET", f"{base}/models")
    listed = told.get("data") if isinstance(told, dict) else None
    names = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str) and NAME.fullmatch(name)]


async def _ask_harmlessly(session: aiohttp.ClientSession, base: str, model: str) -> str:
    """Return what the server answers to a question without a report; "" if nothing can be shown."""
    body = {"model": model, "messages": [{"role": "user", "content": HARMLESS}], "max_tokens": 1}
    told = await _fetch(session, "POST", f"{base}/chat/completions", body)
    error = told.get("error", told) if isinstance(told, dict) else None
    said = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    if not isinstance(said, str):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in said)[:MOST_LETTERS].strip()


async def _fetch(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            async with session.request(method, url, json=body, allow_redirects=False) as reply:
                return json.loads(await reply.content.read(MOST_BYTES))
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError, RecursionError):
        return None
