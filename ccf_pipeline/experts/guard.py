"""Guard the endpoints: reports go to this machine, and further only with an attestation.

An address is settled here, once; the client then connects to that address and to no other, so that a name
which changes its mind, a redirect or a proxy cannot carry a report elsewhere.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from ccf_pipeline.corpora import corpus_terms
from ccf_pipeline.errors import EndpointRefused
from ccf_pipeline.experts.attestations import Attestation, read_attestation
from ccf_pipeline.records import CorpusTerms
from ccf_pipeline.settings import BuildSettings

logger = logging.getLogger(__name__)

Zone = Literal["this machine", "private network", "public"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"http": 80, "https": 443}
THIS_MACHINE = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "::1/128")))
PRIVATE = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
# Addresses that stand for another one inside them: mapped and compatible IPv4, NAT64, Teredo, 6to4.
DISGUISES = tuple(
    map(
        ipaddress.ip_network,
        ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16"),
    )
)
NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
WEIGHTED = re.compile(r"(?P<url>.+)=(?P<weight>[1-9][0-9]{0,3})")
# Places where a batch is stored on the provider's disks before it is answered.
STORED = re.compile(r"/(?:batches|files|batch)(?:/|\Z)")
PRIVATE_ENDINGS = frozenset({"local", "localdomain", "lan", "internal", "intranet", "corp", "home", "arpa"})
# Servers on this machine offer such models beside those that they run, and ask somebody else.
RELAYED = re.compile(r"[:-]cloud\Z", re.IGNORECASE)
PROXIES = ("http_proxy", "https_proxy", "all_proxy")


@dataclass(frozen=True)
class Endpoint:
    """A model's address, with the IP addresses it was resolved to; `weight` is its share of the work."""

    base_url: str
    host: str
    port: int
    addresses: tuple[str, ...] = ()
    socket_path: str | None = None
    zone: Zone = "this machine"
    weight: int = 1
    attestation: Attestation | None = None

    @property
    def name(self) -> str:
        """Return what people know it by."""
        return f"unix:{self.socket_path}" if self.socket_path else self.base_url


@dataclass(frozen=True)
class Rules:
    """The endpoint rules of one corpus."""

    corpus: CorpusTerms
    allow_private_net: bool = False
    attestation: Path | None = None
    today: date | None = None

    @property
    def open(self) -> bool:
        return self.corpus.sensitivity == "open"


def allowed_endpoints(settings: BuildSettings) -> tuple[Endpoint, ...]:
    """The endpoints that the settings name, if the reports of their corpus may go there."""
    urls = settings.endpoint.urls
    if not urls:
        raise EndpointRefused(
            "the `openai` expert needs an endpoint",
            hint="Give --base-url, for example http://127.0.0.1:8000/v1, or `endpoint.urls` in build.toml.",
        )
    rules = rules_of(settings)
    endpoints = tuple(allow_endpoint(spoken, rules) for spoken in urls)
    model = settings.expert.model or ""
    if RELAYED.search(model) and not rules.open and any(e.zone == "this machine" for e in endpoints):
        logger.warning(
            "the model %s runs elsewhere: a server on this machine that offers it passes reports on", model
        )
    return endpoints


def rules_of(settings: BuildSettings) -> Rules:
    """Return what holds for the corpus of the settings."""
    endpoint = settings.endpoint
    return Rules(
        corpus_terms(settings.corpus),
        allow_private_net=endpoint.allow_private_net,
        attestation=endpoint.attestation,
    )


def allow_endpoint(spoken: str, rules: Rules) -> Endpoint:
    """The endpoint meant, if reports may go there; refused otherwise, before anything is sent."""
    url, weight = _parse_weight(spoken)
    parts = _parse_url(url, spoken)
    if parts.scheme == "unix":
        return Endpoint(
            "http://localhost/v1",
            "localhost",
            80,
            socket_path=_read_socket_path(parts, spoken),
            weight=weight,
        )
    host = parts.hostname or ""
    port = parts.port or PORTS[parts.scheme]
    written = f"[{host}]" if ":" in host else host
    base_url = f"{parts.scheme}://{written}:{port}{parts.path.rstrip('/')}"
    literal = _parse_literal_address(host, spoken)
    if literal is None:
        _refuse_unlookable(host, spoken, rules)
    addresses = (literal,) if literal else _look_up(host, port, spoken)
    zone = _find_furthest_zone(addresses, host, spoken)
    endpoint = Endpoint(base_url, host, port, tuple(map(str, addresses)), None, zone, weight)
    if zone == "public" and not rules.open:
        return _require_attestation(endpoint, parts.scheme, rules, spoken)
    if zone == "private network" and not (rules.open or rules.allow_private_net):
        raise EndpointRefused(
            f"{spoken}: {host} is in a private network, not this machine",
            hint="If it is yours and the data use agreement covers it, add --allow-private-net.",
        )
    return endpoint


