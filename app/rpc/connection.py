"""How a backend is reached: a TCP connection within a deadline, or the reason why there is none."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.rpc.setback import Occupied, Refused, Unanswered
from app.text.problem import Problem
from app.text.units import duration_text

Endpoint = tuple[str, int]
"""An IPv4 address and a port, as the socket module takes them."""

_SURELY_CLOSED_PORT = 9
"""discard: nothing has listened there for decades, and no RPC server ever does."""
_FULL = "its queue is full: another coordinator holds it, or a firewall is in the way"
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})
"""Errors that say nothing about the other box: it is this one that has run out of something."""


class OutOfSockets(Problem):
    """This box has no descriptor, port or memory left for another connection."""


@asynccontextmanager
async def connected(endpoint: Endpoint, within_s: float) -> AsyncIterator[socket.socket]:
    """A connection to the endpoint; it is closed in any case, before anything is awaited again.

    Raises:
        Refused: nothing listens there.
        Occupied: the box is up and something listens, but its queue of connections is full.
        Unanswered: no sign of the box.
        OutOfSockets: this box cannot make connections.
    """
    with open_socket() as sock:
        try:
            await _connect(sock, endpoint, within_s)
        except ConnectionRefusedError:
            raise Refused("nothing listens there") from None
        except OSError as error:
            if error.errno in _EXHAUSTED:
                raise _out_of_sockets(error) from error
            raise Unanswered(f"cannot be reached: {_text(error)}") from None
        # Where nothing listens, TCP can take the port itself as the near end, and then it meets itself.
        if sock.getsockname() == endpoint:
            raise Refused("nothing listens there")
        yield sock


def open_socket() -> socket.socket:
    """A TCP socket for use with the event loop.

    Raises:
        OutOfSockets: there is no descriptor left.
    """
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        raise _out_of_sockets(error) from error
    sock.setblocking(False)
    return sock


async def _connect(sock: socket.socket, endpoint: Endpoint, within_s: float) -> None:
    """Connect within the time, or find out in its second half why there is no answer.

    A server that serves one client at a time lets two more wait, and then its kernel drops what comes: to the
    eye the same as a box that is off. But the kernel of a box that is on refuses at once on a port that is
    closed.
    """
    try:
        async with asyncio.timeout(within_s / 2):
            await asyncio.get_running_loop().sock_connect(sock, endpoint)
    except TimeoutError:
        is_up = await _is_up(endpoint[0], within_s / 2)
        outcome = sock.connect_ex(endpoint)
        if outcome in (0, errno.EISCONN):
            return
        if outcome not in (errno.EALREADY, errno.EINPROGRESS):
            raise OSError(outcome, os.strerror(outcome)) from None
        if is_up:
            raise Occupied(_FULL) from None
        raise Unanswered(f"no answer within {duration_text(within_s)}") from None


async def _is_up(host: str, within_s: float) -> bool:
    with open_socket() as sock:
        try:
            async with asyncio.timeout(within_s):
                await asyncio.get_running_loop().sock_connect(sock, (host, _SURELY_CLOSED_PORT))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return True


def _out_of_sockets(error: OSError) -> OutOfSockets:
    return OutOfSockets(
        f"This box cannot open another connection: {_text(error)}.",
        "Close other programs, or raise the limit of open files (ulimit -n).",
    )


def _text(error: OSError) -> str:
    if error.errno is None:
        return str(error)
    text = os.strerror(error.errno)
    return text[:1].lower() + text[1:]
