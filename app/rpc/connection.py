"""How a backend is reached: a TCP connection within a deadline, or the reason why there is none."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.rpc.setback import RESETS, Occupied, Refused, Stranger, Unanswered
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
        Stranger: it resets the connection at once, which an RPC server never does.
        Unanswered: no sign of the box.
        OutOfSockets: this box cannot make connections.
    """
    with open_socket() as sock:
        try:
            await _connect(sock, endpoint, within_s)
        except ConnectionRefusedError:
            raise Refused("nothing listens there") from None
        except ConnectionResetError:
            raise Stranger(RESETS) from None
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
    outcome = sock.connect_ex(endpoint)
    if outcome == errno.EINPROGRESS:
        pending = await _outcome(sock, within_s / 2)
        if pending is None:
            is_up = await _is_up(endpoint[0], within_s / 2)
            pending = await _outcome(sock, 0)
            if pending is None:
                raise Occupied(_FULL) if is_up else Unanswered(f"no answer within {duration_text(within_s)}")
        outcome = pending
    if outcome:
        raise OSError(outcome, os.strerror(outcome))


async def _is_up(host: str, within_s: float) -> bool:
    with open_socket() as sock:
        outcome: int | None = sock.connect_ex((host, _SURELY_CLOSED_PORT))
        if outcome == errno.EINPROGRESS:
            outcome = await _outcome(sock, within_s)
    return outcome in (0, errno.ECONNREFUSED)


async def _outcome(sock: socket.socket, within_s: float) -> int | None:
    """How an attempt to connect ends, as an error number or 0; None where it does not end in time.

    The loop's own `sock_connect` would lose an outcome that comes together with the deadline.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(sock, ended.set)
    try:
        async with asyncio.timeout(within_s):
            await ended.wait()
    except TimeoutError:
        pass
    finally:
        loop.remove_writer(sock)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if ended.is_set() else None


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
