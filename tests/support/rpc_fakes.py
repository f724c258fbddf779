"""Servers that behave as RPC servers, or badly, on loopback; each in a thread, one client at a time."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.text.address import Address
from app.text.version import ProtocolVersion

HELLO, DEVICE_COUNT, GET_DEVICE_MEMORY = 14, 15, 11
RESET = struct.pack("ii", 1, 0)
GIB = 1024**3
VERSION = ProtocolVersion(8, 0, 0)


@dataclass(slots=True)
class Visit:
    """What one client did."""

    requests: int = 0
    answered: int = 0
    received: bytes = b""
    ended: str = ""
    """`fin` for a normal close, `rst` for a reset, empty while it lasts or where the server closed first."""

    @property
    def would_have_killed(self) -> bool:
        """Whether a real server would now get SIGPIPE: a normal close with a reply still to be written."""
        return self.ended == "fin" and self.requests > self.answered


Serve = Callable[[socket.socket, Visit], None]


@dataclass(slots=True)
class FakeServer:
    """A listening port, and who came."""

    address: Address
    visits: list[Visit] = field(default_factory=list)


@contextmanager
def fake_server(serve: Serve, host: str = "127.0.0.1") -> Iterator[FakeServer]:
    """A server that hands each client to `serve`, one after the other, and then closes the connection."""
    with socket.create_server((host, 0)) as listening:
        server = FakeServer(Address(*listening.getsockname()))
        stopping = threading.Event()

        def accept() -> None:
            while True:
                client, _ = listening.accept()
                with client:
                    if stopping.is_set():
                        return
                    visit = Visit()
                    server.visits.append(visit)
                    try:
                        serve(client, visit)
                    except ConnectionError:
                        visit.ended = "rst"

        thread = threading.Thread(target=accept, name=f"fake server {server.address}")
        thread.start()
        try:
            yield server
        finally:
            stopping.set()
            # Clients that still wait are served before the call that wakes the thread to its end.
            socket.create_connection(listening.getsockname()).close()
            thread.join()


@contextmanager
def listening_only(host: str = "127.0.0.1", backlog: int = 1) -> Iterator[Address]:
    """A port that the kernel answers for, and nobody else: an RPC server that serves somebody for ever."""
    with socket.socket() as listening:
        listening.bind((host, 0))
        listening.listen(backlog)
        yield Address(*listening.getsockname())


@contextmanager
def full_queue(host: str = "127.0.0.1") -> Iterator[Address]:
    """A port whose queue is full, so that its kernel drops every further connection without a word."""
    with listening_only(host, backlog=0) as address:
        waiting = []
        try:
            while True:
                client = socket.socket()
                waiting.append(client)
                client.settimeout(0.3)
                try:
                    client.connect((address.host, address.port))
                except TimeoutError:
                    break
            yield address
        finally:
            for client in waiting:
                client.close()


def closed_port(host: str = "127.0.0.1") -> Address:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind((host, 0))
        return Address(*taken.getsockname())


Answer = Callable[[int, bytes], bytes | None]
"""The whole reply to a command and its payload; empty for none, and None for a server that closes on it."""


def worker(answer: Answer, delay_s: float = 0.0) -> Serve:
    """Serves one client as an RPC server does: request, reply, and so on until it leaves.

    The reply leaves after `delay_s`; should the client leave normally meanwhile, that is seen.
    """

    def serve(client: socket.socket, visit: Visit) -> None:
        while head := _read(client, 9, visit):
            command, length = struct.unpack("<BQ", head)
            visit.requests += 1
            reply = answer(command, _read(client, length, visit) if length <= 24 else b"")
            if reply is None:
                return
            if reply and not select.select([client], [], [], delay_s)[0]:
                client.sendall(reply)
                visit.answered += 1
        visit.ended = "fin"

    return serve


def answers(
    version: ProtocolVersion = VERSION, memories: tuple[tuple[int, int], ...] = ((GIB, 2 * GIB),)
) -> Answer:
    """The replies of a real server of this version, whose devices have these (free, total) bytes."""
    hello_size, several = (24 if version.major >= 4 else 0), version.major >= 3

    def answer(command: int, payload: bytes) -> bytes | None:
        if command == HELLO and len(payload) == hello_size:
            return _reply(bytes(version) + (bytes(25) if hello_size else b""))
        if command == DEVICE_COUNT and not payload and several:
            return _reply(struct.pack("<I", len(memories)))
        if command == GET_DEVICE_MEMORY and len(payload) == (4 if several else 0):
            (device,) = struct.unpack("<I", payload) if several else (0,)
            return _reply(struct.pack("<QQ", *memories[device])) if device < len(memories) else None
        return None

    return answer


def says(text: bytes) -> Serve:
    """Speaks before it is asked, as an SSH server does."""

    def serve(client: socket.socket, visit: Visit) -> None:
        client.sendall(text)
        _drain(client, visit)

    return serve


def replies(text: bytes) -> Serve:
    """Answers whatever it is asked with the same bytes, and closes."""

    def serve(client: socket.socket, visit: Visit) -> None:
        if client.recv(4096):
            client.sendall(text)

    return serve


def trickles(text: bytes) -> Serve:
    """Answers one byte at a time, far apart."""

    def serve(client: socket.socket, visit: Visit) -> None:
        if client.recv(4096):
            for byte in text:
                client.sendall(bytes([byte]))
                if select.select([client], [], [], 0.2)[0]:
                    break
        _drain(client, visit)

    return serve


def resets(client: socket.socket, visit: Visit) -> None:
    """Resets every connection."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def mute(client: socket.socket, visit: Visit) -> None:
    """Reads all that comes, says nothing, and leaves when the client does."""
    _drain(client, visit)


def echoes(client: socket.socket, visit: Visit) -> None:
    """Sends back what it gets."""
    while piece := client.recv(4096):
        client.sendall(piece)


def _read(client: socket.socket, size: int, visit: Visit) -> bytes:
    """Exactly `size` bytes, or none where the client has left."""
    received = b""
    while len(received) < size:
        piece = client.recv(size - len(received))
        if not piece:
            return b""
        received += piece
        visit.received += piece
    return received


def _drain(client: socket.socket, visit: Visit) -> None:
    while piece := client.recv(4096):
        visit.received += piece
    visit.ended = "fin"


def _reply(payload: bytes) -> bytes:
    return struct.pack("<Q", len(payload)) + payload
