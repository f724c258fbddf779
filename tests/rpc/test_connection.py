"""How an attempt to connect ends, also where its end and its deadline come together."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from app.rpc import connection
from app.rpc.connection import OutOfSockets, connected, open_socket
from app.rpc.setback import Occupied, Refused, Stranger, Unanswered
from app.text.address import Address
from tests.support.rpc_fakes import closed_port, full_queue, listening_only


async def test_connected_and_closed_again() -> None:
    with listening_only() as address:
        async with connected((address.host, address.port), 20) as sock:
            assert sock.getpeername() == (address.host, address.port)
        assert sock.fileno() == -1


async def test_an_outcome_that_comes_together_with_the_deadline_is_not_lost() -> None:
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        assert await connection._outcome(near, 0) == 0


async def test_an_attempt_without_an_outcome() -> None:
    with full_queue() as address, open_socket() as sock:
        assert sock.connect_ex((address.host, address.port)) == errno.EINPROGRESS
        assert await connection._outcome(sock, 0.01) is None


@pytest.mark.parametrize(
    ("code", "setback"),
    [
        (errno.ECONNREFUSED, Refused),
        (errno.ECONNRESET, Stranger),
        (errno.EHOSTUNREACH, Unanswered),
        (errno.ENETUNREACH, Unanswered),
        (errno.ETIMEDOUT, Unanswered),
        (errno.EPERM, Unanswered),
        (errno.EMFILE, OutOfSockets),
        (errno.EADDRNOTAVAIL, OutOfSockets),
        (errno.ENOBUFS, OutOfSockets),
    ],
)
async def test_what_an_outcome_means(
    monkeypatch: pytest.MonkeyPatch, code: int, setback: type[Exception]
) -> None:
    async def outcome(sock: socket.socket, within_s: float) -> int:
        return code

    monkeypatch.setattr(connection, "_outcome", outcome)
    with full_queue() as address, pytest.raises(setback) as raised:
        async with connected((address.host, address.port), 20):
            pass
    if setback in (Unanswered, OutOfSockets):
        assert os.strerror(code).lower() in str(raised.value).lower()


async def test_a_full_queue_and_a_box_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_queue() as address, full_queue() as elsewhere:
        with pytest.raises(Occupied, match="queue is full"):
            await attempt(address, 0.2)
        monkeypatch.setattr(connection, "_SURELY_CLOSED_PORT", elsewhere.port)
        with pytest.raises(Unanswered, match="no answer within 200 ms"):
            await attempt(address, 0.2)
    with pytest.raises(Refused):
        await attempt(closed_port(), 20)


async def attempt(address: Address, within_s: float) -> None:
    async with connected((address.host, address.port), within_s):
        pytest.fail("it connected")