def ignored_proxies(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The proxy variables that are set and not used: a proxy would read along."""
    return tuple(sorted(name for name in environment if name.lower() in PROXIES and environment[name]))


def api_key(variable: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """The key, from the variable that the settings name; it is never shown or kept."""
    if variable is None:
        return "none"
    key = environment.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        # What is named as nobody names a variable may be the key itself.
        name = variable if re.fullmatch(r"[A-Z]+(?:_[A-Z0-9]{1,16})*", variable) else "that was named"
        raise EndpointRefused(
            f"the environment variable {name} holds no key",
            hint=f"Set {variable if name == variable else 'it'} to the server's key,"
            " or leave `endpoint.key_variable` out.",
        )
    return key


# --- how an address is written ----------------------------------------------------------------


def _parse_weight(spoken: str) -> tuple[str, int]:
    found = WEIGHTED.fullmatch(spoken)
    return (found["url"], int(found["weight"])) if found else (spoken, 1)


def _parse_url(url: str, spoken: str) -> SplitResult:
    """The parts of a plain URL: no credentials, no query, nothing that two readers could read differently."""
    refused = EndpointRefused(f"{_mask_secrets(spoken)}: not a URL of a model server")
    if not url.isascii() or not url.isprintable() or any(mark in url for mark in " \\\"'<>{}|^`"):
        raise refused
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise refused from None
    if parts.scheme == "unix":
        return parts
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise refused
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or "#" in url:
        raise EndpointRefused(
            f"{_mask_secrets(spoken)}: carries more than a place",
            hint="Leave out user, password and query; a key goes into the variable that"
            " `endpoint.key_variable` names.",
        )
    if "%" in url or ".." in parts.path:
        raise refused
    if STORED.search(parts.path):
        raise EndpointRefused(
            f"{_mask_secrets(spoken)}: a batch interface stores what it is sent",
            hint="Name the base URL that chat completions stand under; it mostly ends in /v1.",
        )
    return parts


def _mask_secrets(spoken: str) -> str:
    """Return what was said, without what may be a password or a key."""
    return re.sub(r"\?.*", "?…", re.sub(r"//[^/]*@", "//…@", spoken))


def _read_socket_path(parts: SplitResult, spoken: str) -> str:
    if not parts.path.startswith("/") or parts.netloc or parts.query or parts.fragment:
        raise EndpointRefused(f"{_mask_secrets(spoken)}: not a socket file on this machine")
    return parts.path


def _parse_literal_address(host: str, spoken: str) -> Address | None:
    """The address where the host is written as one; forms that programs read differently are refused."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if NAME.fullmatch(host):
            return None
        raise EndpointRefused(
            f"{_mask_secrets(spoken)}: `{host}` is neither a name nor an address in its usual form"
        ) from None
    return address


def _refuse_unlookable(host: str, spoken: str, rules: Rules) -> None:
    """Without permission to go further, only `localhost` can be this machine: nothing else is looked up."""
    if host == "localhost" or rules.open or rules.allow_private_net or rules.attestation:
        return
    raise EndpointRefused(
        f"{spoken}: {host} is not this machine",
        hint="Serve the model on this machine. Or, if it is in your own network and the agreement covers it,"
        f" add --allow-private-net.{_describe_attestation(host)}",
    )


def _describe_attestation(host: str) -> str:
    """The other way out, where the name may be that of a public service."""
    if "." not in host or host.rpartition(".")[2] in PRIVATE_ENDINGS:
        return ""
    return f" A public service needs `ccf-build attest --host {host}` first."


# --- where an address lies --------------------------------------------------------------------


def _look_up(host: str, port: int, spoken: str) -> tuple[Address, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
    except (OSError, ValueError, UnicodeError):
        addresses = ()
    if not addresses:
        raise EndpointRefused(
            f"{spoken}: the name {host} has no address here", hint="Check its spelling and the name server."
        )
    return addresses


def _find_furthest_zone(addresses: tuple[Address, ...], host: str, spoken: str) -> Zone:
    """The furthest of the zones that the addresses lie in."""
    zones = {_find_zone(address, spoken) for address in addresses}
    if host == "localhost" and zones != {"this machine"}:
        raise EndpointRefused(f"{spoken}: localhost does not point to this machine")
    return max(zones, key=("this machine", "private network", "public").index)


def _find_zone(address: Address, spoken: str) -> Zone:
    if any(address in network for network in THIS_MACHINE):
        return "this machine"
    if getattr(address, "scope_id", None) or any(address in network for network in DISGUISES):
        raise EndpointRefused(f"{spoken}: {address} stands for another address")
    if address.is_unspecified or address.is_multicast or address.is_link_local:
        raise EndpointRefused(f"{spoken}: {address} is not the address of one server")
    if any(address in network for network in PRIVATE):
        return "private network"
    if address.is_reserved or (address.version == 4 and str(address) == "255.255.255.255"):
        raise EndpointRefused(f"{spoken}: {address} is not the address of one server")
    return "public"


def _require_attestation(endpoint: Endpoint, scheme: str, rules: Rules, spoken: str) -> Endpoint:
    """A public endpoint for reports under an agreement: only with an attestation, and only encrypted."""
    if rules.attestation is None:
        raise EndpointRefused(
            f"{spoken}: {endpoint.host} is public, not this machine, and nobody vouched for it",
            hint=f"`ccf-build attest --host {endpoint.host}` writes down who vouches; then add its file as"
            " --attestation. `ccf-build help experts` says when that is allowed.",
        )
    attestation = read_attestation(rules.attestation)
    attestation.require(endpoint.host, rules.corpus.kind, rules.today or date.today())
    if scheme != "https":
        raise EndpointRefused(
            f"{spoken}: reports do not travel through public networks unencrypted", hint="Use https://."
        )
    return Endpoint(**{**vars(endpoint), "attestation": attestation})
