"""The openai package as the caller: AsyncOpenAI over the one connection that may be used.

By itself the package looks names up, reads proxies from the environment and tries again. It is given an HTTP
client that hands a request's body to `Connection`, which speaks to settled addresses and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai

from ccf_pipeline.experts.chat.connection import TICKET, Connection, Reply
from ccf_pipeline.experts.chat.faults import Broken, Fault

if TYPE_CHECKING:
    from ccf_pipeline.experts.guard import Endpoint

_READ = ("Content-Type", "Retry-After", "Retry-After-Ms")
"""Headers that are read above; the package would believe a length or an encoding."""


class _Settled(httpx2.AsyncClient):
    """Carries the package's requests over a connection of ours.

    All go to one address, so that no URL is parsed, no cookie kept and no redirect followed for each.
    """

    def __init__(self, connection: Connection, url: str) -> None:
        super().__init__(trust_env=False)
        self._connection, self._where = connection, httpx2.URL(url)
        self.most_bytes = 0

    def build_request(self, method: str, url: httpx2.URL | str, **given: Any) -> httpx2.Request:
        return httpx2.Request(method, self._where, headers=given["headers"], content=given["content"])

    async def send(self, request: httpx2.Request, **_: Any) -> httpx2.Response:
        ticket = request.headers[TICKET]
        reply = await self._connection.post(request.content, ticket, most_bytes=self.most_bytes)
        kept = {name: reply.headers[name] for name in _READ if name in reply.headers}
        return httpx2.Response(reply.status, headers=kept, content=reply.body, request=request)

    async def aclose(self) -> None:
        await self._connection.close()
        await super().aclose()


class PackageConnection:
    """Asks for chat completions of one endpoint, at the endpoint's own addresses."""

    def __init__(self, endpoint: Endpoint, path: str, *, key: str, connect_seconds: float) -> None:
        connection = Connection(endpoint, path, key=key, connect_seconds=connect_seconds)
        self._url = f"{endpoint.base_url}{path}"
        self._carrier = _Settled(connection, self._url)
        self._client = openai.AsyncOpenAI(
            base_url=endpoint.base_url, api_key=key, max_retries=0, http_client=self._carrier
        )

    async def post(self, body: bytes, ticket: str, *, most_bytes: int) -> Reply:
        """Send and read to the end; what goes wrong on the way is a Fault."""
        self._carrier.most_bytes = most_bytes
        try:
            # As arguments of `create` the package would look through the schema of the answer each time.
            reply = await self._client.post(
                self._url, cast_to=httpx2.Response, content=body, options={"headers": {TICKET: ticket}}
            )
        except openai.APIStatusError as error:
            reply = error.response
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, Fault):
                raise error.__cause__ from None
            raise Broken("the answer was cut off or garbled on its way") from None
        return Reply(reply.status_code, reply.headers, reply.content)

    async def close(self) -> None:
        await self._client.close()
