"""A way to a backend that can be held up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field

from app.text.address import Address
from tests.support.engine import free_port

_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Relay:
    """Passes on what it receives, but no more than so many bytes of each connection until it is opened."""

    address: Address
    opened: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def relay(to: Address, host: str, *, only_bytes: int) -> AsyncIterator[Relay]:
    """A relay at `host` to a backend."""
    made = Relay(Address(host, free_port(host)))
    passing = list[asyncio.Task[None]]()

    async def both_ways(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(to.host, to.port)
        with closing(writer), closing(far_writer):
            await asyncio.gather(one_way(reader, far_writer), one_way(far_reader, writer))

    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 0
        try:
            while data := await reader.read(_PIECE):
                count += len(data)
                if count > only_bytes:
                    await made.opened.wait()
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            writer.transport.abort()

    def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing.append(asyncio.create_task(both_ways(reader, writer), name="relay"))

    server = await asyncio.start_server(served, made.address.host, made.address.port)
    try:
        yield made
    finally:
        server.close()
        for task in passing:
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)
