"""A slow link: passes TCP connections on, and everything in them later, by the same time in each direction.

It stands in for netem, which not every kernel has. Order, half-closes and resets come through, so that a
backend behind it is probed as safely as any other. `python -m tests.lab.slow_link HERE THERE SECONDS` is one
between two addresses, for as long as it runs.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.text.address import Address, parse_address

_PIECE_BYTES = 1 << 18
_PIECES = 256
"""On their way in one direction: more than fit a fast network for the time of a slow link."""
_END_BY_RST = struct.pack("ii", 1, 0)
_END_NORMALLY = struct.pack("ii", 0, 0)


@dataclass(frozen=True, slots=True)
class _Direction:
    """One half of a connection."""

    source: socket.socket
    sink: socket.socket
    delay_s: float
    on_its_way: asyncio.Queue[tuple[float, bytes | None]] = field(
        default_factory=lambda: asyncio.Queue(_PIECES)
    )
    """When each piece is due; an empty one is the end, None a reset."""

    async def enter(self) -> None:
        """Take in what the source sends, to its end."""
        loop = asyncio.get_running_loop()
        piece: bytes | None = b"?"
        while piece:
            try:
                piece = await loop.sock_recv(self.source, _PIECE_BYTES)
            except ConnectionError:
                piece = None
            await self.on_its_way.put((loop.time() + self.delay_s, piece))

    async def leave(self) -> None:
        """Hand it to the sink when it is due.

        Raises:
            ConnectionError: the source has reset the connection, or the sink has gone.
        """
        loop = asyncio.get_running_loop()
        piece: bytes | None = b"?"
        while piece:
            due, piece = await self.on_its_way.get()
            await asyncio.sleep(due - loop.time())
            if piece is None:
                raise ConnectionResetError
            await loop.sock_sendall(self.sink, piece)
        self.sink.shutdown(socket.SHUT_WR)


@asynccontextmanager
async def slow_link(here: Address, there: Address, delay_s: float) -> AsyncIterator[Address]:
    """One that listens on `here`, where port 0 is any; leaving the block resets what goes through it."""
    with socket.create_server((here.host, here.port)) as listening:
        listening.setblocking(False)
        accepting = asyncio.create_task(_accept(listening, there, delay_s), name=f"slow link to {there}")
        try:
            yield Address(*listening.getsockname())
        finally:
            accepting.cancel()
            await asyncio.gather(accepting, return_exceptions=True)


async def _accept(listening: socket.socket, there: Address, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as connections:
        while True:
            client, peer = await loop.sock_accept(listening)
            connections.create_task(_pass_on(client, there, delay_s), name=f"{peer} over a slow link")


async def _pass_on(client: socket.socket, there: Address, delay_s: float) -> None:
    """One connection, to the end of both directions, or to its reset."""
    loop = asyncio.get_running_loop()
    with client, socket.socket() as server:
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _END_BY_RST)
        try:
            await loop.sock_connect(server, (there.host, there.port))
            async with asyncio.TaskGroup() as both:
                for direction in (_Direction(client, server, delay_s), _Direction(server, client, delay_s)):
                    both.create_task(direction.enter())
                    both.create_task(direction.leave())
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _END_NORMALLY)
        except* OSError:
            pass


async def _run(here: Address, there: Address, delay_s: float) -> None:
    async with slow_link(here, there, delay_s):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    _, near, far, seconds = sys.argv
    # The usual selector waits for whole milliseconds.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_run(parse_address(near), parse_address(far), float(seconds)))
