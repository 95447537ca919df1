"""The connection to one server: to the address that was settled, without proxies, redirects or surprises.

A reply is read whole here, and no longer than it may be, before anything makes sense of it.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from ccf_pipeline.errors import EndpointRefused, ExpertError
from ccf_pipeline.experts.chat.faults import Broken, Fatal, Fault, Gone, Overlong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccf_pipeline.experts.guard import Endpoint

CHUNK = 65536
TICKET = "X-Request-Id"
# Servers hang up on idle connections after 5 s (uvicorn's default): let go of them first.
KEPT_ALIVE_SECONDS = 4.0
NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"})


@dataclass(frozen=True)
class Reply:
    """A whole reply of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """Posts to one URL of an endpoint, at the endpoint's own addresses."""

    def __init__(self, endpoint: Endpoint, path: str, *, key: str, connect_seconds: float) -> None:
        self._name = endpoint.name
        self._url = f"{endpoint.base_url}{path}"
        headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "ccf-build",
        }
        self._session = settled_session(endpoint, headers, connect_seconds)

    async def post(self, body: bytes, ticket: str, *, most_bytes: int) -> Reply:
        """Send and read to the end; what goes wrong on the way is a Fault."""
        headers = {TICKET: ticket}
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as reply:
                return Reply(reply.status, reply.headers, await _read_body(reply, most_bytes))
        except (aiohttp.ClientError, ValueError) as error:
            raise fault_of_connection(error, self._name) from None

    async def close(self) -> None:
        await self._session.close()


def settled_session(
    endpoint: Endpoint, headers: Mapping[str, str] | None, connect_seconds: float
) -> aiohttp.ClientSession:
    """Connections to the endpoint's own addresses: no proxy, no cookie, nothing unpacked on the way."""
    return aiohttp.ClientSession(
        connector=_make_connector(endpoint),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


def fault_of_connection(error: BaseException, name: str) -> Fault:
    """Return what an error of aiohttp means for the question and its server."""
    if isinstance(error, aiohttp.ClientConnectorSSLError) and _is_no_tls(error.os_error):
        return Fatal(
            ExpertError(
                f"{name}: what answers there does not speak https; mostly it is plain http",
                hint=f"Name it {name.replace('https:', 'http:', 1)}, or have it serve https.",
            )
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        return Fatal(
            EndpointRefused(
                f"{name}: its certificate is not to be trusted",
                hint="Give it a certificate for its name, or let SSL_CERT_FILE name your authority.",
            )
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return Gone("nothing listens there")
    if isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError):
        return Gone("the connection was cut before the answer", cost=1)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return Gone("it does not take the connection")
    return Broken("the answer was cut off or garbled on its way")


def _is_no_tls(error: OSError) -> bool:
    """True if the first bytes that came back are of no version of TLS, by what OpenSSL calls that."""
    return isinstance(error, ssl.SSLError) and error.reason in NO_TLS


async def _read_body(reply: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body, up to its end; what is longer than any answer can be is not read to its end."""
    length = reply.content_length
    if length is not None and length <= most_bytes:
        return await reply.content.read()
    body = bytearray()
    async for chunk in reply.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > most_bytes:
            reply.close()
            raise Overlong
    return bytes(body)


def _make_connector(endpoint: Endpoint) -> aiohttp.BaseConnector:
    if endpoint.socket_path:
        return aiohttp.UnixConnector(endpoint.socket_path, limit=0, keepalive_timeout=KEPT_ALIVE_SECONDS)
    return aiohttp.TCPConnector(
        limit=0,
        keepalive_timeout=KEPT_ALIVE_SECONDS,
        resolver=_Settled(endpoint.addresses),
        use_dns_cache=False,
        ssl=ssl.create_default_context() if endpoint.base_url.startswith("https:") else True,
    )


class _Settled(AbstractResolver):
    """Knows the addresses that the guard settled, whatever is asked for."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """There is nothing to close."""
