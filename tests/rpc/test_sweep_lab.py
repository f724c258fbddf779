"""Sweeps over hosts that do not answer: all at once, and none of those that are there is lost."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from app.rpc import sweep as sweeping
from app.rpc.probe import BackendState, Probe, ProbeLimits, probe
from app.text.address import Address
from app.text.version import ProtocolVersion
from tests.lab.boxes import namespace

ROOT = Path(__file__).parents[2]


def lab(kind: str) -> dict[str, object]:
    if not namespace():
        pytest.skip("this system lets us have no network namespace")
    command = [*namespace(), sys.executable, "-m", "tests.rpc.silent_lab", kind]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, object] = json.loads(done.stdout)
    return seen


def test_a_slash_24_of_silent_hosts_is_waited_for_at_once() -> None:
    seen = lab("silent")
    assert seen["states"] == {"no-answer": 254}
    assert seen["peak"] == 254


def test_no_host_is_lost_in_a_network_larger_than_the_neighbour_table() -> None:
    """Without a pace the kernel drops the attempts at the last ones, and says nothing."""
    seen = lab("far")
    assert seen["states"] == {"no-answer": 2044, "refused": 2}
    assert seen["found"] == ["10.77.0.1:50052", "10.77.7.254:50052"]


@contextmanager
def silent_network(hosts: list[str]) -> Iterator[list[Address]]:
    """Addresses on loopback whose kernel drops each connection, for the queue behind them is full."""
    with ExitStack() as stack:
        port = 0
        for host in hosts:
            listening = stack.enter_context(socket.socket())
            listening.bind((host, port))
            listening.listen(0)
            port = listening.getsockname()[1]
            stack.enter_context(socket.create_connection((host, port)))
        yield sweeping.candidates(hosts, [port], [])


async def test_silent_addresses_are_waited_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a namespace: every probe has begun before the first one has ended."""
    pending = peak = 0

    async def counted(address: Address, *, client: ProtocolVersion | None, limits: ProbeLimits) -> Probe:
        nonlocal pending, peak
        pending += 1
        peak = max(peak, pending)
        try:
            return await probe(address, client=client, limits=limits)
        finally:
            pending -= 1

    monkeypatch.setattr(sweeping, "probe", counted)
    hosts = [f"127.77.0.{number}" for number in range(1, 127)]
    with silent_network(hosts) as addresses:
        seen = [found async for found in sweeping.sweep(addresses, client=None, at_once=len(hosts))]
    assert {found.state for found in seen} == {BackendState.BUSY}
    assert sorted(found.address for found in seen) == sorted(addresses)
    assert peak == len(hosts)
