"""Decide where a push may go, and keep huggingface_hub's client from going anywhere else with the token.

HF_ENDPOINT is not asked: whoever sets a variable in a shell profile must not move a data set. The client
refuses plain http beyond this machine and a token beyond the endpoint, redirects and addresses that a server
names included.
"""

from __future__ import annotations

import ipaddress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ccf_pipeline.errors import HubRefused

THE_HUB = "https://huggingface.co"
_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """The part of an address that decides who is spoken to, and whether others may listen."""

    scheme: str
    host: str
    port: int


def read_endpoint(named: str | None) -> str:
    """Return the Hub's address, or the other one that was named; it is https, or lies on this machine."""
    spoken = (named or THE_HUB).rstrip("/")
    refused = HubRefused(
        "--endpoint is not the address of a Hub",
        hint=f"Write it as in {THE_HUB}: https, no user, no query. Plain http is for this machine only.",
    )
    if not spoken.isascii() or not spoken.isprintable() or any(mark in spoken for mark in " \\@?#%"):
        raise refused
    try:
        origin = _read_origin(spoken)
    except ValueError:
        raise refused from None
    if not origin.host or not _may_carry_token(origin):
        raise refused
    return spoken


def guard_client(endpoint: str) -> None:
    """Give huggingface_hub a client that sends the token to `endpoint` alone, and nothing in the clear.

    A proxy of the environment sees only encrypted requests: it is not used for a Hub on this machine.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    own = _read_origin(endpoint)

    def refuse_elsewhere(request: Any) -> None:
        there = _read_origin(str(request.url))
        if not _may_carry_token(there) or ("authorization" in request.headers and there != own):
            raise HubRefused(
                f"{own.host} points to {there.scheme}://{there.host}, where nothing may be sent",
                hint="A Hub keeps the token to itself and speaks https; ask whoever runs this one.",
            )

    def make_client() -> Any:
        usual: Any = default_client_factory()
        hooks = usual.event_hooks
        hooks["request"] = [*hooks["request"], refuse_elsewhere]
        return type(usual)(
            event_hooks=hooks, follow_redirects=True, timeout=usual.timeout, trust_env=own.scheme == "https"
        )

    set_client_factory(make_client)


def _read_origin(url: str) -> Origin:
    parts = urlsplit(url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))


def _may_carry_token(origin: Origin) -> bool:
    return origin.scheme == "https" or (origin.scheme == "http" and _is_this_machine(origin.host))


def _is_this_machine(host: str) -> bool:
    """True of a literal loopback address; a name, even `localhost`, may be made to point elsewhere."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
