"""The real RPC server survives every probe of ours, and does not survive a careless one."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from app.rpc.conversation import Silent, conversation
from app.rpc.knock import knock, wait_until_free
from app.rpc.probe import BackendState, Probe, ProbeLimits, probe
from app.rpc.protocol import HELLO
from app.rpc.setback import Occupied
from app.rpc.sweep import sweep
from app.text.version import ProtocolVersion
from tests.support.engine import RpcServer, RpcServerFactory
from tests.support.waiting import until

PATIENT = ProbeLimits(connect_s=20, reply_s=20)
BRISK = ProbeLimits(connect_s=0.1, reply_s=0.2)
ROUNDS = 100
HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
HELLO_REPLY_BYTES = 8 + 28


@pytest.fixture
def servers(rpc_server: RpcServerFactory) -> list[RpcServer]:
    return [rpc_server(host=host) for host in HOSTS]


@contextmanager
def held(server: RpcServer) -> Iterator[None]:
    """As a coordinator holds it: on a connection that has said HELLO and stays."""
    with socket.create_connection((server.address.host, server.address.port), timeout=20) as coordinator:
        coordinator.sendall(HELLO.request)
        received = b""
        while len(received) < HELLO_REPLY_BYTES:
            received += coordinator.recv(HELLO_REPLY_BYTES - len(received))
        yield


async def swept(servers: list[RpcServer], limits: ProbeLimits) -> dict[str, Probe]:
    addresses = [server.address for server in servers]
    return {seen.address.host: seen async for seen in sweep(addresses, client=None, limits=limits)}


async def all_well(*servers: RpcServer) -> None:
    """Every server runs, has dealt with those who came before, and answers a whole probe."""
    for server in servers:
        seen = await probe(server.address, client=None, limits=PATIENT)
        assert seen.state is BackendState.FREE, f"{seen}, exit code {server.process.poll()}"


async def test_a_real_server_tells_its_protocol_and_its_devices(rpc_server: RpcServerFactory) -> None:
    seen = await probe(rpc_server().address, client=None, limits=PATIENT)
    assert seen.state is BackendState.FREE
    assert seen.protocol is not None
    assert seen.protocol.major >= 4
    assert [device.index for device in seen.devices] == list(range(len(seen.devices)))
    assert all(0 < device.free_bytes <= device.total_bytes for device in seen.devices)
    assert seen.devices
    assert seen.latency_ms


async def test_mismatch_with_an_engine_of_another_protocol(rpc_server: RpcServerFactory) -> None:
    server = rpc_server()
    own = (await probe(server.address, client=None, limits=PATIENT)).protocol
    assert own is not None
    other = ProtocolVersion(own.major - 1, 0, 0)
    seen = await probe(server.address, client=other, limits=PATIENT)
    assert (seen.state, seen.protocol) == (BackendState.MISMATCH, own)
    assert str(other) in seen.detail
    assert (await probe(server.address, client=own, limits=PATIENT)).state is BackendState.FREE
    await all_well(server)


async def test_idle_servers_survive_many_sweeps(servers: list[RpcServer]) -> None:
    for _ in range(ROUNDS):
        seen = await swept(servers, PATIENT)
        assert {host: found.state for host, found in seen.items()} == dict.fromkeys(HOSTS, BackendState.FREE)
    await all_well(*servers)


async def test_busy_servers_survive_many_sweeps_and_are_called_busy_in_each(servers: list[RpcServer]) -> None:
    with held(servers[0]), held(servers[1]), held(servers[2]):
        for _ in range(ROUNDS):
            seen = await swept(servers, BRISK)
            assert {host: found.state for host, found in seen.items()} == dict.fromkeys(
                HOSTS, BackendState.BUSY
            )
    await all_well(*servers)


async def test_cancelled_at_any_moment(servers: list[RpcServer]) -> None:
    chance = random.Random(3)
    for _ in range(ROUNDS):
        tasks = [asyncio.create_task(probe(s.address, client=None, limits=PATIENT)) for s in servers]
        await asyncio.wait(tasks, timeout=chance.uniform(0, 0.004))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await all_well(*servers)


PROBER = """
import asyncio, sys
from app.rpc.sweep import sweep
from app.text.address import parse_address
async def sweep_for_ever():
    while True:
        async for seen in sweep([parse_address(word) for word in sys.argv[1:]], client=None):
            print(seen.state, flush=True)
asyncio.run(sweep_for_ever())
"""


async def test_probers_that_are_killed(servers: list[RpcServer]) -> None:
    chance = random.Random(5)
    for _ in range(12):
        prober = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PROBER, *(str(server.address) for server in servers)),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert prober.stdout
            for _ in range(chance.randint(1, 40)):
                assert await asyncio.wait_for(prober.stdout.readline(), 20) == b"free\n"
        finally:
            with suppress(ProcessLookupError):
                prober.kill()
            await prober.communicate()
        assert prober.returncode == -signal.SIGKILL
    await all_well(*servers)


async def test_a_hello_that_came_too_late(rpc_server: RpcServerFactory) -> None:
    """The knock found it idle, and somebody else was faster with HELLO: ours waits, and is reset."""
    server = rpc_server()
    endpoint = (server.address.host, server.address.port)
    for _ in range(20):
        with held(server):
            with pytest.raises(Silent):
                async with conversation(endpoint, 20, 0.05) as talk:
                    await talk.ask(HELLO)
            with pytest.raises(Occupied):
                await knock(endpoint, 20, 0.05, b"GET / HTTP/1.0\r\n\r\n")
        await all_well(server)


async def test_waiting_for_a_real_server(rpc_server: RpcServerFactory) -> None:
    server = rpc_server()
    with held(server):
        waiting = asyncio.create_task(wait_until_free(server.address))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
    await asyncio.wait_for(waiting, 20)
    await all_well(server)


async def test_a_careless_probe_does_kill_a_real_server(rpc_server: RpcServerFactory) -> None:
    """So the tests above could fail: HELLO and a normal close before the reply, as naive tools do it."""
    server = rpc_server()
    with held(server), socket.create_connection((server.address.host, server.address.port)) as careless:
        careless.sendall(HELLO.request)
        careless.close()
    await until(lambda: not server.alive, "the death of the server")
    assert server.process.returncode == -signal.SIGPIPE


async def test_and_a_reset_in_its_place_does_not(rpc_server: RpcServerFactory) -> None:
    server = rpc_server()
    with held(server), socket.create_connection((server.address.host, server.address.port)) as careful:
        careful.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        careful.sendall(HELLO.request)
        careful.close()
    await all_well(server)
