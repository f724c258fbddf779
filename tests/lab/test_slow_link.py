"""What comes through a slow link, and how a backend behind one is seen."""

from __future__ import annotations

import asyncio
import random
import socket

import pytest

from app.rpc.probe import BackendState, ProbeLimits, probe
from app.text.address import Address
from tests.lab.slow_link import slow_link
from tests.support.rpc_fakes import (
    RESET,
    answers,
    closed_port,
    echoes,
    fake_server,
    mute,
    resets,
    worker,
)
from tests.support.waiting import until

ANY = Address("127.0.0.1", 0)
DELAY_S = 0.02


async def connection(address: Address) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (address.host, address.port))
    return sock


async def heard(sock: socket.socket) -> bytes:
    """All that comes until the other side ends its half."""
    received = b""
    while piece := await asyncio.get_running_loop().sock_recv(sock, 1 << 20):
        received += piece
    return received


async def test_every_byte_comes_through_in_order_and_then_the_end() -> None:
    sent = random.Random(1).randbytes(3 << 20)
    with fake_server(echoes) as server:
        async with slow_link(ANY, server.address, DELAY_S) as near:
            with await connection(near) as sock:
                hearing = asyncio.create_task(heard(sock))
                await asyncio.get_running_loop().sock_sendall(sock, sent)
                sock.shutdown(socket.SHUT_WR)
                assert await hearing == sent


async def test_a_reset_comes_through_and_is_no_normal_end() -> None:
    with fake_server(mute) as server:
        async with slow_link(ANY, server.address, DELAY_S) as near:
            with await connection(near) as sock:
                await asyncio.get_running_loop().sock_sendall(sock, b"asked")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            await until(lambda: bool(server.visits) and server.visits[0].ended == "rst", "the reset")
        assert server.visits[0].received == b"asked"


@pytest.mark.parametrize("server", ["resets", "absent"])
async def test_a_server_that_resets_or_is_not_there_resets_the_client(server: str) -> None:
    with fake_server(resets) as there:
        behind = there.address if server == "resets" else closed_port()
        async with slow_link(ANY, behind, DELAY_S) as near:
            with await connection(near) as sock, pytest.raises(ConnectionResetError):
                await heard(sock)


async def test_a_worker_behind_it_is_free_and_has_the_round_trip_of_the_link() -> None:
    limits = ProbeLimits(connect_s=20, reply_s=20)
    with fake_server(worker(answers())) as server:
        async with slow_link(ANY, server.address, DELAY_S) as near:
            seen = await probe(near, client=None, limits=limits)
    assert seen.state is BackendState.FREE
    assert seen.latency_ms is not None
    # However slow this box is, that much it cannot miss.
    assert seen.latency_ms >= 2 * DELAY_S * 1000
    assert not any(visit.would_have_killed for visit in server.visits)
