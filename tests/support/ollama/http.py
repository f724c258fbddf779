"""HTTP down to the bytes: what a client asks is read, and what it gets is written chunk by chunk."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

JSON = "application/json; charset=utf-8"
_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, as an object of JSON.

        Raises:
            ValueError: it is none.
        """
        asked = json.loads(self.body)
        if not isinstance(asked, dict):
            raise ValueError("json: cannot unmarshal into Go value")
        return asked


class Exchange:
    """One request, and the reply to it."""

    def __init__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self._writer = writer

    async def reply(self, status: int, body: bytes = b"", content_type: str = JSON) -> None:
        """Reply in one piece; to HEAD without the body."""
        kind = f"Content-Type: {content_type}\r\n" if content_type else ""
        head = f"HTTP/1.1 {status} Said\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        await self._write(head.encode() + (b"" if self.request.method == "HEAD" else body))

    async def begin(self, content_type: str) -> None:
        """Begin a reply that comes chunk by chunk."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        await self._write(head.encode())

    async def send(self, chunk: bytes) -> None:
        """One chunk more."""
        await self._write(b"%x\r\n%b\r\n" % (len(chunk), chunk))

    async def end(self) -> None:
        """End the reply as it should."""
        await self._write(b"0\r\n\r\n")

    def reset(self) -> None:
        """Let the connection break."""
        wire: socket.socket = self._writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


class HttpServer:
    """Listens on one port; what a client asked is given up at once when it leaves."""

    def __init__(self, answer: Callable[[Exchange], Awaitable[None]]) -> None:
        self._answer = answer
        self._conversations: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self.mistakes: list[Exception] = []
        """What went wrong in here, and is no fault that was asked for."""

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None) -> int:
        """Listen, and tell the port."""

        def protocol() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(_Reader(), self._connected)

        self._listening = await asyncio.get_running_loop().create_server(protocol, host, port, ssl=tls)
        taken: int = self._listening.sockets[0].getsockname()[1]
        return taken

    async def stop(self) -> None:
        """Listen no more, and break every connection."""
        if self._listening is None:
            return
        self._listening.close()
        for conversation in self._conversations:
            conversation.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)
        await self._listening.wait_closed()
        self._listening = None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _Reader)
        conversation = asyncio.create_task(self._converse(reader, writer))
        self._conversations.add(conversation)
        conversation.add_done_callback(self._conversations.discard)

    async def _converse(self, reader: _Reader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader)) and not reader.client_left.is_set():
                await self._serve(Exchange(request, writer), reader.client_left)
        except _NoHttp:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except asyncio.CancelledError:
            # A client that does not read must not keep the port from being closed.
            writer.transport.abort()
            raise
        except Exception as mistake:  # noqa: BLE001  the test is told of every one
            self.mistakes.append(mistake)
        finally:
            writer.close()

    async def _serve(self, exchange: Exchange, client_left: asyncio.Event) -> None:
        answering = asyncio.ensure_future(self._answer(exchange))
        leaving = asyncio.create_task(client_left.wait())
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answering.cancel()
            leaving.cancel()
            await asyncio.wait({answering, leaving})
        if not answering.cancelled():
            answering.result()


class _Reader(asyncio.StreamReader):
    """Tells at once when the client leaves, without reading what it may still say."""

    def __init__(self) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.client_left = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.client_left.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.client_left.set()


class _NoHttp(Exception):  # noqa: N818  it is no error of the stand-in
    """What came is no request of HTTP, but perhaps the start of TLS."""


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request, with a body of a given length; None where the client is done.

    Raises:
        _NoHttp: it speaks something else.
    """
    line = await reader.readline()
    if not line:
        return None
    match line.split():
        case [method, path, version] if version.startswith(b"HTTP/"):
            pass
        case _:
            raise _NoHttp
    headers: dict[str, str] = {}
    while (line := await reader.readline()).strip():
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return Request(
        method.decode(),
        path.decode(),
        headers,
        await reader.readexactly(int(headers.get("content-length", 0))),
    )
