"""A knock harms nobody, and a parked one tells the moment when a backend is free."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from app.rpc.knock import knock, wait_until_free
from app.rpc.setback import Occupied, Refused, Stranger
from app.text.address import Address, AddressProblem
from tests.support.rpc_fakes import (
    Visit,
    answers,
    closed_port,
    fake_server,
    full_queue,
    listening_only,
    resets,
    says,
    worker,
)
from tests.support.waiting import until


async def at(address: Address, reply_s: float = 20) -> None:
    await knock((address.host, address.port), 0.4, reply_s)


async def test_an_idle_server_is_sent_nothing() -> None:
    with fake_server(worker(answers())) as server:
        await at(server.address)
        await until(lambda: bool(server.visits[0].ended), "the end of the visit")
    assert (server.visits[0].received, server.visits[0].ended) == (b"", "fin")


async def test_silence_is_somebody_else() -> None:
    with listening_only() as address, pytest.raises(Occupied):
        await at(address, reply_s=0.1)


async def test_a_full_queue_is_somebody_else() -> None:
    with full_queue() as address, pytest.raises(Occupied, match="queue is full"):
        await at(address)


async def test_what_no_rpc_server_does() -> None:
    with fake_server(says(b"hello")) as server, pytest.raises(Stranger, match="hello"):
        await at(server.address)
    with fake_server(resets) as server, pytest.raises(Stranger, match="resets"):
        await at(server.address)
    with pytest.raises(Refused):
        await at(closed_port())


async def test_waiting_ends_when_the_other_one_leaves() -> None:
    leaves = threading.Event()

    def serve(client: socket.socket, visit: Visit) -> None:
        if len(server.visits) == 1:
            leaves.wait()
        else:
            client.recv(1)

    with fake_server(serve) as server, socket.create_connection(("127.0.0.1", server.address.port)):
        await until(lambda: len(server.visits) == 1, "the first client")
        waiting = asyncio.create_task(wait_until_free(server.address))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        leaves.set()
        await asyncio.wait_for(waiting, 20)


async def test_waiting_ends_when_the_backend_is_gone() -> None:
    with listening_only() as address:
        waiting = asyncio.create_task(wait_until_free(address))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    await asyncio.wait_for(waiting, 20)
    await asyncio.wait_for(wait_until_free(address), 20)


async def test_waiting_can_be_cancelled() -> None:
    with listening_only() as address:
        waiting = asyncio.create_task(wait_until_free(address))
        await asyncio.wait([waiting], timeout=0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_waiting_for_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressProblem, match=r"no-such-host\.invalid"):
        await wait_until_free(Address("no-such-host.invalid", 1))
