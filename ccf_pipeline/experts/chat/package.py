"""The same connection by way of the openai package: AsyncOpenAI on its aiohttp transport.

It is given the session whose addresses were settled, retries nothing by itself, and its reply is read whole
here, so that everything above it is the same.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, cast

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient
from openai._vendor.httpx_aiohttp import transport as carrier

from ccf_pipeline.experts.chat.connection import TICKET, Reply, fault_of_connection, settled_session
from ccf_pipeline.experts.chat.faults import Broken, Fault, Overlong

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ccf_pipeline.experts.guard import Endpoint


# The package would name an organisation and a project that the environment names, and this machine's make.
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "ccf-build"} | {
    name: openai.Omit()
    for name in (
        "OpenAI-Organization",
        "OpenAI-Project",
        "X-Stainless-Arch",
        "X-Stainless-Async",
        "X-Stainless-Lang",
        "X-Stainless-OS",
        "X-Stainless-Package-Version",
        "X-Stainless-Runtime",
        "X-Stainless-Runtime-Version",
    )
}


# That this is the first attempt is told unless each request says not to.
_EACH_TIME: dict[str, str | openai.Omit] = {
    "Content-Type": "application/json",
    "X-Stainless-Retry-Count": openai.Omit(),
}


async def _read(chunks: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """The body, up to its end; what is longer than any answer can be is not read to its end."""
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > most_bytes:
            raise Overlong
    return bytes(body)


class _OneAddress(DefaultAioHttpClient):
    """The package's HTTP client where all requests go to one address: the transport gets them as they are.

    The address is parsed once and not for each request, and there are no cookies, redirects, logins or hooks
    to look after. The reply is left unread, for it may be longer than any answer.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport, url: str) -> None:
        super().__init__(transport=transport, follow_redirects=False, trust_env=False)
        self._carrier, self._where = transport, httpx2.URL(url)

    def build_request(self, method: str, url: httpx2.URL | str, **given: Any) -> httpx2.Request:
        request = httpx2.Request(
            method,
            self._where,
            headers=given["headers"],
            stream=httpx2.ByteStream(given["content"]),
            extensions={"timeout": given["timeout"].as_dict()},
        )
        request.read()
        return request

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        return await self._carrier.handle_async_request(request)


class PackageConnection:
    """Asks for chat completions of one endpoint, at the endpoint's own addresses."""

    def __init__(self, endpoint: Endpoint, path: str, *, key: str, connect_seconds: float) -> None:
        self._name, self._url = endpoint.name, f"{endpoint.base_url}{path}"
        session = settled_session(endpoint, None, connect_seconds)
        # The package reads proxies and certificates from the environment unless it is given a transport; the
        # session has certificates of its own, so that this context, which trusts nobody, is never asked.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport = carrier.AiohttpTransport(verify=nobody, trust_env=False, client=session)
        self._client = AsyncOpenAI(
            base_url=endpoint.base_url,
            api_key=key,
            max_retries=0,
            timeout=openai.Timeout(None, connect=connect_seconds),
            default_headers=cast("dict[str, str]", _HEADERS),
            http_client=_OneAddress(transport, self._url),
        )

    async def post(self, body: bytes, ticket: str, *, most_bytes: int) -> Reply:
        """Send and read to the end; what goes wrong on the way is a Fault."""
        try:
            # As arguments of `create` the package would look through the schema of the answer each time.
            reply = await self._client.post(
                self._url,
                cast_to=httpx2.Response,
                content=body,
                options={"headers": {**_EACH_TIME, TICKET: ticket}},
            )
            try:
                return Reply(reply.status_code, reply.headers, await _read(reply.aiter_raw(), most_bytes))
            finally:
                await reply.aclose()
        except openai.APIStatusError as error:
            refused = error.response
            return Reply(refused.status_code, refused.headers, refused.content[:most_bytes])
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, ValueError) as error:
            raise self._fault(error) from None

    async def close(self) -> None:
        await self._client.close()

    def _fault(self, error: BaseException) -> Fault:
        """Return what lies under the package's own errors and those of its HTTP library."""
        under: BaseException | None = error
        while under is not None:
            if isinstance(under, aiohttp.ClientError):
                return fault_of_connection(under, self._name)
            under = under.__cause__ or under.__context__
        return Broken("the answer was cut off or garbled on its way")
