"""Requests and replies on one connection, such that no end of it can harm the server.

The server writes each reply in two pieces and with SIGPIPE at its default action. Where the client has closed
normally before the reply, the first piece provokes a RST and the second one kills the server. Where the
client has reset the connection, the first piece fails with an error that the server handles. So this
connection is set to end by RST before its first byte is sent, and is allowed a normal end only when every
reply is in; then it does not matter what ends it early: an error, a deadline, a cancelled task or the death
of this process.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

from app.rpc.connection import Endpoint, connected
from app.rpc.protocol import HEADER_BYTES, Exchange, WireError
from app.rpc.setback import Stranger
from app.rpc.strangers import recognise

Reply = TypeVar("Reply")

_END_BY_RST = struct.pack("ii", 1, 0)
_END_NORMALLY = struct.pack("ii", 0, 0)


class Silent(Exception):  # noqa: N818  what it means depends on the question
    """Not one byte of the reply came in time."""


class HungUp(Exception):  # noqa: N818  what it means depends on the question
    """The server closed the connection without one byte of the reply."""


class Conversation:
    """One connection on which questions are asked, one after the other."""

    def __init__(self, sock: socket.socket, reply_s: float) -> None:
        self._sock = sock
        self._reply_s = reply_s
        self._heard = b""

    async def ask(self, exchange: Exchange[Reply]) -> Reply:
        """The reply to one request.

        Raises:
            Silent: no byte of it in time.
            HungUp: the server closed without a byte of it.
            Stranger: what came is no reply of an RPC server, or not a whole one.
        """
        self._heard = b""
        try:
            async with asyncio.timeout(self._reply_s):
                await asyncio.get_running_loop().sock_sendall(self._sock, exchange.request)
                exchange.check_header(await self._receive(HEADER_BYTES))
                return exchange.decode(await self._receive(exchange.reply_bytes))
        except TimeoutError:
            if not self._heard:
                raise Silent from None
            raise Stranger(f"sends only a part of its reply to {exchange.name}") from None
        except (EOFError, OSError):
            if not self._heard:
                raise HungUp from None
            raise Stranger(f"closes in the middle of its reply to {exchange.name}") from None
        except WireError as error:
            raise Stranger(recognise(self._heard) or str(error)) from None

    async def _receive(self, count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = await asyncio.get_running_loop().sock_recv(self._sock, count - len(received))
            if not piece:
                raise EOFError
            received += piece
            self._heard += piece
        return received


@asynccontextmanager
async def conversation(endpoint: Endpoint, connect_s: float, reply_s: float) -> AsyncIterator[Conversation]:
    """A conversation with a server that has just been idle.

    Leaving the block by an exception resets the connection; leave it normally only with every reply in.

    Raises:
        Refused, Occupied, Unanswered, Stranger, OutOfSockets: there was no connection (see `connected`).
    """
    async with connected(endpoint, connect_s) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _END_BY_RST)
        yield Conversation(sock, reply_s)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _END_NORMALLY)
