"""Is anybody served there? Asked without asking: a connection that we half-close at once, the knock.

An RPC server serves one connection to its end, then the next. To an idle one the end of our half is the end
of a client, and it closes; a busy one does not even see us, and its kernel keeps silent. Nothing is asked,
so nothing can be answered too late: a knock may be ended or killed at any moment without harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket

from app.rpc.connection import Endpoint, connected, open_socket
from app.rpc.names import resolve
from app.rpc.setback import RESETS, Occupied, Stranger
from app.rpc.strangers import describe_stranger
from app.text.address import Address

_HEARD_BYTES = 64
_KEEPALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}


async def knock(endpoint: Endpoint, connect_s: float, reply_s: float, words: bytes = b"") -> None:
    """Return when the server has shown that it serves nobody at this moment.

    `words` are said with the knock; an RPC server must have no answer to them.

    Raises:
        Refused, Unanswered, OutOfSockets: there was no connection (see `connected`).
        Occupied: connected, and silent; or not even connected, for its queue is full.
        Stranger: it speaks, or resets the connection, which an RPC server never does here.
    """
    loop = asyncio.get_running_loop()
    async with connected(endpoint, connect_s) as sock:
        try:
            async with asyncio.timeout(reply_s):
                await loop.sock_sendall(sock, words)
                sock.shutdown(socket.SHUT_WR)
                heard = await loop.sock_recv(sock, _HEARD_BYTES)
        except TimeoutError:
            raise Occupied("connected, but silent: another coordinator holds it") from None
        except OSError:
            raise Stranger(RESETS) from None
    if heard:
        raise Stranger(describe_stranger(heard))


async def wait_until_free(address: Address) -> None:
    """Return as soon as a busy backend is worth a new probe: its client has left, or it is gone itself.

    This is one knock that stays as long as it takes, and so one of the two places in the server's queue:
    never wait twice for the same backend. It has no deadline; cancel it.

    Raises:
        AddressProblem: the host name does not resolve.
        OutOfSockets: this box cannot make connections.
    """
    loop = asyncio.get_running_loop()
    endpoint = await resolve(address)
    with open_socket() as sock, contextlib.suppress(OSError):
        # Without keepalive the wait for a box that loses its power would never end.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE.items():
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
        await loop.sock_connect(sock, endpoint)
        sock.shutdown(socket.SHUT_WR)
        await loop.sock_recv(sock, 1)
