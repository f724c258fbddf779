"""One backend, one verdict, without harm to it.

An RPC server serves one client at a time and dies of SIGPIPE when a client closes normally before a reply is
out. So a probe *knocks* first: it connects and half-closes, which an idle server answers with end-of-file at
once and a busy one with silence. Only an idle server is sent requests, on a socket whose early end, by
time-out, cancellation or our own death, is a reset and never a normal close.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from app.rpc import protocol
from app.rpc.protocol import WireError
from app.text.address import Address, AddressProblem
from app.text.problem import Problem
from app.text.version import ProtocolVersion

DEVICES_LIMIT = 64
"""More devices than any server has; a larger count is not RPC."""
FIRST_WITH_DEVICES = ProtocolVersion(3, 0, 0)
RESOLVE_S = 3.0

_RESERVED_PORT = 1
"""tcpmux: assigned, and as good as never listened on."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_NO_RESET = struct.pack("ii", 0, 0)
_OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})


class BackendState(StrEnum):
    """What a backend is, as far as anyone can tell from outside."""

    FREE = "free"
    OURS = "ours"
    """Held by our own coordinator; never the verdict of a probe."""
    BUSY = "busy"
    """It accepts connections and says nothing: somebody else's coordinator holds it."""
    MISMATCH = "mismatch"
    NOT_RPC = "not-rpc"
    REFUSED = "refused"
    NO_ANSWER = "no-answer"


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a backend."""

    index: int
    total_bytes: int
    free_bytes: int
    """A CPU device claims all memory of its box as free."""


@dataclass(frozen=True, slots=True)
class Probe:
    """The verdict on one address."""

    address: Address
    state: BackendState
    protocol: ProtocolVersion | None = None
    devices: tuple[Device, ...] = ()
    latency_ms: float | None = None
    """Round trip of HELLO; None where none was answered."""
    detail: str = ""
    """One clause for a person."""


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """How long a probe waits, in seconds."""

    connect_s: float = 0.4
    reply_s: float = 1.0
    """For end-of-file after the knock, and for each reply."""


class _Verdict(Exception):  # noqa: N818  carries the verdict out of a conversation that ends early
    def __init__(self, state: BackendState, detail: str) -> None:
        self.state = state
        self.detail = detail


async def probe(
    address: Address, *, client: ProtocolVersion | None, limits: ProbeLimits = ProbeLimits()
) -> Probe:
    """Look at one address and say what is there.

    `client` is the version that our own coordinators speak; None where it is not known, and then no verdict
    is a mismatch.

    Raises:
        Problem: this process has no descriptor left to connect with, which says nothing about the address.
    """
    try:
        host = await _resolve(address.host)
        await _knock(host, address.port, limits)
        version, devices, latency_ms = await _converse(host, address.port, limits)
    except _Verdict as early:
        return Probe(address, early.state, detail=early.detail)
    if client is not None and not client.accepts(version):
        detail = f"it speaks RPC {version}, our engine {client}"
        return Probe(address, BackendState.MISMATCH, version, devices, latency_ms, detail)
    return Probe(address, BackendState.FREE, version, devices, latency_ms)


async def wait_until_free(address: Address) -> None:
    """Wait, for as long as it takes, until whoever holds a busy backend has left.

    One knock stays parked in its queue; the server answers it the instant it is idle. Returns early where
    the connection breaks, which says that something has changed too.
    """
    try:
        host = await _resolve(address.host)
        with _socket() as parked:
            parked.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await _connect(parked, host, address.port, ProbeLimits())
            parked.shutdown(socket.SHUT_WR)
            await asyncio.get_running_loop().sock_recv(parked, 1)
    except (_Verdict, OSError):
        return


async def queue_is_full(address: Address, limits: ProbeLimits = ProbeLimits()) -> bool:
    """Whether an address that does not answer is a worker whose queue of two is full.

    Its box then refuses another port while this one drops connections. A firewall may look the same, so ask
    only about an address that has been a worker before.
    """
    try:
        host = await _resolve(address.host)
        with _socket() as elsewhere:
            await _connect(elsewhere, host, _RESERVED_PORT, limits)
    except _Verdict as early:
        return early.state is BackendState.REFUSED
    return True


async def require_resolvable(host: str) -> None:
    """Make sure that a host name stands for an IPv4 address.

    Raises:
        AddressProblem: it does not.
    """
    try:
        await _resolve(host)
    except _Verdict as early:
        raise AddressProblem(
            f"The host name '{host}' does not resolve to an IPv4 address.",
            "Check the spelling, or give the box's IPv4 address.",
        ) from early


async def _resolve(host: str) -> str:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        raise _Verdict(BackendState.NO_ANSWER, "its name does not resolve to an IPv4 address") from None
    return str(found[0][4][0])


async def _knock(host: str, port: int, limits: ProbeLimits) -> None:
    """Return where somebody idle is there; otherwise raise the verdict. Nothing is sent, so nobody is harmed."""
    loop = asyncio.get_running_loop()
    with _socket() as knocking:
        await _connect(knocking, host, port, limits)
        try:
            knocking.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(limits.reply_s):
                greeting = await loop.sock_recv(knocking, 64)
        except TimeoutError:
            raise _Verdict(BackendState.BUSY, "connected, but silent: another coordinator holds it") from None
        except OSError:
            raise _Verdict(BackendState.NOT_RPC, "it reset the connection before a word was said") from None
    if greeting:
        raise _Verdict(BackendState.NOT_RPC, f"it speaks first: {_readable(greeting)}")


async def _converse(
    host: str, port: int, limits: ProbeLimits
) -> tuple[ProtocolVersion, tuple[Device, ...], float]:
    """Version, devices and round trip; an older server closes on the new HELLO and is asked in the old form."""
    try:
        return await _ask(host, port, protocol.hello(), limits)
    except ConnectionError:
        pass
    try:
        # It was idle a moment ago and has just closed on us, so it is idle again: no second knock is needed.
        return await _ask(host, port, protocol.old_hello(), limits)
    except ConnectionError:
        raise _Verdict(
            BackendState.NOT_RPC, "it closes on HELLO: no RPC server, or one from before version 1.0.0"
        ) from None


async def _ask(
    host: str, port: int, hello: bytes, limits: ProbeLimits
) -> tuple[ProtocolVersion, tuple[Device, ...], float]:
    with _socket() as asking:
        # Set before the first byte: whatever ends this early must end it with a reset.
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        await _connect(asking, host, port, limits)
        try:
            started = time.perf_counter()
            version = protocol.read_hello(await _exchange(asking, hello, limits))
            latency_ms = (time.perf_counter() - started) * 1000
            devices = await _devices(asking, version, limits)
        except TimeoutError:
            raise _Verdict(
                BackendState.BUSY, "it fell silent: another coordinator has just taken it"
            ) from None
        except WireError as odd:
            raise _Verdict(BackendState.NOT_RPC, f"it answers, but not in RPC: {odd}") from None
        # Every reply is in, so a normal close is harmless, and the server does not log a broken connection.
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_RESET)
    return version, devices, latency_ms


async def _devices(
    asking: socket.socket, version: ProtocolVersion, limits: ProbeLimits
) -> tuple[Device, ...]:
    if version < FIRST_WITH_DEVICES:
        free, total = protocol.read_device_memory(
            await _exchange(asking, protocol.only_device_memory(), limits)
        )
        return (Device(0, total, free),)
    count = protocol.read_device_count(await _exchange(asking, protocol.device_count(), limits))
    if count > DEVICES_LIMIT:
        raise WireError(f"{count} devices")
    devices = []
    for index in range(count):
        reply = await _exchange(asking, protocol.device_memory(index), limits)
        free, total = protocol.read_device_memory(reply)
        devices.append(Device(index, total, free))
    return tuple(devices)


async def _exchange(asking: socket.socket, request: bytes, limits: ProbeLimits) -> bytes:
    """One request and the payload of its reply.

    Raises:
        TimeoutError: no whole reply in time. ConnectionError: closed or reset. WireError: no RPC.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(limits.reply_s):
        await loop.sock_sendall(asking, request)
        prefix = await _receive(asking, protocol.LENGTH.size)
        if prefix.startswith((b"HTTP/", b"<", b"SSH-")):
            raise WireError(f"it says {_readable(prefix)}")
        return await _receive(asking, protocol.reply_length(prefix))


