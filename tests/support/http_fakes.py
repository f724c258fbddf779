"""A raw HTTP server that answers as it is told, and fails as it is told."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto


class Fault(Enum):
    """What a server does instead of going on."""

    HANG_UP = auto()
    """Close the connection in the ordinary way."""
    RESET = auto()
    """Let the connection break."""
    STALL = auto()
    """Say nothing until the client goes away."""


Step = bytes | float | Fault
"""Bytes to send, seconds to wait, or a fault."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: dict[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, as an object of JSON."""
        asked = json.loads(self.body)
        assert isinstance(asked, dict)
        return asked


Answer = Callable[[Request], Iterable[Step]]


def whole(
    body: bytes | str | object, status: int = 200, content_type: str = "application/json"
) -> list[Step]:
    """A reply in one piece; what is neither bytes nor text is sent as JSON."""
    content = (
        body.encode()
        if isinstance(body, str)
        else body
        if isinstance(body, bytes)
        else json.dumps(body).encode()
    )
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    return [head.encode() + content]


def streamed(
    *steps: Step | str, content_type: str = "text/event-stream", status: int = 200, ends: bool = True
) -> list[Step]:
    """A chunked reply, one chunk for each text or bytes; without `ends` its end is missing."""
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
    out: list[Step] = [head.encode()]
    for step in steps:
        piece = step.encode() if isinstance(step, str) else step
        out.append(b"%x\r\n%b\r\n" % (len(piece), piece) if isinstance(piece, bytes) else piece)
    return [*out, b"0\r\n\r\n"] if ends else out


@dataclass(slots=True)
class FakeHttp:
    """A server on loopback, one answer for each request."""

    answer: Answer
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    client_left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has closed its connection while an answer was under way."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        try:
            while request := await _read_request(reader):
                self.requests.append(request)
                if not await self._play(self.answer(request), reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            self.client_left.set()
        finally:
            writer.close()

    async def _play(
        self, steps: Iterable[Step], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Take the steps; whether the connection goes on."""
        for step in steps:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                case float() | int():
                    await asyncio.sleep(step)
                case Fault.STALL:
                    assert await reader.read(1) == b"", "the client sent more than a request"
                    self.client_left.set()
                    return False
                case Fault.RESET:
                    wire = writer.get_extra_info("socket")
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return False
                case Fault.HANG_UP:
                    return False
        return True


@asynccontextmanager
async def fake_http(answer: Answer) -> AsyncIterator[FakeHttp]:
    """Run a server, on a free port of loopback, that answers every request by `answer`."""
    fake = FakeHttp(answer)
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await fake.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    fake.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fake
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, with a body of a given length; None where the client is done."""
    line = await reader.readline()
    if not line:
        return None
    method, path, _ = line.decode().split()
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers, await reader.readexactly(int(headers.get("content-length", 0))))
