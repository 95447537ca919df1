"""From a reply's bytes to a completion: what the model said, without its thinking, and what it cost."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ccf_pipeline.experts.chat.faults import Broken, Refused
from ccf_pipeline.reader.letters import clean_text
from ccf_pipeline.records import Completion, Message, Sampling

THINKING = re.compile(r"\A\s*<(think|thinking|reasoning)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
END_OF_THINKING = re.compile(r"\A.{0,200000}</(?:think|thinking|reasoning)>", re.DOTALL | re.IGNORECASE)
# Blanks without end, or a few letters over and over: a model that ran away. No report has the like.
RUN_AWAY = re.compile(r"\s{400}|(.{1,40}?)\1{60}", re.DOTALL)
LOOKED_AT = 4000
NAME = re.compile(r"[\w./:-]{1,80}", re.ASCII)
TICKETS = re.compile(r"ccf-[0-9a-f]{16}")
STOPPED = frozenset({"stop", "length", "content_filter", "repetition"})


LETTERS_PER_TOKEN = 3
"""Of medical English it is more: where tokens are not told, rather too many are counted than too few."""
UNTOLD_TOKENS = 4096
"""So many tokens a chat template may add to a question."""


@dataclass(frozen=True)
class TokenRoom:
    """The tokens that a question and its answer can have; what a server says beyond them is nonsense."""

    about_in: int
    most_in: int
    most_out: int


def measure_room(messages: Iterable[Message], sampling: Sampling | None) -> TokenRoom:
    """Return the tokens that these messages can come to: each is a byte at least."""
    texts = [message.content for message in messages]
    return TokenRoom(
        about_in=sum(map(len, texts)) // LETTERS_PER_TOKEN + 1,
        most_in=sum(len(text.encode("utf-8", "replace")) for text in texts) + UNTOLD_TOKENS,
        most_out=sampling.max_tokens * sampling.candidates if sampling else UNTOLD_TOKENS * 32,
    )


def new_ticket() -> str:
    """A name for one request, which nothing but its reply can know."""
    return f"ccf-{secrets.token_hex(8)}"


def read_reply(
    body: bytes, *, prompt_id: str, expert: str, model: str, room: TokenRoom, ticket: str = ""
) -> Completion:
    """The completion in a reply; raises a fault where there is none to use.

    Args:
        room: how many tokens question and answer can have.
        ticket: what the request was called; a server that names its replies after requests, as vLLM does,
            says by it when it mixes them up.
    """
    told = _parse_body(body)
    named = TICKETS.findall(str(told.get("id")))
    if named and ticket not in named:
        raise Broken("the reply is to another request")
    choice, message = _get_choice(told)
    finish = str(choice.get("finish_reason") or "stop")
    if finish == "content_filter":
        raise Refused("the provider's content filter refused it", known=True)
    if finish not in STOPPED:
        finish = "stop" if finish in {"eos", "eos_token", "stop_sequence", "tool_calls"} else finish
        if finish in {"abort", "error"}:
            raise Broken(f"the server gave up on the answer ({finish})")
    content = message.get("content")
    text = clean_text(without_thinking(content if isinstance(content, str) else ""))
    if finish == "repetition" or _is_repeating(text):
        text, finish = text[:LOOKED_AT], "length"
    tokens_in, cached, tokens_out, estimated = _read_usage(told, body, room)
    return Completion.model_construct(
        prompt_id=prompt_id,
        expert=expert,
        model=model,
        text=text,
        others=_read_other_wordings(told, text),
        finish_reason=finish if finish in STOPPED else "stop",
        failure=None,
        served_by=_identify_model(told),
        tokens_in=tokens_in,
        tokens_cached=cached,
        tokens_out=tokens_out,
        tokens_estimated=estimated,
        attempt=1,
    )


def without_thinking(text: str) -> str:
    """The answer alone; thinking that never ended leaves none."""
    if "<" not in text:
        return text
    rest = THINKING.sub("", text, count=1)
    # A chat template may open the thinking itself, so that only its end is heard.
    return END_OF_THINKING.sub("", rest, count=1).lstrip()


def _parse_body(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise Broken("the reply is not JSON") from None
    if not isinstance(told, dict):
        raise Broken("the reply is not a chat completion")
    return told


def _get_choice(told: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    choices = told.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise Broken("the reply is not a chat completion")
    return choice, message


def _read_other_wordings(told: dict[str, Any], first: str) -> tuple[str, ...]:
    """Return the texts of the further choices of a reply that came to their end, each once."""
    texts = {first: None}
    for choice in told["choices"][1:]:
        message = choice.get("message") if isinstance(choice, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str) and choice.get("finish_reason") in (None, "stop"):
            texts[clean_text(without_thinking(content))] = None
    return tuple(texts)[1:]


def _is_repeating(text: str) -> bool:
    return len(text) > LOOKED_AT and RUN_AWAY.search(text[-LOOKED_AT:]) is not None


def _identify_model(told: dict[str, Any]) -> str | None:
    """The model that says it answered, with the fingerprint of its configuration where there is one.

    A server may repeat the question here. What does not look like a name is kept as its digest: it reaches
    logs, terminals and the data set.
    """
    said = [told.get("model"), told.get("system_fingerprint")]
    return " ".join(name_or_digest(part) for part in said if isinstance(part, str) and part) or None


def name_or_digest(said: str) -> str:
    """Return a name as it is, and the digest of anything else."""
    if NAME.fullmatch(said):
        return said
    return f"sha256:{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _read_usage(told: dict[str, Any], body: bytes, room: TokenRoom) -> tuple[int, int, int, bool]:
    """Return the tokens read, those of them cached, those written, and whether they are estimated."""
    usage = told.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    details = usage.get("prompt_tokens_details")
    tokens_in = _count(usage.get("prompt_tokens"), 1, room.most_in)
    tokens_out = _count(usage.get("completion_tokens"), 1, max(room.most_out, len(body)))
    cached = _count(details.get("cached_tokens"), 0, tokens_in or 0) if isinstance(details, dict) else 0
    estimated_out = sum(map(_count_letters, told["choices"])) // LETTERS_PER_TOKEN + 1
    estimated = tokens_in is None or tokens_out is None
    return tokens_in or room.about_in, cached or 0, tokens_out or estimated_out, estimated


def _count_letters(choice: Any) -> int:
    """Count what was written for a choice, thinking and calls of tools included: all of it is paid for."""
    message = choice.get("message") if isinstance(choice, dict) else None
    return len(json.dumps(message, ensure_ascii=False)) if isinstance(message, dict) else 0


def _count(value: Any, least: int, most: int) -> int | None:
    """Return a number of tokens; None where it is none, or cannot be."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return value if is_count else None
