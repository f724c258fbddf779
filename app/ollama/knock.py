"""Does anything listen at a node's URL? Asked without HTTP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

from app.ollama.failure import Disconnected, unreachable


async def knock(url: str, connect_s: float) -> None:
    """Return when a connection to one of the addresses of `url` has come about.

    Raises:
        Disconnected: none did.
    """
    try:
        async with asyncio.timeout(connect_s):
            await _first_of(await _addresses(url))
    except (OSError, ExceptionGroup) as error:
        raise Disconnected(*unreachable(url, error)) from None


async def _addresses(url: str) -> list[tuple[Any, ...]]:
    """As getaddrinfo tells them."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM))


async def _first_of(addresses: list[tuple[Any, ...]]) -> None:
    """Try all at once, for one that swallows everything must not hold up the others."""
    attempts = [
        asyncio.create_task(_connect(*address), name=f"knock at {address[-1]}") for address in addresses
    ]
    failures: list[OSError] = []
    try:
        for attempt in asyncio.as_completed(attempts):
            try:
                return await attempt
            except OSError as failure:
                failures.append(failure)
        raise ExceptionGroup("none of the addresses", failures)
    finally:
        for task in attempts:
            task.cancel()
        await asyncio.gather(*attempts, return_exceptions=True)


async def _connect(family: int, kind: int, protocol: int, _name: str, endpoint: tuple[Any, ...]) -> None:
    with socket.socket(family, kind, protocol) as tried:
        tried.setblocking(False)
        await asyncio.get_running_loop().sock_connect(tried, endpoint)
