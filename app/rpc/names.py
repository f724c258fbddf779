"""How a host name becomes an IPv4 address."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading

from app.rpc.connection import Endpoint, open_socket
from app.text.address import Address, AddressProblem

RESOLVE_S = 3.0
"""How long a host name may take to resolve."""


async def resolve(address: Address, within_s: float = RESOLVE_S) -> Endpoint:
    """The IPv4 address behind a backend's address; RPC servers have no other.

    Raises:
        AddressProblem: the host name does not resolve, or not in time.
        OutOfSockets: this box cannot even ask.
    """
    if _is_literal(address.host):
        return address.host, address.port
    try:
        async with asyncio.timeout(within_s):
            host = await _look_up(address.host)
    except TimeoutError:
        host = None
    if host is None:
        # A resolver without descriptors says what it says of a name that does not exist.
        open_socket().close()
        raise AddressProblem(
            f"The host name '{address.host}' does not resolve to an IPv4 address.",
            "Check its spelling, or give the box's IPv4 address.",
        )
    return host, address.port


async def _look_up(name: str) -> str | None:
    """The first IPv4 address of a name; None where it has none.

    It runs in a thread of its own, and not in the loop's pool: with no name server a thread is stuck
    for half a minute, the pool has few of them, and the program would wait for all of them at its end.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str | None] = loop.create_future()

    def settle(host: str | None) -> None:
        if not answer.done():
            answer.set_result(host)

    def look_up() -> None:
        host = None
        with contextlib.suppress(OSError, UnicodeError):
            host = str(socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)[0][4][0])
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, host)

    threading.Thread(target=look_up, name=f"resolve {name}", daemon=True).start()
    return await answer


def _is_literal(host: str) -> bool:
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
