"""The connection to one server: to the address that was settled, without proxies, redirects or surprises.

The openai package speaks through httpx2; aiohttp under it takes a third of the time. A reply is read here,
whole and no longer than it may be, before anything makes sense of it.
"""

from __future__ import annotations

import socket
import ssl

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult

from ccf_pipeline.errors import EndpointRefused
from ccf_pipeline.io.experts.chat.faults import Broken, Fatal, Gone, Overlong
from ccf_pipeline.io.guard import Endpoint

CHUNK = 65536
# Servers hang up on idle connections after 5 s (uvicorn's default): let go of them first.
KEPT_ALIVE_SECONDS = 4.0
KEPT = frozenset({"retry-after", "retry-after-ms"})


class PinnedTransport(httpx2.AsyncBaseTransport):
    """Sends the openai package's requests to the endpoint's own addresses."""

    def __init__(self, endpoint: Endpoint, *, connect_seconds: float, most_bytes: int) -> None:
        self._endpoint, self._most_bytes = endpoint, most_bytes
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = self._session = self._session or self._open()
        try:
            async with session.request(
                request.method,
                str(request.url),
                headers=request.headers,
                data=request.content,
                allow_redirects=False,
                timeout=self._timeout,
            ) as reply:
                content = await self._read(reply)
                headers = [(name, value) for name, value in reply.headers.items() if name.lower() in KEPT]
                return httpx2.Response(reply.status, headers=headers, content=content, request=request)
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError):
            raise Fatal(
                EndpointRefused(
                    f"{self._endpoint.name}: its certificate is not to be trusted",
                    hint="Give it a certificate for its name, or let SSL_CERT_FILE name your authority.",
                )
            ) from None
        except aiohttp.ClientConnectorError:
            raise Gone("nothing listens there") from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise Gone("the connection was cut before the answer", cost=1) from None
        except aiohttp.ConnectionTimeoutError:
            raise Gone("it does not take the connection") from None
        except (aiohttp.ClientError, ValueError):
            raise Broken("the answer was cut off or garbled on its way") from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _read(self, reply: aiohttp.ClientResponse) -> bytes:
        """The body, up to its end; what is longer than any answer can be is not read to its end."""
        body = bytearray()
        async for chunk in reply.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > self._most_bytes:
                reply.close()
                raise Overlong
        return bytes(body)

    def _open(self) -> aiohttp.ClientSession:
        connector: aiohttp.BaseConnector
        if self._endpoint.socket_path:
            connector = aiohttp.UnixConnector(
                self._endpoint.socket_path, limit=0, keepalive_timeout=KEPT_ALIVE_SECONDS
            )
        else:
            connector = aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=KEPT_ALIVE_SECONDS,
                resolver=_Settled(self._endpoint.addresses),
                use_dns_cache=False,
                ssl=ssl.create_default_context(),
            )
        return aiohttp.ClientSession(
            connector=connector, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
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