async def _receive(asking: socket.socket, size: int) -> bytes:
    loop, received = asyncio.get_running_loop(), b""
    while len(received) < size:
        more = await loop.sock_recv(asking, size - len(received))
        if not more:
            raise ConnectionResetError("closed in the middle of a reply")
        received += more
    return received


async def _connect(connecting: socket.socket, host: str, port: int, limits: ProbeLimits) -> None:
    try:
        async with asyncio.timeout(limits.connect_s):
            await asyncio.get_running_loop().sock_connect(connecting, (host, port))
        if connecting.getsockname() == connecting.getpeername():
            raise ConnectionRefusedError("connected to itself: nobody listens there")
    except TimeoutError:
        raise _Verdict(BackendState.NO_ANSWER, "no answer to connecting") from None
    except ConnectionRefusedError:
        raise _Verdict(BackendState.REFUSED, "nothing listens on that port") from None
    except OSError as error:
        raise _Verdict(BackendState.NO_ANSWER, (error.strerror or "not reachable").lower()) from None


@contextmanager
def _socket() -> Iterator[socket.socket]:
    try:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    except OSError as error:
        if error.errno in _OUT_OF_DESCRIPTORS:
            raise Problem(
                "This process has no file descriptor left to probe with.",
                "Raise the limit with 'ulimit -n', or sweep fewer addresses.",
            ) from None
        raise
    with made:
        yield made


def _readable(said: bytes) -> str:
    text = "".join(c if c.isprintable() else " " for c in said.decode("ascii", "replace"))
    return f"'{text.strip()}'"
