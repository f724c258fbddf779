"""Every verdict of a probe, and that no end of a probe would have killed a server."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from app.rpc import connection
from app.rpc.connection import OutOfSockets
from app.rpc.probe import BackendState, Device, Probe, ProbeLimits, probe
from app.text.address import Address
from app.text.version import ProtocolVersion
from tests.support.rpc_fakes import (
    DEVICE_COUNT,
    GET_DEVICE_MEMORY,
    GIB,
    HELLO,
    Answer,
    Serve,
    Visit,
    answers,
    closed_port,
    echoes,
    fake_server,
    full_queue,
    listening_only,
    mute,
    replies,
    resets,
    says,
    trickles,
    worker,
)
from tests.support.waiting import until

PATIENT = ProbeLimits(connect_s=20, reply_s=20)
"""For verdicts that need an answer."""
BRISK = ProbeLimits(connect_s=0.4, reply_s=0.3)
"""For verdicts that come from the lack of one."""
V7, V8 = ProtocolVersion(7, 0, 0), ProtocolVersion(8, 0, 0)


async def verdict_on(
    serve: Serve, client: ProtocolVersion | None = None, limits: ProbeLimits = PATIENT
) -> tuple[Probe, list[Visit]]:
    """The verdict on such a server, and the visits that it saw, each with its end."""
    with fake_server(serve) as server:
        seen = await probe(server.address, client=client, limits=limits)
        assert seen.address == server.address
        await until(lambda: all(visit.ended for visit in server.visits), "the end of every visit")
    return seen, server.visits


async def test_free() -> None:
    seen, visits = await verdict_on(worker(answers(V8)), V8)
    assert (seen.state, seen.protocol, seen.detail) == (BackendState.FREE, V8, "")
    assert seen.devices == (Device(0, total_bytes=2 * GIB, free_bytes=GIB),)
    assert seen.latency_ms is not None
    assert seen.latency_ms > 0
    knocked, asked = visits
    assert (knocked.received, knocked.ended) == (b"", "fin")
    assert (asked.requests, asked.answered, asked.ended) == (3, 3, "fin")


async def test_every_device_is_told() -> None:
    memories = ((1 * GIB, 24 * GIB), (2 * GIB, 24 * GIB), (3 * GIB, 80 * GIB))
    seen, _ = await verdict_on(worker(answers(V8, memories)))
    assert [(d.index, d.free_bytes, d.total_bytes) for d in seen.devices] == [
        (index, free, total) for index, (free, total) in enumerate(memories)
    ]


async def test_a_server_without_devices_is_free_all_the_same() -> None:
    seen, _ = await verdict_on(worker(answers(V8, ())))
    assert (seen.state, seen.devices) == (BackendState.FREE, ())


@pytest.mark.parametrize(
    "version", [ProtocolVersion(1, 0, 0), ProtocolVersion(2, 0, 0), ProtocolVersion(3, 5, 0)]
)
async def test_old_servers_are_asked_in_their_own_form(version: ProtocolVersion) -> None:
    serve = worker(answers(version))
    with fake_server(serve) as server:
        seen = await probe(server.address, client=None, limits=PATIENT)
    assert (seen.state, seen.protocol) == (BackendState.FREE, version)
    assert seen.devices == (Device(0, total_bytes=2 * GIB, free_bytes=GIB),)
    assert len(server.visits) == 3, "a knock, the new HELLO, the old one: a second knock is not needed"


@pytest.mark.parametrize(
    "server", [V7, ProtocolVersion(8, 1, 0), ProtocolVersion(9, 0, 0), ProtocolVersion(3, 0, 0)]
)
async def test_mismatch_names_both_versions_and_asks_no_further(server: ProtocolVersion) -> None:
    with fake_server(worker(answers(server))) as fake:
        seen = await probe(fake.address, client=V8, limits=PATIENT)
    assert (seen.state, seen.protocol, seen.devices) == (BackendState.MISMATCH, server, ())
    assert str(server) in seen.detail
    assert str(V8) in seen.detail
    assert seen.latency_ms is not None
    assert fake.visits[-1].requests == 1


async def test_the_patch_is_no_mismatch() -> None:
    seen, _ = await verdict_on(worker(answers(ProtocolVersion(8, 0, 9))), V8)
    assert seen.state is BackendState.FREE


async def test_busy_is_connected_and_silent() -> None:
    with listening_only() as address:
        seen = await probe(address, client=None, limits=BRISK)
    assert (seen.state, seen.protocol, seen.latency_ms) == (BackendState.BUSY, None, None)
    assert "another coordinator" in seen.detail


async def test_a_full_queue_is_busy_and_not_a_box_that_is_off() -> None:
    with full_queue() as address:
        seen = await probe(address, client=None, limits=BRISK)
    assert seen.state is BackendState.BUSY
    assert "queue is full" in seen.detail


async def test_busy_where_somebody_else_came_between_knock_and_hello() -> None:
    taken = threading.Event()

    def serve(client: socket.socket, visit: Visit) -> None:
        if len(server.visits) == 1:
            client.recv(1)
        else:
            # From the second connection on nobody reads: that is what a client in the queue sees.
            taken.wait()

    with fake_server(serve) as server:
        seen = await probe(server.address, client=None, limits=BRISK)
        taken.set()
    assert seen.state is BackendState.BUSY


async def test_refused() -> None:
    seen = await probe(closed_port(), client=None, limits=PATIENT)
    assert (seen.state, seen.detail) == (BackendState.REFUSED, "nothing listens there")


async def test_a_connection_that_meets_itself_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    address = closed_port()

    def from_that_very_port() -> socket.socket:
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind((address.host, address.port))
        return sock

    monkeypatch.setattr(connection, "open_socket", from_that_very_port)
    seen = await probe(address, client=None, limits=PATIENT)
    assert seen.state is BackendState.REFUSED


async def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_queue() as address, full_queue() as elsewhere:
        monkeypatch.setattr(connection, "_SURELY_CLOSED_PORT", elsewhere.port)
        seen = await probe(address, client=None, limits=BRISK)
    assert (seen.state, seen.detail) == (BackendState.NO_ANSWER, "no answer within 400 ms")


async def test_a_host_name_is_resolved() -> None:
    with fake_server(worker(answers())) as server:
        seen = await probe(Address("localhost", server.address.port), client=None, limits=PATIENT)
    assert seen.state is BackendState.FREE


async def test_a_host_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    seen = await probe(Address("no-such-host.invalid", 1), client=None, limits=PATIENT)
    assert (seen.state, seen.detail) == (BackendState.NO_ANSWER, "its host name does not resolve")


@pytest.mark.parametrize(
    ("serve", "detail"),
    [
        (says(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), "an SSH server"),
        (says(b"220 hello\r\n"), "220 hello"),
        (resets, "resets the connection"),
        (replies(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "an HTTP server"),
        (replies(b"<html>\n<h1>400</h1></html>"), "<html>"),
        (replies(b"?\n"), "middle of its reply"),
        (replies(struct.pack("<Q", 2**62)), "answers HELLO with"),
        (replies(struct.pack("<Q", 29) + bytes(29)), "29 bytes"),
        (replies(struct.pack("<Q", 3) + bytes(3)), "3 bytes in place of 28"),
        (replies(struct.pack("<Q", 28) + bytes(5)), "middle of its reply"),
        (replies(b""), "closes on HELLO"),
        (echoes, "answers HELLO with '\\x0e\\x18"),
        (worker(lambda command, payload: None), "before April 2025"),
    ],
)
async def test_not_rpc(serve: Serve, detail: str) -> None:
    with fake_server(serve) as server:
        seen = await probe(server.address, client=None, limits=PATIENT)
    assert seen.state is BackendState.NOT_RPC, seen
    assert detail in seen.detail
    assert seen.detail.isprintable()


@pytest.mark.parametrize("text", [struct.pack("<Q", 28) + bytes(28), b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_not_rpc_where_the_reply_comes_byte_by_byte(text: bytes) -> None:
    seen, visits = await verdict_on(trickles(text), limits=ProbeLimits(reply_s=0.6))
    assert seen.state is BackendState.NOT_RPC
    assert "only a part" in seen.detail
    assert visits[-1].ended == "rst"


async def test_not_rpc_where_hello_goes_unanswered_but_nobody_is_served() -> None:
    seen, visits = await verdict_on(mute, limits=BRISK)
    assert seen.state is BackendState.NOT_RPC
    assert "answers no HELLO" in seen.detail
    assert [visit.ended for visit in visits] == ["fin", "rst", "fin"]


async def test_a_plain_http_server_is_named() -> None:
    """It closes on the knock and waits for a line after HELLO: only a question of its own kind tells."""

    class Quiet(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
            pass

    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            seen = await probe(Address("127.0.0.1", server.server_port), client=None, limits=BRISK)
        finally:
            server.shutdown()
            thread.join()
    assert (seen.state, seen.detail) == (BackendState.NOT_RPC, "an HTTP server answers there")


def only(*commands: int, then: bytes | None) -> Answer:
    """Answers these commands, and to any other sends `then`, or closes."""
    whole = answers(V8)
    return lambda command, payload: whole(command, payload) if command in commands else then


@pytest.mark.parametrize("known", [(HELLO,), (HELLO, DEVICE_COUNT)])
async def test_no_answer_where_it_goes_silent_after_hello(known: tuple[int, ...]) -> None:
    seen, visits = await verdict_on(
        worker(only(*known, then=b"")), limits=ProbeLimits(connect_s=20, reply_s=0.6)
    )
    assert (seen.state, seen.detail) == (BackendState.NO_ANSWER, "speaks RPC 8.0.0, then went silent")
    assert visits[-1].ended == "rst"


async def test_no_answer_where_it_dies_after_hello() -> None:
    with fake_server(worker(only(HELLO, then=None))) as server:
        seen = await probe(server.address, client=None, limits=PATIENT)
    assert (seen.state, seen.detail) == (
        BackendState.NO_ANSWER,
        "speaks RPC 8.0.0, then closed the connection",
    )


async def test_not_rpc_where_the_devices_are_nonsense() -> None:
    count = struct.pack("<QI", 4, 2**32 - 1)
    seen, visits = await verdict_on(worker(only(HELLO, GET_DEVICE_MEMORY, then=count)))
    assert (seen.state, seen.detail) == (BackendState.NOT_RPC, "it claims 4294967295 devices")
    assert visits[-1].requests == 2


async def test_a_deadline_ends_by_reset() -> None:
    _, visits = await verdict_on(worker(only(then=b"")), limits=BRISK)
    assert visits[1].requests == 1
    assert [visit.ended for visit in visits] == ["fin", "rst", "fin"]


async def test_cancelled_at_any_moment_it_would_have_killed_no_server() -> None:
    """The server takes its time, so that most cancellations come while a reply is outstanding."""
    chance = random.Random(7)
    descriptors = len(os.listdir("/dev/fd"))
    outcomes = {"cancelled": 0, "done": 0}
    with fake_server(worker(answers(V8), delay_s=0.002)) as server:
        for _ in range(150):
            task = asyncio.create_task(probe(server.address, client=V8, limits=PATIENT))
            await asyncio.wait([task], timeout=chance.uniform(0, 0.012))
            outcomes["cancelled" if task.cancel() else "done"] += 1
            await asyncio.wait([task])
        assert len(os.listdir("/dev/fd")) <= descriptors + 4  # the server's own: listening, client
        seen = await probe(server.address, client=V8, limits=PATIENT)
    assert seen.state is BackendState.FREE
    assert outcomes["cancelled"] > 0
    assert not [visit for visit in server.visits if visit.would_have_killed]
    assert any(visit.ended == "rst" and visit.requests > visit.answered for visit in server.visits)


async def test_the_fake_would_tell_of_a_careless_probe() -> None:
    """A HELLO and a normal close before the reply: what the tests above must never see."""
    with fake_server(worker(only(then=b""))) as server:
        with socket.create_connection((server.address.host, server.address.port)) as careless:
            careless.sendall(struct.pack("<BQ", HELLO, 24) + bytes(24))
        await until(lambda: bool(server.visits and server.visits[0].ended), "the end of the visit")
    assert server.visits[0].would_have_killed


PROBER = """
import asyncio, sys
from app.rpc.probe import ProbeLimits, probe
from app.text.address import Address
limits = ProbeLimits(connect_s=60, reply_s=60)
asyncio.run(probe(Address(sys.argv[1], int(sys.argv[2])), client=None, limits=limits))
"""


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda end: end.name)
async def test_a_prober_that_is_killed_would_have_killed_no_server(end: signal.Signals) -> None:
    with fake_server(worker(only(then=b""))) as server:
        prober = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROBER, server.address.host, str(server.address.port)),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await until(lambda: len(server.visits) == 2 and server.visits[1].requests == 1, "the HELLO")
            prober.send_signal(end)
            await until(lambda: bool(server.visits[1].ended), "the end of the visit")
        finally:
            with suppress(ProcessLookupError):
                prober.kill()
            await prober.wait()
    assert server.visits[1].ended == "rst"


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Until the end of the block this process can open nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_lack_of_descriptors_is_not_blamed_on_the_box(host: str) -> None:
    with no_descriptors_left(), pytest.raises(OutOfSockets, match="too many open files") as raised:
        await probe(Address(host, 1), client=None, limits=PATIENT)
    assert "ulimit" in raised.value.remedy
