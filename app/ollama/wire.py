"""What goes over HTTP to a node. Imported when a node listens: without one, nobody needs an HTTP client."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.ollama.failure import Disconnected, Trouble, broken, silent, unreachable
from app.ollama.fields import Json


class Wire:
    """The connections to one node. To be closed, which breaks off what is under way."""

    def __init__(self, url: str, headers: dict[str, str], connect_s: float) -> None:
        self._url = url
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Accept-Encoding": "identity"} | headers,
            verify=_trust(url),
            trust_env=False,
        )
        self.connect_within(connect_s)

    def connect_within(self, connect_s: float) -> None:
        """How long a connection may take to come about; no other deadline is kept here."""
        self._http.timeout = httpx.Timeout(None, connect=connect_s)

    async def aclose(self) -> None:
        """Close all connections; whoever reads from one of them is told that it broke."""
        await self._http.aclose()

    @asynccontextmanager
    async def ask(self, method: str, path: str, question: Json | None) -> AsyncIterator[httpx.Response]:
        """The reply, of which only the head has been read.

        Raises:
            Disconnected: no connection came about, or it broke, also while the reply is being read.
        """
        try:
            async with self._http.stream(method, path, json=question) as response:
                yield response
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise Disconnected(*_trouble(self._url, error)) from None


def _trouble(url: str, error: Exception) -> Trouble:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return unreachable(url, error)
    if isinstance(error, httpx.TimeoutException):
        return silent(url)
    return broken(url, error)


def _trust(url: str) -> ssl.SSLContext:
    """Whose certificates count: those of the world for https, and SSL_CERT_FILE where it is set."""
    if url.startswith("https://"):
        return httpx.create_ssl_context()
    # Plain HTTP needs none, and all the world's take longer to load than the rest of a client.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
