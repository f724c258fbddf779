from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import replace

import pytest

from app.core.backends import LOOKS_COMPARED, BackendProbed, Backends, BackendSeen
from app.core.events import Bus, LifecycleLine
from app.rpc.probe import BackendState, ProbeLimits
from app.text.address import Address
from tests.support.console import free
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until

IMPATIENT = ProbeLimits(connect_s=1.0, reply_s=0.3)


@pytest.fixture
def backends() -> Backends:
    return Backends(Bus(), IMPATIENT)


def hold(worker: RpcServer) -> socket.socket:
    """Be somebody else's coordinator: connected, and silent."""
    return socket.create_connection((worker.address.host, worker.address.port))


async def until_state(backends: Backends, address: Address, state: BackendState) -> None:
    def reached() -> bool:
        known = backends.get(address)
        return known is not None and known.state is state

    await until(reached)


async def test_a_backend_that_our_coordinator_holds_is_never_probed(
    backends: Backends, rpc_server: RpcServerFactory
) -> None:
    worker = rpc_server()
    backends.add(worker.address, "state")
    backends.hold([worker.address], "a coordinator")
    worker.pause()
    [seen] = await backends.check([worker.address])
    assert seen.state is BackendState.OURS
    worker.resume()
    backends.hold((), "a coordinator")
    [seen] = await backends.check([worker.address])
    assert seen.state is BackendState.FREE


async def test_a_busy_backend_is_waited_for_on_one_knock_and_seen_free_at_once(
    backends: Backends, rpc_server: RpcServerFactory
) -> None:
    worker = rpc_server()
    backends.add(worker.address, "state")
    held = hold(worker)
    watch = asyncio.create_task(backends.watch(lambda: 0.05))
    try:
        await until_state(backends, worker.address, BackendState.BUSY)
        await until(lambda: worker.address in backends.spared)
        held.close()
        await until_state(backends, worker.address, BackendState.FREE)
    finally:
        held.close()
        watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch
    assert backends.spared == frozenset()
    assert worker.alive


async def test_what_changes_is_published_and_what_does_not_is_not(rpc_server: RpcServerFactory) -> None:
    bus = Bus()
    backends = Backends(bus, IMPATIENT)
    worker = rpc_server()
    with bus.subscribe() as mailbox:
        backends.add(worker.address, "state")
        await backends.check([worker.address])
        [seen] = [event for event in mailbox.take() if isinstance(event, BackendSeen)]
        assert seen.backend.state is BackendState.FREE
        worker.kill()
        await backends.check([worker.address])
        told = mailbox.take()
        assert any(isinstance(e, LifecycleLine) and "refused" in e.text for e in told)
        await backends.check([worker.address])
        assert mailbox.take() == [BackendProbed(worker.address)]


def test_one_with_nothing_on_it_is_in_error_for_as_long_as_it_is_held(backends: Backends) -> None:
    used, left, other = (Address(f"127.0.0.{n}", 50052) for n in (2, 3, 4))
    backends.add(other, "state")
    backends.hold([used, left], "a coordinator")
    backends.find_unused([left, other])
    states = {backend.address: backend.state for backend in backends.known}
    assert states == {used: BackendState.OURS, left: BackendState.UNUSED, other: None}
    assert {backend.address for backend in backends.usable} == {used, left}, "another load may use it"
    backends.forget(used)
    backends.find_unused([used])
    assert backends.get(used) is None
    backends.hold((), "a coordinator")
    backends.hold([left], "a coordinator")
    assert {backend.address: backend.state for backend in backends.known} == {
        left: BackendState.OURS,
        other: None,
    }


def test_whoever_plans_gets_the_shortest_round_trip_of_the_last_looks(backends: Backends) -> None:
    address = Address("10.0.0.1", 50052)
    assert [known.latency_ms for known in backends.at_their_best] == []
    for latency_ms in (0.1, 0.4, 30.0, None):
        backends.take(replace(free(address), latency_ms=latency_ms), "sweep")
    assert [known.latency_ms for known in backends.known] == [None]
    assert [known.latency_ms for known in backends.at_their_best] == [0.1]
    for _ in range(LOOKS_COMPARED):
        backends.take(free(address, 5.0), "sweep")
    assert [known.latency_ms for known in backends.at_their_best] == [5.0], "it has become slower for good"
